"""A tiny second stage that shows that the engine knows no labour market.

A word count, and a worker process that runs it.

`python words.py '<json>'` runs a worker until SIGTERM; `die_at` names a flush step at whose n-th arrival it dies by
SIGKILL.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from schemas.connections import KafkaConnection
from streams.engine.ending import end_process
from streams.engine.facts import FlushReached, ShardOpened
from streams.engine.host import Host
from streams.engine.shard import FoldShard, ShardContext
from streams.engine.stage import Output, Record, StageOptions, State


class WordCount:
    """Counts words; a word's count is absolute."""

    name = "words"

    def __init__(self, source: str, target: str) -> None:
        self.inputs = (source,)
        self._target = target

    def fold(self, state: State, run: Sequence[Record]) -> list[Output]:
        """Count the words of a run."""
        counted: dict[bytes, int] = {}
        for record in run:
            for word in (record.value or b"").split():
                counted[word] = counted.get(word, int(state.get(word) or b"0")) + 1
                state.put(word, b"%d" % counted[word])
        state.notes["records"] = state.notes.get("records", 0) + len(run)
        return [Output(self._target, run[0].partition, word, b"%d" % count) for word, count in counted.items()]

    def verdict(self, _notes: Mapping[str, Any]) -> str | None:
        """A word count never refuses."""
        return None

    def resume(self, notes: dict[str, Any]) -> None:
        """Nothing to clear."""


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker process is told."""

    bootstrap: str
    name: str
    state_dir: str
    identities: dict[str, str] = field(default_factory=dict)
    die_at: tuple[str, int] | None = None
    session_timeout: float = 6.0

    @property
    def source(self) -> str:
        """Input topic."""
        return f"{self.name}-in"

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
        return [sys.executable, __file__, json.dumps(asdict(self))]


async def main(options: WorkerOptions) -> None:
    """Run a worker until SIGTERM."""
    arrivals = 0

    def observe(fact: object) -> None:
        nonlocal arrivals
        if isinstance(fact, ShardOpened):
            print("opened", fact.partition, fact.kept, fact.replayed, fact.reason, flush=True)
        if isinstance(fact, FlushReached) and options.die_at and fact.step == options.die_at[0]:
            arrivals += 1
            if arrivals == options.die_at[1]:
                print("dies", fact.step, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)

    context = ShardContext(
        KafkaConnection(options.bootstrap),
        "test",
        options.identities,
        Path(options.state_dir),
        ThreadPoolExecutor(1),
        observe,
    )
    stage = WordCount(options.source, options.target)
    host = Host(
        group=options.name,
        connection=context.connection,
        plan={(options.source,): lambda p: FoldShard(context, stage, options.changelog, p)},
        options=StageOptions(max_run=200, session_timeout=options.session_timeout),
        on_fatal=end_process,
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await host.start()
    await stop.wait()
    await host.stop()
    print("stopped", flush=True)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    given["die_at"] = tuple(given["die_at"]) if given["die_at"] else None
    asyncio.run(main(WorkerOptions(**given)))
