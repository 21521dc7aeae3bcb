"""The real stages in a measured process: `python -m tests.benchmarks.market worker|loop|profile '<json>'`.

`worker` is production's worker (streams.app.build) with stages ads and market, sink off. `loop` calls the same folds
on the same runs over dicts, without Kafka: what the pipeline is held against. `profile` is that loop under a stopwatch.
"""

import asyncio
import gc
import json
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import msgspec
import psutil

from schemas.connections import KafkaConnection
from schemas.messages import Count
from schemas.topics import Namespace
from streams import ads, app, market
from streams.engine.ending import end_process
from streams.engine.facts import RunFlushed
from streams.engine.records import FetchedRecord
from streams.engine.stage import Output
from streams.engine.state import MemoryState
from streams.enrich import enricher as enriching
from streams.enrich.enricher import Enricher
from streams.match.rows import Rows
from tests.benchmarks import postings, sightings

PARTITIONS = 4
LOG_MS = 1_800_000_000_000
TOLD_SECONDS = 60.0


@dataclass(frozen=True)
class Options:
    """The input: so many postings of a seed. A worker also has a broker and ends after `enriched` ad versions.

    In the generation of an `archive` nothing ever expires.
    """

    records: int
    seed: int
    bootstrap: str = ""
    generation: str = ""
    state_dir: str = ""
    enriched: int = 0
    run: int = 2000
    skip: int = 0
    archive: bool = True

    def arguments(self, role: str) -> list[str]:
        """Command line of the process."""
        return [sys.executable, "-m", "tests.benchmarks.market", role, json.dumps(asdict(self))]


def settings(options: Options, connection: KafkaConnection) -> app.StreamsSettings:
    """A worker of stages ads and market; of a live generation it has production's lifetimes, but no detection."""
    return app.StreamsSettings(
        connection=connection,
        namespace=Namespace(options.generation, options.generation),
        identities={},
        partitions=PARTITIONS,
        state_dir=Path(options.state_dir),
        archive=options.archive,
        detect=None,
    )


class Sample(NamedTuple):
    """How far a worker is, in ad versions of each stage, since its first run began.

    Beside it the memory (MB) and the processor time (seconds) of the process until now, what of that the folds of each
    stage took, and the MB of its local state on disk, looked at anew each hundredth of the way.
    """

    seconds: float
    ads: int
    market: int
    memory_mb: int
    cpu: float
    ads_cpu: float
    market_cpu: float
    state_mb: float


class Progress:
    """What a worker has done and takes, sampled about once a second, and told once a minute on standard error."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._flushed = {"ads": 0, "market": 0}
        self._began = 0.0
        self._process = psutil.Process()
        self._told = time.monotonic()
        self.folds = Stopwatch(time.thread_time)
        self._state_mb, self._state_due = 0.0, 0
        self.samples: list[Sample] = []
        self.parts: dict[str, float] = defaultdict(float)
        self.done = asyncio.Event()

    def observe(self, fact: object) -> None:
        """Take a fact of the engine."""
        if not isinstance(fact, RunFlushed):
            return
        now = time.monotonic()
        self._began = self._began or now - fact.fold_seconds - fact.transaction_seconds - fact.store_seconds
        self._flushed[fact.stage] += fact.records
        for name in ("fold", "transaction", "store"):
            self.parts[f"{fact.stage} {name}"] += getattr(fact, f"{name}_seconds")
        finished = self._options.enriched and self._flushed["market"] >= self._options.enriched
        if not self.samples or now - self._began - self.samples[-1].seconds >= 1 or finished:
            self.samples.append(self._sample(now - self._began))
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            sys.stderr.write(f"{self._flushed['market']:,} of {self._options.enriched:,} ad versions\n")
            sys.stderr.flush()
        if finished:
            self.done.set()

    def _sample(self, seconds: float) -> Sample:
        ads, ahead = self._flushed["ads"], self._flushed["market"]
        if ahead >= self._state_due:
            self._state_mb = _megabytes(Path(self._options.state_dir))
            self._state_due = ahead + self._options.enriched // 100
        memory, folds = self._process.memory_info().rss >> 20, self.folds.seconds
        cpu = time.process_time()
        return Sample(seconds, ads, ahead, memory, cpu, folds["ads"], folds["market"], self._state_mb)


def _megabytes(folder: Path) -> float:
    """Of all files in it; RocksDB may delete one meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return round(total / 2**20, 1)


async def worker(options: Options) -> dict[str, Any]:
    """Run until the market stage has made all of its input durable."""
    progress = Progress(options)
    host = app.build(
        settings(options, KafkaConnection(options.bootstrap)), Enricher.load(), progress.observe, end_process
    )
    with progress.folds.watching(FOLDS):
        await host.start()
        began = time.process_time()
        await progress.done.wait()
        cpu = time.process_time() - began
        await host.stop_within(10)
    seconds = progress.samples[-1].seconds
    return {
        "seconds": seconds,
        "rate": options.records / seconds,
        "samples": progress.samples,
        "parts": progress.parts,
        "cpu": cpu,
    }


def loop(options: Options) -> dict[str, Any]:
    """Call both folds in a plain loop; the time is that of the folds."""
    stages = app.stages(settings(options, KafkaConnection("")), Enricher.load())
    first, second = stages[0], stages[1]
    given: dict[int, list[FetchedRecord]] = defaultdict(list)
    for number, (partition, key, value) in enumerate(postings.records(options.records, options.seed, PARTITIONS)):
        here = given[partition]
        here.append(FetchedRecord(first.inputs[0], partition, len(here), LOG_MS + number, key, value))
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as a worker has it
    folded: dict[tuple[str, int], MemoryState] = defaultdict(MemoryState)
    cells: dict[bytes, bytes] = {}
    enriched = 0
    began, cpu = time.perf_counter(), time.process_time()
    for runs in _rounds(given, options.run):
        outputs = [output for p, run in runs for output in first.fold(folded["ads", p], run)]
        further: dict[int, list[FetchedRecord]] = defaultdict(list)
        for output in outputs:
            if output.topic == second.inputs[0]:
                further[output.partition].append(_record(output, enriched))
                enriched += 1
        for p, run in further.items():
            for output in second.fold(folded["market", p], run):
                if output.topic.startswith("market-counts"):
                    cells[output.key or b""] = output.value or b""
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    rate = options.records / seconds
    return {"seconds": seconds, "rate": rate, "cpu": cpu, "enriched": enriched, "digest": digest(cells)}


def _rounds(given: dict[int, list[FetchedRecord]], size: int) -> Iterator[list[tuple[int, list[FetchedRecord]]]]:
    longest = max(len(records) for records in given.values())
    for at in range(0, longest, size):
        yield [(p, records[at : at + size]) for p, records in sorted(given.items()) if at < len(records)]


def _record(output: Output, offset: int) -> FetchedRecord:
    return FetchedRecord(output.topic, output.partition, offset, LOG_MS, output.key, output.value)


def digest(cells: dict[bytes, bytes]) -> str:
    """Of the absolute cells, whatever their versions."""
    counts: dict[str, int] = {}
    for key, value in cells.items():
        count = msgspec.json.decode(value, type=Count)
        for name in ("opened", "closed", "openings"):
            if getattr(count, name):
                counts[f"{key.decode()} {name}"] = getattr(count, name)
    return sightings.digest(counts)


class Stopwatch:
    """Time by function, without that of the watched functions that it calls; all of them run in one thread."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since = 0.0

    def _turn(self) -> None:
        now = self._clock()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, timed as `name`."""

        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the function takes
            self._turn()
            self._running.append(name)
            try:
                return function(*args, **kwargs)
            finally:
                self._turn()
                self._running.pop()

        return call

    @contextmanager
    def watching(self, what: Sequence[tuple[str, Any, str]]) -> Iterator[None]:
        """Watch (name, owner, attribute) functions meanwhile."""
        patches = [
            patch.object(owner, attribute, self.watched(name, getattr(owner, attribute)))
            for name, owner, attribute in what
        ]
        for one in patches:
            one.start()
        try:
            yield
        finally:
            for one in patches:
                one.stop()


FOLDS: tuple[tuple[str, Any, str], ...] = (("ads", ads.AdsStage, "fold"), ("market", market.MarketStage, "fold"))

WATCHED: tuple[tuple[str, Any, str], ...] = (
    ("decode a posting", ads, "decode"),
    ("deduplicate: content hash", ads.dedupe, "content_hash"),
    ("enrich: read the text once", enriching, "read"),
    ("enrich: code the occupation", enriching.Coder, "code"),
    ("enrich: place, salary, dates, …", enriching, "attributes"),
    ("enrich: signature", enriching, "signature"),
    ("ads: encode outputs", ads, "_encode"),
    ("ads: pack rows", ads, "_pack"),
    ("ads: the rest", ads.AdsStage, "fold"),
    ("market: decode ads", market, "_decode_ad"),
    ("market: find ads that match", market.MarketStage, "_matching"),
    ("market: cluster", market, "components"),
    ("market: facts of a vacancy", market, "vacancy_of"),
    ("market: encode outputs", market, "_encode"),
    ("market: read and write rows", Rows, "write"),
    ("market: read and write rows", Rows, "ad"),
    ("market: read and write rows", Rows, "sharing"),
    ("market: read and write rows", Rows, "vacancy"),
    ("market: cells", Rows, "add"),
    ("market: the rest", market.MarketStage, "fold"),
)


def profile(options: Options) -> dict[str, Any]:
    """The loop with the time of each watched function, in µs a posting."""
    watch = Stopwatch()
    with watch.watching(WATCHED):
        found = loop(options)
    microseconds = {name: 1e6 * seconds / options.records for name, seconds in watch.seconds.items()}
    return {**found, "us_a_posting": dict(sorted(microseconds.items(), key=lambda item: -item[1]))}


def main() -> None:
    """Run a role."""
    logging.basicConfig(level=logging.ERROR)
    role, options = sys.argv[1], Options(**json.loads(sys.argv[2]))
    match role:
        case "worker":
            found = asyncio.run(worker(options))
        case "loop":
            found = loop(options)
        case _:
            found = profile(options)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
