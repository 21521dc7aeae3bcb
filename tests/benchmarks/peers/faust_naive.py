"""Faust as its tutorial writes it: an event a posting, one table of ids and one of counts, changelogs, RocksDB."""

import asyncio
import logging
import os
import sys
import tempfile
import time
import uuid
from typing import Any

import faust

from tests.benchmarks.sightings import decode, result


async def main(bootstrap: str, topic: str, partitions: int, records: int) -> None:
    """Fold `records`, commit, print the result, end."""
    counts: dict[str, int] = {}
    finished = asyncio.Event()
    began, done = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        app = faust.App(
            f"faust-{uuid.uuid4().hex[:8]}",
            broker=f"kafka://{bootstrap}",
            store="rocksdb://?driver=rocksdict",
            datadir=folder,
            topic_partitions=partitions,
            broker_commit_interval=1.0,
            consumer_auto_offset_reset="earliest",
            web_enabled=False,
            stream_wait_empty=False,
            topic_disable_leader=True,
        )
        source = app.topic(topic, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw")
        ids = app.Table("ids", default=int, partitions=partitions)
        cells = app.Table("cells", default=int, partitions=partitions)

        async def fold(stream: Any) -> None:  # noqa: ANN401 - Faust's
            nonlocal began, done
            async for value in stream:
                began = began or time.monotonic()
                sighting = decode(value)
                if not ids[sighting.id]:
                    ids[sighting.id] = 1
                    cell = sighting.cell
                    counts[cell] = cells[cell] = cells[cell] + 1
                done += 1
                if done == records:
                    finished.set()

        app.agent(source)(fold)
        app.finalize()
        await app.start()
        await finished.wait()
        await app.consumer.commit()
        seconds = time.monotonic() - began
    print(result("faust_naive", seconds, counts, records=done), flush=True)
    os._exit(0)  # its graceful stop waits for a minute and adds nothing to the measurement


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
