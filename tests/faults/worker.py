"""The stream worker of production, which can be struck between two steps: `python -m tests.faults.worker STRIKE HOLD`.

It is `marsad run streams` with three ears. STRIKE names a file that the runner writes: `{"at": …, "signal": …}`; the
first worker that comes to the place named claims the file and sends itself the signal. HOLD names one that lists raw
partitions that are not read while it stands.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
from faust.types import TP

from deploy import processes
from deploy.datadir import open_data_dir
from deploy.metrics import Metrics
from deploy.settings import read_settings
from streams.engine.facts import FlushReached
from streams.engine.shards import Shards
from streams.engine.state import Local, LocalState
from streams.engine.transaction import FencedProducer


class Striker:
    """Strikes this process where the file says; places are flush steps, `restoring` and `written`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def at(self, place: str, stage: str = "", shard: str = "") -> None:
        """Strike if this is the place (and the stage, where one is named); tells the `shard` whose flush it was."""
        if not self._file.exists():
            return
        try:
            wanted = json.loads(self._file.read_text("utf-8"))
            if wanted["at"] != place or (stage and wanted.get("stage", stage) != stage):
                return
            self._file.rename(self._file.with_suffix(f".{os.getpid()}"))  # one process alone can
        except (OSError, ValueError):
            return
        structlog.get_logger().warning("struck", place=place, stage=stage, shard=shard, pid=os.getpid())
        sys.stderr.flush()
        os.kill(os.getpid(), int(wanted["signal"]))


def listening(striker: Striker, hold: Path) -> None:
    """Put the ears on."""
    observer = processes.observer

    def striking(process: str, metrics: Metrics) -> Callable[[object], None]:
        observe = observer(process, metrics)

        def tell(fact: object) -> None:
            observe(fact)
            if isinstance(fact, FlushReached):
                striker.at(fact.step, fact.stage)

        return tell

    processes.observer = striking
    commit, write, wanting = FencedProducer.commit, LocalState.write, Shards.wanting

    async def commit_written(producer: FencedProducer) -> None:
        """`sent` says that the records are queued; here they are at the broker, in a transaction that is open."""
        await producer._producer.flush()
        _, _, shard = producer._producer._txn_manager.transactional_id.split(".", 2)
        striker.at("written", shard=shard)
        await commit(producer)

    def write_restoring(state: LocalState, changes: Mapping[bytes, bytes | None], local: Local | None) -> None:
        write(state, changes, local)
        if local is None:
            striker.at("restoring")

    def wanting_held(shards: Shards) -> set[TP]:
        found = wanting(shards)
        try:
            held = set(json.loads(hold.read_text("utf-8")))
        except (OSError, ValueError):
            return found
        return {tp for tp in found if not (tp.topic.startswith("postings-raw") and tp.partition in held)}

    FencedProducer.commit = commit_written  # type: ignore[method-assign]
    LocalState.write = write_restoring  # type: ignore[method-assign]
    Shards.wanting = wanting_held  # type: ignore[method-assign]


def main() -> None:
    """Run until SIGTERM."""
    listening(Striker(Path(sys.argv[1])), Path(sys.argv[2]))
    settings = read_settings()
    asyncio.run(processes.run_streams(settings, open_data_dir(settings.data_dir), resume=False))


if __name__ == "__main__":
    main()
