"""A sink that inserts each word as it comes and lets a summing view add them up: right until an insert is repeated.

`python -m tests.faults.controls.summing_app '<json>'` runs until SIGTERM. Like Marsad's sink it retries an insert whose
answer it does not get, and commits afterwards; unlike it, what it inserts is a difference.
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from dataclasses import asdict, dataclass

from aiokafka import AIOKafkaConsumer

from store import Store, StoreUnavailable
from store.connect import connect


@dataclass(frozen=True)
class Options:
    """What a process is told."""

    bootstrap: str
    name: str
    clickhouse: str

    def command(self) -> list[str]:
        """Command line of the process."""
        return [sys.executable, "-m", "tests.faults.controls.summing_app", json.dumps(asdict(self))]


def create(store: Store, name: str) -> None:
    """Create the table and its view."""
    table = name.replace("-", "_")
    store.command(f"CREATE TABLE {table} (word String, n UInt64) ENGINE = Log")
    store.command(
        f"CREATE MATERIALIZED VIEW {table}_sum ENGINE = SummingMergeTree ORDER BY word AS SELECT word, n FROM {table}"
    )


async def main(options: Options) -> None:
    """Run until SIGTERM."""
    store = connect(options.clickhouse, None)  # type: ignore[arg-type]
    consumer = AIOKafkaConsumer(
        f"{options.name}-in",
        bootstrap_servers=options.bootstrap,
        group_id=options.name,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await consumer.start()
    while not stop.is_set():
        fetched = await consumer.getmany(timeout_ms=200, max_records=200)
        words = Counter(word for records in fetched.values() for one in records for word in one.value.split())
        rows = [(word.decode(), count) for word, count in words.items()]
        while rows:
            try:
                await asyncio.to_thread(store.insert, options.name.replace("-", "_"), ("word", "n"), rows)
            except StoreUnavailable:
                await asyncio.sleep(0.3)
            else:
                await consumer.commit()
                break
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(Options(**json.loads(sys.argv[1]))))
