"""One run: a market read by real producers and deduplicated by a real stream worker, and the account of what arrived.

Producers and the worker are processes of their own, as `marsad up` starts them; one that ends is started again. A
phase is over when every portal was read well so often that what stood in it must have been seen.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy import topics
from deploy.markers import Readback
from schemas.connections import KafkaConnection
from schemas.messages import Posting, SourceStatus, UniquePosting
from schemas.topics import Namespace
from tests.market.ads import PHASES, specs
from tests.market.portals import RATE
from tests.market.tally import Tally
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
READINGS = (2, 2, 4)
"""Good readings of every portal that end each phase: the first may have begun before it, and a listing of several pages
must leave an ad out twice until it is removed."""

COMMANDS = {"producers": ("-m", "deploy.cli", "run", "producers"), "streams": ("-m", "tests.market.worker")}
GROWTH, SLACK = 1.25, 64_000_000
"""A share, and bytes: a bomb is read up to the largest document's size, and twice that is held for a moment."""

PATIENCE = 600.0
"""Seconds that a phase may take; a larger market has more."""


class Host(msgspec.Struct):
    """What a portal tells of those who asked it."""

    in_a_second: int
    at_once: int
    requests: int
    faults: dict[str, int]


@dataclass
class Outcome:
    """What a run found."""

    items: int
    tally: Tally
    hosts: dict[str, Host]
    drifted: frozenset[str]
    """Portals that were told to have lost a field, or to be marked up otherwise."""
    cut: frozenset[str] = frozenset()
    """Portals that were begun with anew, as on a machine that is too slow: what was being read is told by nobody."""
    memory: dict[str, list[int]] = field(default_factory=dict)
    """Resident bytes of each process at the end of each phase."""
    processor: dict[str, float] = field(default_factory=dict)
    """Seconds of processor time that each process took."""
    seconds: dict[str, float] = field(default_factory=dict)
    restarts: int = 0

    @property
    def flat(self) -> bool:
        """Whether the processes hold no more after the last phase than after the first, which brings nearly all ads."""
        return all(held[-1] <= GROWTH * held[0] + SLACK for held in self.memory.values())

    @property
    def over_limit(self) -> list[str]:
        """Portals that were asked more often than they allow, or twice at a time."""
        return [name for name, host in self.hosts.items() if host.in_a_second > 1.1 * RATE or host.at_once > 1]

    @property
    def faults(self) -> Counter[str]:
        """The faults that were answered with, of each kind."""
        return sum((Counter(host.faults) for host in self.hosts.values()), Counter())

    @property
    def unflagged(self) -> list[str]:
        """Portals whose markup changed, and whose status did not tell it."""
        told = self.drifted | self.cut
        return [name for name, host in self.hosts.items() if host.faults.get("markup") and name not in told]


@dataclass
class _Worker:
    """A process that is started again whenever it ends by itself."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    starts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        with self.log.open("ab") as log:
            while True:
                self.starts += 1
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *self.command,
                    cwd=ROOT,
                    env={**os.environ, **self.environment},
                    stdout=log,
                    stderr=log,
                )
                await self._process.wait()
                await asyncio.sleep(1)

    async def stop(self) -> None:
        """End it: what it had to do is done."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(20):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    def measured(self) -> tuple[int, float]:
        """Bytes that it holds now, and seconds of processor time that it has taken."""
        if self._process is None or self._process.returncode is not None:
            return 0, 0.0
        now = psutil.Process(self._process.pid)
        times = now.cpu_times()
        return now.memory_info().rss, times.user + times.system


@asynccontextmanager
async def _served(items: int, seed: int, interval: float) -> AsyncIterator[tuple[ClientSession, str]]:
    """A market in a process of its own: a client, and the address of its control."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.market.portals", "--items", str(items), "--seed", str(seed),
        "--interval", str(interval), stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().strip()
        async with ClientSession() as session:
            yield session, address
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _followed(kafka: KafkaConnection, namespace: Namespace) -> AsyncIterator[list[SourceStatus]]:
    """What is told of the sources from now on, as it comes."""
    told: list[SourceStatus] = []
    place = TopicPartition(namespace.topic("source-status"), 0)

    async def follow(consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            told.append(msgspec.json.decode(record.value, type=SourceStatus))  # noqa: PERF401 (one by one, as they come)

    async with AIOKafkaConsumer(**kafka.client_options(), isolation_level="read_committed") as consumer:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        following = asyncio.create_task(follow(consumer))
        try:
            yield told
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def run(
    kafka: KafkaConnection,
    namespace: Namespace,
    folder: Path,
    *,
    items: int,
    seed: int,
    say: Callable[[str], None] = lambda _line: None,
) -> Outcome:
    """Run a market of about `items` ads through every phase. Raises TimeoutError when a phase does not end."""
    market = specs(items, seed)
    names = {spec.name for spec in market}
    interval = max(0.5, items / 100_000)
    outcome = Outcome(sum(spec.count for spec in market), Tally(market), {}, frozenset())
    patience = PATIENCE * max(1.0, items / 100_000)
    common = {
        "MARSAD_KAFKA": kafka.bootstrap,
        "MARSAD_GENERATION": namespace.generation,
        "MARSAD_RAW": namespace.raw,
        "MARSAD_SOURCES_DIR": str(folder / "sources"),
    }
    workers = []
    for name, command in COMMANDS.items():
        own = {
            "MARSAD_DATA_DIR": str(folder / name),
            f"MARSAD_{name.upper()}_METRICS_PORT": str(free_ports(1)[0]),
        }
        workers.append(_Worker(name, command, common | own, folder / f"{name}.log"))
    (folder / "sources").mkdir(parents=True)
    await topics.ensure(kafka, namespace, now=datetime.now(UTC))
    began = time.monotonic()
    async with _served(items, seed, interval) as (session, address), _followed(kafka, namespace) as told:
        for name, text in (await (await session.get(f"{address}/sources")).json()).items():
            (folder / "sources" / f"{name}.toml").write_text(text, "utf-8")
        for worker in workers:
            worker.start()
        try:
            for phase in range(PHASES):
                started = time.monotonic()
                await session.get(f"{address}/phase/{phase}")
                async with asyncio.timeout(patience):
                    await _swept(told, names, READINGS[phase], say)
                outcome.seconds[f"phase {phase + 1}"] = time.monotonic() - started
                for worker in workers:
                    held, outcome.processor[worker.name] = worker.measured()
                    outcome.memory.setdefault(worker.name, []).append(held)
                say(f"phase {phase + 1}: {outcome.seconds[f'phase {phase + 1}']:.0f} s")
            await workers[0].stop()
            outcome.hosts = msgspec.convert(await (await session.get(f"{address}/limits")).json(), type=dict[str, Host])
            started = time.monotonic()
            async with asyncio.timeout(patience):
                await _drained(kafka, namespace)
            outcome.seconds["rest of the streams"] = time.monotonic() - started
        finally:
            for worker in workers:
                await worker.stop()
        outcome.drifted = frozenset(one.source for one in told if one.drifted or "markup" in one.message)
    outcome.cut = _begun_anew(folder / "producers.log")
    outcome.restarts = sum(worker.starts - 1 for worker in workers)
    outcome.seconds["all"] = time.monotonic() - began
    async with Readback(kafka, namespace) as readback:
        async for record in readback.records("postings-raw"):
            if record.key is not None:
                outcome.tally.raw(msgspec.json.decode(record.value, type=Posting))
        async for record in readback.records("postings-unique"):
            outcome.tally.unique(msgspec.json.decode(record.value, type=UniquePosting).posting)
    return outcome


def _begun_anew(log: Path) -> frozenset[str]:
    """The sources that were started more than once."""
    facts = [msgspec.json.decode(line) for line in log.read_bytes().splitlines() if line.startswith(b"{")]
    starts = Counter(fact["file_or_source"] for fact in facts if fact.get("change") == "started")
    return frozenset(name for name, times in starts.items() if times > 1)


async def _swept(told: list[SourceStatus], names: set[str], times: int, say: Callable[[str], None]) -> None:
    """Return once every source has been read well so many times from now on."""
    start = len(told)
    read = Counter[str]()
    spoken = time.monotonic()
    while any(read[name] < times for name in names):
        await asyncio.sleep(0.2)
        read.update(one.source for one in told[start:] if one.state == "ok")
        start = len(told)
        if time.monotonic() - spoken > 30:
            spoken = time.monotonic()
            waited = sorted(name for name in names if read[name] < times)
            say(f"  {len(waited)} portals are still read: {', '.join(waited[:6])}")


async def _drained(kafka: KafkaConnection, namespace: Namespace) -> None:
    """Return once the streams have read all of the raw topic."""
    inputs = {namespace.topic("postings-raw"): "postings-raw"}
    async with Readback(kafka, namespace) as readback:
        while any(one.lag for one in await readback.stage_progress("ads", inputs)):
            await asyncio.sleep(0.5)
