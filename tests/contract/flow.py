"""A few postings through the real stages, without a broker: what each stage reads, and every record that it writes."""

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from schemas.connections import KafkaConnection
from schemas.messages import Count
from schemas.topics import Namespace, topics
from streams.app import StreamsSettings, stages
from streams.engine.stage import Output, Record, Stage
from streams.engine.state import MemoryState
from streams.enrich.enricher import Enricher
from tests.contract.messages import examples

NAMESPACE = Namespace("contract", raw="contract-raw")
CONTRACT = {NAMESPACE.topic(name): name for name in topics()}
"""Contract name of each topic by Kafka's."""

APPENDED = 1_772_700_000_000
"""When the broker takes the first posting: 2026-03-05, milliseconds."""


@dataclass
class Raw:
    """A consumed record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class Stream:
    """What one stage reads, by contract, and what it wrote."""

    name: str
    inputs: frozenset[str]
    outputs: tuple[Output, ...]

    def written(self) -> set[str]:
        """Contract names of the topics that it wrote."""
        return {CONTRACT[output.topic] for output in self.outputs}


def run(folder: Path) -> Mapping[str, Stream]:
    """Run the worker's own stages; `folder` is where a worker would keep its state."""
    settings = StreamsSettings(
        connection=KafkaConnection("127.0.0.1:1"), namespace=NAMESPACE, identities={}, partitions=4, state_dir=folder
    )
    worker = {stage.name: stage for stage in stages(settings, Enricher.load())}
    ads = _fold(worker["ads"], _sightings())
    market = _fold(worker["market"], _consumed(ads, "postings-enriched"))
    status = [
        Raw(NAMESPACE.topic("source-status"), 0, n, APPENDED, b"s", one.text)
        for n, one in enumerate(one for one in examples("pass") if one.message == "source-status")
    ]
    detect = _fold(worker["detect"], [*_consumed(market, "market-counts"), *status, *_surge(60)], _surge(1))
    return {
        name: Stream(name, frozenset(CONTRACT[topic] for topic in worker[name].inputs), tuple(outputs))
        for name, outputs in (("ads", ads), ("market", market), ("detect", detect))
    }


def _fold(stage: Stage, *runs: Iterable[Raw]) -> list[Output]:
    states: dict[int, MemoryState] = defaultdict(MemoryState)
    outputs: list[Output] = []
    for records in runs:
        by_partition: dict[int, list[Record]] = defaultdict(list)
        for record in records:
            by_partition[record.partition].append(record)
        for partition, part in by_partition.items():
            outputs += stage.fold(states[partition], part)
    return outputs


def _consumed(outputs: Iterable[Output], contract: str) -> list[Raw]:
    """Outputs as the next stage consumes them."""
    ends: dict[int, int] = defaultdict(int)
    found: list[Raw] = []
    for output in outputs:
        if CONTRACT[output.topic] == contract:
            offset = ends[output.partition]
            ends[output.partition] += 1
            found.append(Raw(output.topic, output.partition, offset, APPENDED, output.key, output.value))
    return found


def _sightings() -> list[Raw]:
    """Every example, another portal's copy, edits that change the occupation, a removal, a heartbeat, and noise."""
    texts = {one.name: one.text for one in examples("pass") if one.message in {"posting", "heartbeat"}}
    offer = json.loads(texts["offer_accountant_fr"])
    copy = {**offer, "source": "jobs-medina", "id": "req-7790", "url": "https://jobs-medina.example/fr/req-7790"}
    edit = {**offer, "title": "Chauffeur poids lourd", "observed_at": "2026-03-03T08:00:00Z"}
    other = {
        **json.loads(texts["seeker_nurse_fr"]),
        "title": "Chauffeur de taxi",
        "observed_at": "2026-03-03T08:00:00Z",
    }
    gone = {**json.loads(texts["offer_developer_en"]), "event": "removed", "observed_at": "2026-03-04T08:00:00Z"}
    values = [
        *texts.values(),
        *(json.dumps(value).encode() for value in (copy, edit, other, gone)),
        b"\xff",
        b'{"side": "?"}',
    ]
    topic = NAMESPACE.topic("postings-raw")
    return [Raw(topic, 0, n, APPENDED + 1000 * n, _key(value), value) for n, value in enumerate(values)]


def _key(value: bytes) -> bytes | None:
    """Source and id, joined by a tab; none where there are none."""
    with contextlib.suppress(ValueError, KeyError):
        posting = json.loads(value)
        return f"{posting['source']}\t{posting['id']}".encode()
    return None


def _surge(count: int) -> list[Raw]:
    """Six weeks of four openings a day, and `count` on the last."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    found: list[Raw] = []
    for day in range(42, -1, -1):
        for grain in ("minute", "day"):
            at = start - timedelta(days=day)
            cell = Count(
                generation="contract",
                block="offer:12",
                side="offer",
                isco="2221",
                region="MA-07",
                grain="day" if grain == "day" else "minute",
                start=at.replace(hour=0) if grain == "day" else at,
                opened=4 if day else count,
                closed=0,
                openings=0,
                version=1,
                revision=1,
            )
            offset = 10_000 + 2 * (42 - day)
            found.append(Raw(NAMESPACE.topic("market-counts"), 0, offset, APPENDED, b"c", msgspec.json.encode(cell)))
    return found
