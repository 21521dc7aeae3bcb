"""Raw aiokafka and dicts: no state that outlives the process, nothing committed. The floor of what a record costs."""

import asyncio
import sys
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.benchmarks.sightings import decode, result


async def main(bootstrap: str, topic: str, partitions: int, records: int) -> str:
    """Read `records` from the beginning, in fetches as large as Marsad's."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=5 << 20,
        fetch_min_bytes=1 << 20,
        fetch_max_wait_ms=30,
        max_poll_records=8000,
    )
    await consumer.start()
    tps = [TopicPartition(topic, partition) for partition in range(partitions)]
    consumer.assign(tps)
    await consumer.seek_to_beginning(*tps)
    seen: set[str] = set()
    counts: dict[str, int] = {}
    done, began = 0, 0.0
    while done < records:
        for run in (await consumer.getmany(timeout_ms=1000)).values():
            began = began or time.monotonic()
            for record in run:
                sighting = decode(record.value)
                if sighting.id not in seen:
                    seen.add(sighting.id)
                    cell = sighting.cell
                    counts[cell] = counts.get(cell, 0) + 1
            done += len(run)
    seconds = time.monotonic() - began
    await consumer.stop()
    return result("raw", seconds, counts, records=done)


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
