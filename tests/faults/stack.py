"""The real stack under a schedule: broker, ClickHouse, stream workers and sink, a feed, and how far each has come."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from deploy import topics
from deploy.markers import Readback
from producers.publish import Publisher, key_of
from schemas.connections import KafkaConnection
from schemas.messages import Posting
from schemas.topics import Namespace
from store import Store
from store.connect import connect
from store.migrate import migrate
from streams.sink.agent import TOPICS as SINK_TOPICS
from tests.faults.postings import Market, utc_now
from tests.faults.proxy import Proxy
from tests.faults.running import ClickHouse, Place, Running, kafka_in, sink, worker

LIVE = Namespace("live")
RAW = "postings-raw"
CATCH_UP_SECONDS = 60.0
"""From healing to lag 0, at most."""

PATIENCE_SECONDS = 240.0
"""A run waits longer than it may take: what came late is told from what never came."""

PATIENCE = 3.0
"""Every wait for an effect is so much longer than it takes on a quiet machine."""

Done = dict[TopicPartition, int]


class Stack:
    """Everything that a fault may strike. `broken` collects what ended by itself and refused to start again."""

    def __init__(self, folder: Path, libs: Path, seed: int, scale: float) -> None:
        self.place = Place(folder)
        self.broker, self.kafka_proxy = kafka_in(folder, libs)
        self.clickhouse = ClickHouse(folder / "clickhouse")
        self.store_proxy = Proxy(self.clickhouse.port, framed=False)
        self.market = Market(seed, utc_now())
        self.sent: list[tuple[bytes | None, bytes | None]] = []
        self.workers: list[Running] = []
        self.others: list[Running] = []
        self.scale = scale
        self.flooded = False
        self.rate = 24.0
        self.feeding = asyncio.Event()
        self.catch_ups: list[float] = []
        self.sink = sink(self.place, self.kafka.bootstrap, self.clickhouse.url_at(self.store_proxy.port))
        self.store: Store = connect(self.clickhouse.url, folder)
        self._publisher = Publisher(
            kafka=KafkaConnection(f"127.0.0.1:{self.kafka_proxy.port}"),
            namespace=LIVE,
            observe=lambda _fact: None,
            clock=lambda: datetime.now(UTC),
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._count = 0

    @property
    def kafka(self) -> KafkaConnection:
        """The broker, directly."""
        return self.broker.connection

    @property
    def broken(self) -> list[str]:
        """Processes that refused to go on."""
        return [one.name for one in (*self.workers, self.sink) if 78 in one.endings]

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start broker, store, one worker, the sink, and the feed."""
        self.place.folder.mkdir(parents=True, exist_ok=True)
        await self.kafka_proxy.start()
        await self.store_proxy.start()
        await asyncio.gather(asyncio.to_thread(self.start_broker), asyncio.to_thread(self.clickhouse.start))
        await asyncio.to_thread(migrate, self.store)
        await topics.ensure(self.kafka, LIVE, now=datetime.now(UTC))
        self.sink.start()
        self.add_worker()
        self._tasks = [asyncio.create_task(self._tend()), asyncio.create_task(self._feed())]
        await self.publish(list(self.market.sightings(200)))  # so that to have caught up means to run
        self.feeding.set()

    async def stop(self) -> None:
        """End every process of this stack."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.signal_broker(signal.SIGCONT)
        await self._publisher.close()
        for one in (*self.workers, *self.others, self.sink):
            await asyncio.to_thread(one.stop, 6.0)
        await self.kafka_proxy.stop()
        await self.store_proxy.stop()
        await asyncio.to_thread(self.store.close)
        await asyncio.to_thread(self.clickhouse.stop)
        await asyncio.to_thread(self.broker.stop)

    def start_broker(self) -> None:
        """Start the broker and wait until it answers; blocks."""
        self.broker.start(self.place.folder / "kafka.log", lambda _line: None)

    def signal_broker(self, number: int) -> None:
        """Send the broker's process a signal, if it lives."""
        if (pid := self.broker.pid()) is not None:
            os.kill(pid, number)

    def add_worker(self, kafka: str = "", data: Path | None = None) -> Running:
        """Start another worker of the live generation."""
        self._count += 1
        made = worker(self.place, f"worker-{self._count}", kafka or self.kafka.bootstrap, data=data)
        self.workers.append(made)
        made.start()
        return made

    async def add_other(self, namespace: Namespace, held: Sequence[int] = ()) -> Running:
        """Make, not yet start, a worker of another generation, whose topics exist then; `held` are not read yet."""
        await topics.ensure(self.kafka, namespace, now=datetime.now(UTC))
        self._count += 1
        name = f"other-{self._count}"
        made = worker(self.place, name, self.kafka.bootstrap, namespace.generation, namespace.raw)
        self.others.append(made)
        if held:
            self.place.hold(name).write_text(json.dumps(list(held)), "utf-8")
        return made

    def release(self, other: Running) -> None:
        """Let a worker read what it was held off."""
        self.place.hold(other.name).unlink(missing_ok=True)

    async def only(self, keep: Running) -> None:
        """End all workers but one, gracefully."""
        for one in [one for one in self.workers if one is not keep and one.wanted]:
            await asyncio.to_thread(one.stop)

    @property
    def worker(self) -> Running:
        """A worker that runs."""
        return next(one for one in reversed(self.workers) if one.wanted)

    async def _tend(self) -> None:
        while True:
            for one in (*self.workers, *self.others, self.sink):
                one.tend()
            await asyncio.sleep(0.3)

    # -- feed ------------------------------------------------------------------------------------------------------

    async def _feed(self) -> None:
        while True:
            await self.feeding.wait()
            await self.publish(list(self.market.sightings(max(1, int(self.rate / 2)))))
            await asyncio.sleep(0.5)

    async def publish(self, postings: Sequence[Posting]) -> None:
        """Publish as the producers do; returns once Kafka has acknowledged, and remembers what it did."""
        await self._publisher.postings("faults", postings)
        self.sent += [(key_of(posting), msgspec.json.encode(posting)) for posting in postings]

    async def heartbeat(self) -> None:
        """Publish a heartbeat into every raw partition."""
        await self._publisher.heartbeat()

    async def append(self, records: Iterable[tuple[bytes | None, bytes | None]], topic: str = RAW) -> None:
        """Append records as they are, as no producer of ours would; remembers those of the live raw topic."""
        producer = AIOKafkaProducer(**self.kafka.client_options(), max_request_size=9 << 20, enable_idempotence=True)
        await producer.start()
        try:
            for key, value in records:
                await producer.send_and_wait(topic, value, key)
                if topic == RAW:
                    self.sent.append((key, value))
        finally:
            await producer.stop()

    @contextlib.asynccontextmanager
    async def quiet(self) -> AsyncIterator[None]:
        """Without the feed."""
        self.feeding.clear()
        try:
            yield
        finally:
            self.feeding.set()

    # -- strikes ---------------------------------------------------------------------------------------------------

    async def struck(self, place: str, number: int, stage: str = "", seconds: float = 20.0) -> Running | None:
        """Have a worker strike itself at `place`, and wait until one has; None if none came there in time."""
        wanted = {"at": place, "signal": number} | ({"stage": stage} if stage else {})
        marks = {one: one.mark() for one in self.workers}
        fresh = self.place.strike.with_suffix(".new")
        fresh.write_text(json.dumps(wanted), "utf-8")
        fresh.rename(self.place.strike)

        def victim() -> Running | None:
            return next((one for one, mark in marks.items() if one.facts(mark, "struck")), None)

        try:
            return await until(victim, seconds)
        except TimeoutError:
            return None
        finally:
            self.place.strike.unlink(missing_ok=True)

    # -- how far ---------------------------------------------------------------------------------------------------

    async def caught_up(self, seconds: float = PATIENCE_SECONDS, namespace: Namespace = LIVE) -> float:
        """Wait until all that stands in the topics now has come through stages (and the sink); the seconds that took.

        Raises TimeoutError naming the reader that lags.
        """
        began = time.monotonic()
        readers = [("ads", [RAW]), ("market", ["postings-enriched"]), ("sink", list(SINK_TOPICS))]
        waiting = list(readers if namespace == LIVE else readers[:2])
        wanted: Done | None = None
        left: Done = {}
        while True:
            # What is away is asked again: a broker that restarts is part of what is waited for.
            with contextlib.suppress(KafkaError, OSError, IndexError, KeyError):
                async with Readback(self.kafka, namespace) as readback:
                    while waiting:
                        reader, contracts = waiting[0]
                        wanted = wanted or await _ends(readback, contracts)
                        done = await _done(readback, reader, namespace)
                        left = {tp: end - done.get(tp, 0) for tp, end in wanted.items() if done.get(tp, 0) < end}
                        if not left:
                            waiting.pop(0)
                            wanted = None
                        elif time.monotonic() > began + seconds:
                            break
                        else:
                            await asyncio.sleep(0.3)
            if not waiting:
                return time.monotonic() - began
            if time.monotonic() > began + seconds:
                raise TimeoutError(f"{waiting[0][0]} has still to do {left} after {seconds:.0f} s")
            await asyncio.sleep(0.3)

    async def done(self, reader: str, namespace: Namespace = LIVE) -> Done:
        """First offset not done of each partition: by the markers of a stage, by the commits of the sink."""
        async with Readback(self.kafka, namespace) as readback:
            return await _done(readback, reader, namespace)

    async def query(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the store directly, past the proxy."""
        return await asyncio.to_thread(self.store.query, sql)


async def _ends(readback: Readback, contracts: Sequence[str]) -> Done:
    found: Done = {}
    for contract in contracts:
        found |= await readback.ends(await readback.partitions(contract))
    return found


async def _done(readback: Readback, reader: str, namespace: Namespace) -> Done:
    if reader == "sink":
        committed = await readback._admin.list_consumer_group_offsets(namespace.group("sink"))
        return {tp: offset.offset for tp, offset in committed.items()}
    return {
        TopicPartition(topic, partition): position.next
        for partition, marker in (await readback.markers(reader)).items()
        for topic, position in marker.positions.items()
    }


async def until(look: Callable[[], Any], seconds: float, every: float = 0.3) -> Any:  # noqa: ANN401 - what `look` finds
    """Look until the answer is true, and return it. Raises TimeoutError after `seconds`."""
    deadline = time.monotonic() + PATIENCE * seconds
    while True:
        found = look()
        answer = await found if isinstance(found, Awaitable) else found
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s")
        await asyncio.sleep(every)


def copy_state(source: Path, target: Path) -> None:
    """Replace a worker's local state by a copy of another."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
