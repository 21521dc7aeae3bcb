"""Bytewax: one worker, a stateful batch operator keyed by occupation, in memory; no recovery store."""

import sys
import time
from collections.abc import Iterable
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from tests.benchmarks.sightings import Sighting, decode, result


class Count(StatefulBatchLogic):
    """Ids seen and cells counted of one occupation."""

    def __init__(self, counts: dict[str, int]) -> None:
        self.seen: set[str] = set()
        self.counts = counts

    def on_batch(self, values: list[Sighting]) -> tuple[Iterable[Any], bool]:
        """Fold what came of this occupation."""
        seen, counts = self.seen, self.counts
        for sighting in values:
            if sighting.id not in seen:
                seen.add(sighting.id)
                cell = sighting.cell
                counts[cell] = counts.get(cell, 0) + 1
        return (), False

    def snapshot(self) -> None:
        """Nothing is kept."""


class Nothing(StatelessSinkPartition):
    """Takes nothing."""

    def write_batch(self, items: list[Any]) -> None:
        """Nothing comes."""


class NoSink(DynamicSink):
    """A flow must end in a sink."""

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> Nothing:
        """One a worker."""
        return Nothing()


def main(bootstrap: str, topic: str, records: int) -> str:
    """Read the topic to its end."""
    counts: dict[str, int] = {}
    began = 0.0

    def keyed(messages: list[Any]) -> list[tuple[str, Sighting]]:
        nonlocal began
        began = began or time.monotonic()
        sightings = [decode(message.value) for message in messages]
        return [(sighting.isco, sighting) for sighting in sightings]

    flow = Dataflow("count")
    settings = {"fetch.min.bytes": str(1 << 20), "fetch.wait.max.ms": "30"}
    source = KafkaSource([bootstrap], [topic], tail=False, add_config=settings, batch_size=8000)
    stream = op.flat_map_batch("decode", op.input("in", flow, source), keyed)
    op.output("out", op.stateful_batch("count", stream, lambda _snapshot: Count(counts)), NoSink())
    run_main(flow)
    return result("bytewax", time.monotonic() - began, counts, records=records)


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[4])))
