"""The small job as a stage of Marsad's engine, and the worker process that runs it until its input is folded.

`python -m tests.benchmarks.job '<json>'` prints its result as its last line. The engine is production's: Host,
FoldShard, transactions, changelog and RocksDB; only the fold is small.
"""

import asyncio
import json
import logging
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from schemas.connections import KafkaConnection
from streams.engine.ending import end_process
from streams.engine.facts import RunFlushed, ShardOpened
from streams.engine.host import Host
from streams.engine.shard import FoldShard, ShardContext
from streams.engine.stage import Output, Record, StageOptions, State
from tests.benchmarks.sightings import decode


class CountJob:
    """Counts the first sighting of each id by cell; a cell is an absolute count, by its own name."""

    name = "job"

    def __init__(self, source: str, target: str) -> None:
        self.inputs = (source,)
        self._target = target

    def fold(self, state: State, run: Sequence[Record]) -> list[Output]:
        """Fold a run of postings."""
        sightings = [decode(record.value or b"") for record in run]
        keys = [("i" + sighting.id).encode() for sighting in sightings]
        new: dict[bytes, bytes] = {}
        fresh: dict[str, int] = {}
        for key, sighting, known in zip(keys, sightings, state.get_many(keys), strict=True):
            if known is None and key not in new:
                new[key] = b""
                cell = sighting.cell
                fresh[cell] = fresh.get(cell, 0) + 1
        rows = [(f"c{cell}".encode(), n) for cell, n in fresh.items()]
        counts = state.get_many([key for key, _ in rows])
        state.put_many(new)
        outputs = []
        for (key, n), counted in zip(rows, counts, strict=True):
            value = b"%d" % (int(counted or b"0") + n)
            state.put(key, value)
            outputs.append(Output(self._target, run[0].partition, key[1:], value))
        state.notes["records"] = state.notes.get("records", 0) + len(run)
        return outputs

    def verdict(self, _notes: Mapping[str, Any]) -> str | None:
        """The job never refuses."""
        return None

    def resume(self, notes: dict[str, Any]) -> None:
        """Nothing to clear."""


@dataclass(frozen=True)
class JobOptions:
    """What a worker is told: it ends after `records` of its own (0: at SIGTERM)."""

    bootstrap: str
    source: str
    name: str
    state_dir: str
    records: int
    max_run: int = field(default_factory=lambda: StageOptions().max_run)
    session_timeout: float = 8.0

    @property
    def target(self) -> str:
        """Output topic."""
        return f"{self.name}-out"

    @property
    def changelog(self) -> str:
        """Changelog topic."""
        return f"{self.name}-changelog"

    def arguments(self) -> list[str]:
        """Command line of the worker process."""
        return [sys.executable, "-m", "tests.benchmarks.job", json.dumps(asdict(self))]


class Timing:
    """From the first record to the last durable run, and where the time between went.

    `say` is told of the first durable run; `flushes` are (moment, records), `opened` the partitions taken over.
    """

    def __init__(self, records: int, say: Callable[[str], None]) -> None:
        self._records = records
        self._say = say
        self.done = asyncio.Event()
        self.began: float | None = None
        self.ended = 0.0
        self.flushed = self.runs = 0
        self.parts = {"fold": 0.0, "transaction": 0.0, "store": 0.0}
        self.opened: list[dict[str, Any]] = []
        self.flushes: list[tuple[float, int]] = []

    def observe(self, fact: object) -> None:
        """Take a fact of the engine."""
        match fact:
            case ShardOpened():
                opened = {"replayed": fact.replayed, "kept": fact.kept, "seconds": fact.seconds}
                self.opened.append({**opened, "at": time.time()})
            case RunFlushed():
                if self.began is None:
                    self.began = time.monotonic() - fact.fold_seconds - fact.transaction_seconds - fact.store_seconds
                    self._say(json.dumps({"first": time.time()}))
                self.flushed += fact.records
                self.flushes.append((time.time(), fact.records))
                self.runs += 1
                self.parts["fold"] += fact.fold_seconds
                self.parts["transaction"] += fact.transaction_seconds
                self.parts["store"] += fact.store_seconds
                self.ended = time.monotonic()
                if self._records and self.flushed >= self._records:
                    self.done.set()

    def result(self) -> dict[str, Any]:
        """As JSON values; `cpu` is the process's CPU seconds from its start."""
        return {
            "seconds": self.ended - (self.began or 0.0),
            "records": self.flushed,
            "runs": self.runs,
            "parts": self.parts,
            "opened": self.opened,
            "flushes": self.flushes,
            "cpu": time.process_time(),
        }


async def main(options: JobOptions) -> None:
    """Run a worker until all of its input is durable."""
    timing = Timing(options.records, lambda line: print(line, flush=True))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, timing.done.set)
    context = ShardContext(
        KafkaConnection(options.bootstrap),
        "bench",
        {},
        Path(options.state_dir),
        ThreadPoolExecutor(1),
        timing.observe,
    )
    stage = CountJob(options.source, options.target)
    host = Host(
        group=options.name,
        connection=context.connection,
        plan={(options.source,): lambda p: FoldShard(context, stage, options.changelog, p)},
        options=StageOptions(max_run=options.max_run, session_timeout=options.session_timeout),
        on_fatal=end_process,
    )
    await host.start()
    await timing.done.wait()
    await host.stop()
    print(json.dumps(timing.result()), flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    given = JobOptions(**json.loads(sys.argv[1]))
    asyncio.run(main(given))
