"""Quix Streams: RocksDB state with a changelog topic, commits every second, at least once or exactly once.

As its documentation recommends for speed: bytes in and our decoder in the function, one stateful function, no output
but the state. The counts are those that the state was given; the first of a repeat is known by the state.
"""

import logging
import sys
import tempfile
import time
import uuid

from quixstreams import Application, State
from quixstreams.models import TopicConfig

from tests.benchmarks.sightings import Sighting, decode, result


def main(bootstrap: str, topic: str, partitions: int, records: int, guarantee: str) -> str:
    """Fold `records`, then stop: the last checkpoint is committed on the way out."""
    counts: dict[str, int] = {}
    began = 0.0

    def fold(sighting: Sighting, state: State) -> None:
        nonlocal began
        began = began or time.monotonic()
        key = "i" + sighting.id
        if state.get(key) is None:
            state.set(key, 1)
            cell = sighting.cell
            counts[cell] = n = (state.get(cell) or 0) + 1
            state.set(cell, n)

    with tempfile.TemporaryDirectory() as folder:
        app = Application(
            broker_address=bootstrap,
            consumer_group=f"quix-{uuid.uuid4().hex[:8]}",
            auto_offset_reset="earliest",
            commit_interval=1.0,
            state_dir=folder,
            loglevel=logging.ERROR,
            processing_guarantee=guarantee,
            consumer_extra_config={"fetch.min.bytes": 1 << 20, "fetch.wait.max.ms": 30},
            producer_extra_config={"linger.ms": 5},
        )
        config = TopicConfig(num_partitions=partitions, replication_factor=1)
        source = app.topic(topic, value_deserializer="bytes", key_deserializer="bytes", config=config)
        app.dataframe(source).apply(decode).update(fold, stateful=True)
        app.run(count=records, collect=False)
        seconds = time.monotonic() - began
    return result("quix", seconds, counts, records=records)


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
