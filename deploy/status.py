"""What `marsad status` shows: each stage's lag and rate, what was rejected and why, how the sources do, what is held.

Everything is read from Kafka, from outside the processes: a stage stands at its marker, the sink at its group's commit.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import stamina
from aiokafka.errors import GroupCoordinatorNotAvailableError

from deploy.markers import STAGES, Progress, Readback
from schemas.connections import KafkaConnection
from schemas.messages import SourceStatus
from schemas.topics import Namespace, Topic, topics

SINK = "sink"
REJECTS_READ = 10_000


@dataclass(frozen=True)
class StageLag:
    """How far `stage` is behind in a `topic`: records to go, and records a second."""

    stage: str
    topic: str
    lag: int
    rate: float


@dataclass(frozen=True)
class Status:
    """One look at everything. `rejects` counts (stage, reason) over the latest `rejects_read` of `rejects_total`."""

    stages: tuple[StageLag, ...]
    rejects: Mapping[tuple[str, str], int]
    rejects_read: int
    rejects_total: int
    sources: tuple[SourceStatus, ...]
    held: Mapping[str, str]


class _Reject(msgspec.Struct, frozen=True):
    """The part of a Rejected that is counted; its bytes are passed over."""

    stage: str
    reason: str
    generation: str = ""


def inputs(stage: str, contracts: Mapping[str, Topic]) -> list[str]:
    """Name the topics that `stage` consumes; its own changelog and the registry are no input."""
    return [
        topic.name
        for topic in contracts.values()
        if stage in topic.consumers and stage not in topic.producers and topic.scope != "cluster"
    ]


def rates(before: Sequence[Progress], after: Sequence[Progress], seconds: float) -> tuple[StageLag, ...]:
    """Sum two looks, `seconds` apart, over the partitions of each reader's topics, in the order of the later one."""
    done: Counter[tuple[str, str]] = Counter()
    lag: Counter[tuple[str, str]] = Counter()
    for progress in before:
        done[progress.reader, progress.topic] -= progress.done
    for progress in after:
        done[progress.reader, progress.topic] += progress.done
        lag[progress.reader, progress.topic] += progress.lag
    seen = dict.fromkeys((progress.reader, progress.topic) for progress in after)
    return tuple(StageLag(*key, lag=lag[key], rate=max(0.0, done[key] / seconds)) for key in seen)


async def read_status(
    kafka: KafkaConnection, namespace: Namespace, held: Mapping[str, str], seconds: float = 2.0
) -> Status:
    """Look twice, `seconds` apart, so that rates can be told. Raises KafkaError if the brokers do not answer."""
    async with Readback(kafka, namespace) as readback:
        before = await _progress(readback, namespace)
        began = time.monotonic()
        rejects, total = await _rejects(readback, namespace.generation)
        sources = await _sources(readback)
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - began)))
        elapsed = time.monotonic() - began
        after = await _progress(readback, namespace)
    return Status(rates(before, after, elapsed), rejects, rejects.total(), total, sources, held)


async def _progress(readback: Readback, namespace: Namespace) -> list[Progress]:
    progress: list[Progress] = []
    for stage in STAGES:
        progress += await readback.stage_progress(
            stage, {namespace.topic(name): name for name in inputs(stage, topics())}
        )
    async for attempt in stamina.retry_context(on=GroupCoordinatorNotAvailableError, timeout=20.0):
        with attempt:  # a cluster that never had a group makes its coordinator at the first question
            sink = await readback.group_progress(SINK, inputs(SINK, topics()))
    return progress + sink


async def _rejects(readback: Readback, generation: str) -> tuple[Counter[tuple[str, str]], int]:
    """Count the latest rejects by stage and reason; also how many there are in all (offsets, as good as records)."""
    counted: Counter[tuple[str, str]] = Counter()
    async for record in readback.records("postings-rejected", latest=REJECTS_READ):
        reject = msgspec.json.decode(record.value, type=_Reject)
        if reject.generation in {"", generation}:  # a rebuild rejects the same records anew
            counted[reject.stage, reject.reason] += 1
    bounds = await readback.bounds(await readback.partitions("postings-rejected"))
    offsets = sum(end - begin for begin, end in bounds.values())
    return counted, counted.total() if offsets <= REJECTS_READ else offsets


async def _sources(readback: Readback) -> tuple[SourceStatus, ...]:
    latest: dict[str, SourceStatus] = {}
    async for record in readback.records("source-status"):
        if record.value is not None:
            status = msgspec.json.decode(record.value, type=SourceStatus)
            latest[status.source] = status
    return tuple(latest[source] for source in sorted(latest))


def as_plain(status: Status) -> dict[str, object]:
    """Render a Status in JSON's types, for `marsad status --json`."""
    return {
        "stages": msgspec.to_builtins(status.stages),
        "rejects": [
            {"stage": stage, "reason": reason, "records": count} for (stage, reason), count in status.rejects.items()
        ],
        "rejects_read": status.rejects_read,
        "rejects_total": status.rejects_total,
        "sources": msgspec.to_builtins(status.sources),
        "held": dict(status.held),
    }
