"""Two word counts as Faust's own documentation writes them: `+=` on a table, and `take()` before a sink.

`python -m tests.faults.controls.faust_app '<json>'` runs until SIGTERM. `kind` is `increment` or `take`; what `take`
takes goes into the ClickHouse that `clickhouse` names.
"""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import AsyncIterable
from dataclasses import asdict, dataclass
from typing import Any

import faust

from store.connect import connect


@dataclass(frozen=True)
class Options:
    """What a process is told."""

    bootstrap: str
    name: str
    kind: str
    data_dir: str
    clickhouse: str

    def command(self) -> list[str]:
        """Command line of the process."""
        return [sys.executable, "-m", "tests.faults.controls.faust_app", json.dumps(asdict(self))]


def app_of(options: Options) -> faust.App:
    """An app as Faust makes it, but for a session that ends sooner."""
    return faust.App(
        options.name,
        broker=f"kafka://{options.bootstrap}",
        datadir=options.data_dir,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.5,
        consumer_auto_offset_reset="earliest",
        topic_partitions=1,
    )


def increment(app: faust.App, options: Options) -> None:
    """Count words by `+=`."""
    source = app.topic(f"{options.name}-in", value_type=bytes, value_serializer="raw", key_type=bytes)
    counts = app.Table("counts", default=int, partitions=1)

    async def count(stream: AsyncIterable[bytes]) -> None:
        async for line in stream:
            for word in line.split():
                counts[word.decode()] += 1

    app.agent(source, name="count")(count)


def take(app: faust.App, options: Options) -> None:
    """Insert what `take` takes; a store that is away raises, as any client's does."""
    source = app.topic(f"{options.name}-in", value_type=bytes, value_serializer="raw", key_type=bytes)
    store = connect(options.clickhouse, None)  # type: ignore[arg-type]

    async def write(stream: Any) -> None:  # noqa: ANN401 - Faust's stream
        async for lines in stream.take(100, within=0.5):
            rows = [(word.decode(),) for line in lines for word in line.split()]
            await asyncio.to_thread(store.insert, options.name.replace("-", "_"), ("word",), rows)

    app.agent(source, name="write")(write)


async def main(options: Options) -> None:
    """Run until SIGTERM."""
    app = app_of(options)
    (increment if options.kind == "increment" else take)(app, options)
    app.finalize()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await app.start()
    await stop.wait()
    await app.stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(Options(**json.loads(sys.argv[1]))))
