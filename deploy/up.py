"""`marsad up`: everything, in order, supervised, until somebody stops it."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from deploy import topics
from deploy.current import read_settled
from deploy.datadir import DataDir, exclusive
from deploy.errors import EX_MOVED, BrokerError, DeployError
from deploy.kafka.broker import READY_SECONDS, LocalKafka, answers
from deploy.ports import listening, require_free
from deploy.processes import WORKER_PORTS, stop_signal
from deploy.settings import PREFIX, Settings
from deploy.supervision import Policy, Stop
from deploy.supervisor import (
    Child,
    ChildExited,
    ChildHeld,
    ChildKilled,
    ChildStarted,
    Event,
    Supervisor,
    die_with_parent,
)
from deploy.waiting import wait_for

BROKER = "kafka"


def broker_of(settings: Settings, data: DataDir) -> LocalKafka:
    """Describe the local broker of a data directory."""
    return LocalKafka(data.kafka, data.kafka / "libs", settings.kafka_port, settings.kafka_controller_port)


def children(settings: Settings) -> list[str]:
    """Name the processes to run beside the broker, in the order of their start.

    The simulated portals run unless sources of one's own are named; the push endpoint when there are keys for it.
    """
    pushing = ["push"] if settings.push_keys else []
    others = [f"streams-{number}" for number in range(2, settings.stream_workers + 1)]
    return [*([] if settings.sources_dir else ["market"]), "streams", *others, "dashboard", "producers", *pushing]


def command_of(child: str) -> list[str]:
    """The command line of a process that `children` names."""
    name, _, worker = child.partition("-")
    return [sys.executable, "-m", "deploy.cli", "run", name, *(["--worker", worker] if worker else [])]


def ports(settings: Settings) -> dict[str, tuple[str, int]]:
    """List what the processes beside the broker will listen on, by the setting that chooses it."""
    host = "127.0.0.1"
    chosen = {
        "http_port": (settings.http_host, settings.http_port),
        "streams_metrics_port": (host, settings.streams_metrics_port),
        "producers_metrics_port": (host, settings.producers_metrics_port),
    }
    for number in range(1, settings.stream_workers):
        port = settings.streams_metrics_port + WORKER_PORTS * number
        chosen[f"streams_metrics_port (worker {number + 1})"] = (host, port)
    if "market" in children(settings):
        chosen["market_port"] = (host, settings.market_port)
    if "push" in children(settings):
        chosen["push_port"] = (settings.push_host, settings.push_port)
        chosen["push_metrics_port"] = (host, settings.push_metrics_port)
    return {PREFIX + name.upper(): address for name, address in chosen.items()}


async def up(settings: Settings, data: DataDir, console: Console) -> None:
    """Run everything until SIGTERM or Ctrl-C, then stop all of it within 10 s.

    Raises DeployError where it cannot start.
    """
    stop = stop_signal()
    with exclusive(data):
        supervisor = Supervisor(data.logs, data.stopped, announce(console), Policy())
        work = asyncio.create_task(_run(settings, data, console, supervisor))
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([work, asked], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            if stop.is_set():
                console.print("Stopping")
            asked.cancel()
            work.cancel()
            began = time.monotonic()
            await asyncio.gather(work, return_exceptions=True)
            await supervisor.stop(Stop())
        console.print(f"Stopped in {time.monotonic() - began:.1f} s; `marsad up` goes on from here")


async def foundations(settings: Settings, data: DataDir, console: Console, supervisor: Supervisor) -> None:
    """Bring up what every process needs: the broker, the generation's topics, the tables."""
    require_free(ports(settings))
    with step(console, "Kafka"):
        await kafka_up(settings, data, console, supervisor)
    settings = await read_settled(settings)
    with step(console, f"Topics of generation {settings.generation}"):
        await topics.ensure(
            settings.kafka_connection,
            settings.namespace,
            settings.partitions,
            now=datetime.now(UTC),
            replication=settings.kafka_replication,
        )
    with step(console, "Tables"):
        await migrated()


async def _run(settings: Settings, data: DataDir, console: Console, supervisor: Supervisor) -> None:
    await foundations(settings, data, console, supervisor)
    for name in children(settings):
        supervisor.start(Child(name, command_of(name)))
    with step(console, "Wall"):
        await _until_listening(settings.http_host, settings.http_port)
    host = "127.0.0.1" if settings.http_host in {"0.0.0.0", "::"} else settings.http_host  # noqa: S104 - compared
    console.print(f"\nThe wall: [bold]http://{host}:{settings.http_port}/wall[/bold]   (Ctrl-C stops everything)\n")
    await supervisor.failed()


async def kafka_up(settings: Settings, data: DataDir, console: Console, supervisor: Supervisor) -> None:
    """Start the local broker unless it runs; wait for a cluster of one's own."""
    kafka = settings.kafka_connection
    broker = broker_of(settings, data)
    if settings.local_kafka and broker.pid() is None:
        require_free(broker.ports)
        await asyncio.to_thread(broker.prepare, console.print)
        supervisor.start(Child(BROKER, broker.command(), foundation=True, pid_file=broker.pid_file))
        deadline = time.monotonic() + READY_SECONDS
        while not await answers(kafka):
            if time.monotonic() > deadline:
                raise BrokerError(f"the local Kafka does not come up: {data.logs / 'kafka.log'} says why")
            await asyncio.sleep(0.1)
    else:
        line = f"Kafka at {kafka.bootstrap} does not answer yet: waiting (Ctrl-C stops)"
        await wait_for(lambda: answers(kafka), line, console.print)


async def migrated() -> None:
    """Migrate in a process of its own: the embedded store belongs to one process at a time, and is heavy."""
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "deploy.cli", "migrate", "--quiet"],
        start_new_session=True,
        preexec_fn=die_with_parent(),
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if code:
        raise DeployError("the tables cannot be brought up to date: the line above says why")


async def _until_listening(host: str, port: int) -> None:
    while not listening(host, port):  # noqa: ASYNC110 - another process starts to listen
        await asyncio.sleep(0.2)


@contextmanager
def step(console: Console, name: str) -> Iterator[None]:
    """Print `name` and how long it took, once it is done."""
    began = time.monotonic()
    yield
    console.print(f"[green]✓[/green] {name} ({time.monotonic() - began:.1f} s)", highlight=False)


def announce(console: Console) -> Callable[[Event], None]:
    """Make what prints each event of the supervisor."""

    def announce(event: Event) -> None:
        match event:
            case ChildStarted(name=name, again=True):
                line = f"[yellow]{name} was started again[/yellow]"
            case ChildStarted(name=name, pid=pid):
                line = f"  {name} (process {pid})"
            case ChildExited(name=name, code=code) if code == EX_MOVED:
                line = f"{name} goes over to the generation that is current now"
            case ChildExited(name=name, code=code, pause=pause, message=message):
                why = f": {escape(message)}" if code > 0 else ""  # what a signal ended says nothing of it
                line = f"[red]{name} ended ({_ending(code)})[/red]{why}; again in {pause:.1f} s"
            case ChildHeld(name=name, message=message):
                line = f"[red]{name} is stopped[/red]: {escape(message)}; `marsad resume` starts it again"
            case ChildKilled(name=name):
                line = f"[red]{name} did not stop in time and was killed[/red]"
        console.print(line, highlight=False)

    return announce


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
