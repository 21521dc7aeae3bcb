"""Build and run one process each: what the room gives, wired to the settings, its facts to the metrics and the log.

The rooms are imported where they are run, so that a process loads only its own.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog
from aiohttp import web
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from deploy import current, tables
from deploy.datadir import DataDir
from deploy.errors import EX_MOVED, SettingsError, TopicError
from deploy.kafka.broker import answers
from deploy.logs import configure, log_facts
from deploy.metrics import Metrics
from deploy.settings import Settings
from deploy.topics import Registry, registry
from deploy.waiting import wait_for
from schemas.topics import topics

Observe = Callable[[object], None]

WORKER_PORTS = 10
"""Ports between the metrics of one stream worker and the next."""


async def run_streams(settings: Settings, data: DataDir, *, resume: bool, worker: int = 1) -> None:
    """Run the stream worker until SIGTERM. It ends the process by itself where it must not go on.

    Several on one machine are told apart by `worker`, from 1. Exits with EX_MOVED when another generation is current.
    """
    from streams import app  # noqa: PLC0415
    from streams.engine.shard import Span  # noqa: PLC0415

    configure("streams", settings.log_level)
    stop = stop_signal()
    follows = not settings.generation
    settings, known = await _kafka_ready(settings)
    generation = known.generations[settings.generation]
    metrics = Metrics(CollectorRegistry())
    metrics.serve("127.0.0.1", settings.streams_metrics_port + WORKER_PORTS * (worker - 1))
    moved = _watch_pointer(settings, stop, raw_only=False) if follows else asyncio.Event()
    ends = generation.ends or (None,) * len(generation.begins)
    await app.run(
        app.StreamsSettings(
            connection=settings.kafka_connection,
            namespace=settings.namespace,
            identities=known.identities,
            partitions=generation.partitions,
            state_dir=data.state_of(worker),
            taxonomies=data.taxonomies,
            archive=generation.of_an_archive,
            resume=resume,
            spans={n: Span(*span) for n, span in enumerate(zip(generation.begins, ends, strict=True))},
        ),
        observer("streams", metrics),
        stop,
    )
    _exit_if(moved)


async def run_producers(settings: Settings, data: DataDir) -> None:
    """Run the producers until SIGTERM."""
    from producers import app  # noqa: PLC0415

    configure("producers", settings.log_level)
    stop = stop_signal()
    follows = not settings.generation
    settings, _ = await _kafka_ready(settings)
    moved = _watch_pointer(settings, stop, raw_only=True) if follows else asyncio.Event()
    metrics = Metrics(CollectorRegistry())
    metrics.serve("127.0.0.1", settings.producers_metrics_port)
    settings.sources.mkdir(parents=True, exist_ok=True)
    producers = app.build(
        sources_dir=settings.sources,
        data_dir=data.path,
        kafka=settings.kafka_connection,
        namespace=settings.namespace,
        observe=observer("producers", metrics),
        contact=settings.contact,
        pseudonym_key=pseudonym_key(settings, data),
    )
    await _until(stop, producers)
    _exit_if(moved)


def pseudonym_key(settings: Settings, data: DataDir) -> bytes:
    """Return the key of job seekers' pseudonyms: the setting, else that of the data directory."""
    return settings.pseudonym_key.get_secret_value().encode() or data.pseudonym_key()


async def run_push(settings: Settings, data: DataDir) -> None:
    """Run the push endpoint until SIGTERM. Raises SettingsError when there are no keys, or none that can be used."""
    from producers.push import keys, server  # noqa: PLC0415

    configure("push", settings.log_level)
    stop = stop_signal()
    if (keys_path := settings.push_keys) is None:
        raise SettingsError("MARSAD_PUSH_KEYS names no file of keys: nobody could push (docs/push.md)")
    follows = not settings.generation
    settings, _ = await _kafka_ready(settings)
    moved = _watch_pointer(settings, stop, raw_only=True) if follows else asyncio.Event()
    metrics = Metrics(CollectorRegistry())
    try:
        site = server.build(
            kafka=settings.kafka_connection,
            namespace=settings.namespace,
            keys_path=keys_path,
            observe=observer("push", metrics),
            clock=lambda: datetime.now(UTC),
            pseudonym_key=pseudonym_key(settings, data),
        )
    except keys.KeysError as error:
        raise SettingsError(str(error)) from error
    metrics.serve("127.0.0.1", settings.push_metrics_port)
    runner = server.runner(site)
    await runner.setup()
    await web.TCPSite(runner, settings.push_host, settings.push_port).start()
    await stop.wait()
    await runner.cleanup()
    _exit_if(moved)


async def run_dashboard(settings: Settings, data: DataDir) -> None:
    """Run the sinks, the API and the wall until SIGTERM: one process, for the embedded store belongs to one.

    Where no generation was named, what is shown follows the pointer, and rebuilds are written beside it.
    """
    from deploy.showing import Showing  # noqa: PLC0415
    from streams.engine.ending import end_process  # noqa: PLC0415

    configure("dashboard", settings.log_level)
    stop = stop_signal()
    follows = not settings.generation
    logger = structlog.stdlib.get_logger("deploy")
    settings, known = await _kafka_ready(settings)
    opening = asyncio.create_task(asyncio.to_thread(tables.open_store, settings, data, logger.warning))
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait([opening, asked], return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        end_process(None)  # the thread that waits for an absent store cannot be called back
    store, _ = await opening
    metrics = Metrics(CollectorRegistry())
    showing = Showing(settings, store, observe=observer("dashboard", metrics), metrics=lambda: metrics.text().decode())
    await showing.show(settings.namespace)
    following = asyncio.create_task(showing.follow(known)) if follows else None

    def ended(done: asyncio.Task[None]) -> None:
        if not done.cancelled():  # a wall that no longer follows would show an old generation for ever
            end_process(done.exception())

    if following is not None:
        following.add_done_callback(ended)
    await stop.wait()
    if following is not None:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    if not await showing.close():  # the store is away: what it did not take is not committed either
        end_process(None)
    await asyncio.to_thread(store.close)


async def run_market(settings: Settings, data: DataDir) -> None:
    """Run the simulated portals until SIGTERM; they write the source files by which producers find them."""
    from deploy.market import app  # noqa: PLC0415

    configure("market", settings.log_level)
    stop = stop_signal()
    market = app.build(
        port=settings.market_port,
        data_dir=data.path,
        sources_dir=settings.sources,
        observe=log_facts("market"),
    )
    await _until(stop, market)


class Service(Protocol):
    """What runs until it is stopped."""

    async def run(self) -> None:
        """Run until `stop`."""
        ...

    async def stop(self) -> None:
        """Make `run` return."""
        ...


async def _until(stop: asyncio.Event, service: Service) -> None:
    """Run a service until `stop` is set; raises what ends it before."""
    running = asyncio.create_task(service.run())
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait([running, asked], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    await service.stop()
    await running


def stop_signal() -> asyncio.Event:
    """Make an event that SIGTERM and Ctrl-C set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def observer(process: str, metrics: Metrics) -> Observe:
    """Make what a room is given to report to: each fact is counted and logged."""
    log = log_facts(process)

    def observe(fact: object) -> None:
        metrics.observe(fact)
        log(fact)

    return observe


def _watch_pointer(settings: Settings, stop: asyncio.Event, *, raw_only: bool) -> asyncio.Event:
    """Set `stop`, and the event returned, when the pointer leaves the generation (`raw_only`: its raw namespace)."""
    moved = asyncio.Event()

    async def watch() -> None:
        await current.moved(settings, raw_only=raw_only)
        structlog.stdlib.get_logger("deploy").info("another generation is current: starting again on it")
        moved.set()
        stop.set()

    watching = asyncio.create_task(watch(), name="pointer")
    watching.add_done_callback(lambda done: done.cancelled() or done.result())
    return moved


def _exit_if(moved: asyncio.Event) -> None:
    if moved.is_set():
        sys.exit(EX_MOVED)


async def _kafka_ready(settings: Settings) -> tuple[Settings, Registry]:
    """Wait for the brokers, and read the registry; settings name their generation from here on.

    Raises TopicError if the generation's topics were not created.
    """
    kafka = settings.kafka_connection
    logger = structlog.stdlib.get_logger("deploy")
    await wait_for(lambda: answers(kafka), f"Kafka at {kafka.bootstrap} does not answer yet: waiting", logger.warning)
    try:
        known = await registry(kafka)
    except KafkaError as error:
        raise TopicError(f"the registry at {kafka.bootstrap} cannot be read: {error}") from error
    settings = current.settled(settings, known)
    missing = {settings.namespace.topic(name) for name in topics()} - known.identities.keys()
    if missing or settings.generation not in known.generations:
        raise TopicError(f"generation {settings.generation} has no topics yet: run `marsad topics` first")
    return settings, known
