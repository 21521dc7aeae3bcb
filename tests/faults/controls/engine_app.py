"""The word count on the real engine, and on two engines that lack what makes it exact.

`python -m tests.faults.controls.engine_app '<json>'` runs until SIGTERM. `kind` is `exact` (the engine as it is),
`unfenced` (each process writes under a name of its own) or `untransacted` (the flush's records without a transaction).
`strike` names a file: when it stands, the process strikes itself by the signal in it, with a flush half done.
"""

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from aiokafka import AIOKafkaProducer

from schemas.connections import KafkaConnection
from streams.engine import marker as markers
from streams.engine import shard
from streams.engine.ending import end_process
from streams.engine.facts import FlushReached
from streams.engine.host import Host
from streams.engine.shard import FoldShard, ShardContext
from streams.engine.stage import Output, StageOptions
from streams.engine.transaction import FencedProducer, Row, Sent
from tests.integration.engine.words import WordCount


@dataclass(frozen=True)
class Options:
    """What a process is told."""

    bootstrap: str
    name: str
    kind: str
    state_dir: str
    strike: str

    def command(self) -> list[str]:
        """Command line of the process."""
        return [sys.executable, "-m", "tests.faults.controls.engine_app", json.dumps(asdict(self))]


class Unfenced(FencedProducer):
    """Its transactional id is new in each process: nobody is fenced by it."""

    def __init__(self, connection: KafkaConnection, transactional_id: str, timeout_ms: int) -> None:
        super().__init__(connection, f"{transactional_id}.{uuid.uuid4().hex}", timeout_ms)


class Untransacted(FencedProducer):
    """Sends the same records in the same order, each batch for itself."""

    half_sent: Callable[[], None]

    def __init__(self, connection: KafkaConnection, _transactional_id: str, _timeout_ms: int) -> None:
        self._producer = AIOKafkaProducer(
            **connection.client_options(), enable_idempotence=True, compression_type="lz4", max_batch_size=950_000
        )

    async def begin(self) -> None:
        """Nothing begins."""

    async def send(
        self,
        outputs: Iterable[Output],
        changelog: str,
        partition: int,
        changes: Mapping[bytes, bytes | None],
        marker: bytes,
    ) -> Sent:
        """Outputs, then changed states, then the marker."""
        for output in outputs:
            await self._send_rows(output.topic, output.partition, [(output.key, output.value)])
        if changes:
            await self._send_rows(changelog, partition, changes.items())
        await self._producer.flush()
        self.half_sent()
        return await self._send_rows(changelog, partition, [(markers.KEY, marker)])

    async def _send_rows(self, topic: str, partition: int, rows: Iterable[Row]) -> Sent:
        """As one batch that belongs to no transaction."""
        batch = self._producer.create_batch()
        for key, value in rows:
            batch.append(key=key, value=value, timestamp=None)
        batch.close()
        length = batch.record_count()
        return Sent(await self._producer.send_batch(batch, topic, partition=partition), length)

    async def commit(self) -> None:
        """Wait for the acknowledgements."""
        await self._producer.flush()


def striker(file: Path) -> Callable[[], None]:
    """Strike this process once the file stands; the process that claims it is the one struck."""

    def strike() -> None:
        if not file.exists():
            return
        try:
            number = int(file.read_text("utf-8"))
            file.rename(file.with_suffix(f".{os.getpid()}"))
        except (OSError, ValueError):
            return
        os.kill(os.getpid(), number)

    return strike


async def main(options: Options) -> None:
    """Run until SIGTERM."""
    strike = striker(Path(options.strike))
    Untransacted.half_sent = staticmethod(strike)
    if options.kind == "unfenced":
        shard.FencedProducer = Unfenced  # type: ignore[misc]
    if options.kind == "untransacted":
        shard.FencedProducer = Untransacted  # type: ignore[misc]
    place = "sent" if options.kind == "exact" else "folded" if options.kind == "unfenced" else ""

    def observe(fact: object) -> None:
        if isinstance(fact, FlushReached) and fact.step == place:
            strike()

    context = ShardContext(
        KafkaConnection(options.bootstrap), "control", {}, Path(options.state_dir), ThreadPoolExecutor(1), observe
    )
    stage = WordCount(f"{options.name}-in", f"{options.name}-out")
    host = Host(
        group=options.name,
        connection=context.connection,
        plan={
            (f"{options.name}-in",): lambda partition: FoldShard(context, stage, f"{options.name}-changelog", partition)
        },
        options=StageOptions(max_run=200, session_timeout=6.0),
        on_fatal=end_process,
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await host.start()
    await stop.wait()
    await host.stop_within()


if __name__ == "__main__":
    asyncio.run(main(Options(**json.loads(sys.argv[1]))))
