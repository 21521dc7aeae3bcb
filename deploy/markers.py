"""Reads back how far each stage has come: the marker that closes each changelog partition, and topics' last records."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.reading import runs
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from streams.engine import marker as markers
from streams.engine.marker import Marker

STAGES = ("ads", "market", "detect")
_LOOK_BACK = 64


@dataclass(frozen=True)
class Progress:
    """One input partition of a stage or group: first offset not yet done, and the one after its last record."""

    reader: str
    topic: str
    partition: int
    done: int
    end: int

    @property
    def lag(self) -> int:
        """Offsets still to pass; none when every record is done (transaction markers are no records)."""
        return max(0, self.end - self.done)


class Readback:
    """A read-committed look at the topics of one generation; use as an async context."""

    def __init__(self, connection: KafkaConnection, namespace: Namespace) -> None:
        self._connection = connection
        self._namespace = namespace

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            **self._connection.client_options(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,  # every other question to the broker waits behind a fetch that finds nothing
            retry_backoff_ms=10,  # a change of topic costs one retry: 0.1 s each with the default
        )
        self._admin = AIOKafkaAdminClient(**self._connection.client_options())
        try:
            await self._consumer.start()
            await self._admin.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def partitions(self, contract: str) -> list[TopicPartition]:
        """Partitions of a contract topic in this generation; empty when it does not exist."""
        topic = self._namespace.topic(contract)
        described = await self._admin.describe_topics([topic])
        numbers = sorted(part["partition"] for part in described[0].get("partitions", []))
        return [TopicPartition(topic, number) for number in numbers]

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Find the offset after the last record of each partition, 0 where there is none."""
        last = await self.last_records(partitions)
        return {tp: 0 if record is None else record.offset + 1 for tp, record in last.items()}

    async def last_records(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, ConsumerRecord | None]:
        """Read the last committed record of each partition."""
        found: dict[TopicPartition, ConsumerRecord | None] = {}
        wanted = list(partitions)
        if not wanted:
            return found
        bounds = await self.bounds(wanted)
        for tp in wanted:
            back, (begin, end) = _LOOK_BACK, bounds[tp]
            found[tp] = None
            while end > begin:
                start = max(begin, end - back)
                records = [record async for record in self.between(tp, start, end)]
                if records:
                    found[tp] = records[-1]
                if records or start == begin:
                    break
                back *= 8
        return found

    async def bounds(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """Find the first offset of each partition and the one after its last committed (transaction markers count)."""
        if not partitions:
            return {}
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        return {tp: (begins[tp], ends[tp]) for tp in partitions}

    async def offsets_at(self, partitions: Sequence[TopicPartition], moment: datetime) -> dict[TopicPartition, int]:
        """Find the first offset of each partition that was logged at `moment` or later; its end where none was."""
        asked = dict.fromkeys(partitions, int(moment.timestamp() * 1000))
        found = await self._consumer.offsets_for_times(asked)
        ends = await self._consumer.end_offsets(list(partitions))
        return {tp: ends[tp] if found[tp] is None else found[tp].offset for tp in partitions}

    async def between(self, tp: TopicPartition, start: int, end: int) -> AsyncIterator[ConsumerRecord]:
        """Read the committed records of a partition from offset `start` up to `end`. Raises KafkaError."""
        if start >= end:
            return
        self._consumer.assign([tp])
        self._consumer.seek(tp, start)
        async for run in runs(self._consumer, tp, end):
            for record in run:
                if record.offset < end:
                    yield record

    async def records(self, contract: str, latest: int | None = None) -> AsyncIterator[ConsumerRecord]:
        """Read every committed record of a contract topic, or those of the `latest` offsets, partition by partition."""
        bounds = await self.bounds(await self.partitions(contract))
        for tp, (begin, end) in bounds.items():
            async for record in self.between(tp, begin if latest is None else max(begin, end - latest), end):
                yield record

    async def markers(self, stage: str) -> dict[int, Marker]:
        """Read the latest marker of each partition of a stage that has flushed at all."""
        partitions = await self.partitions(f"{stage}-changelog")
        last = await self.last_records(partitions)
        return {
            tp.partition: markers.decode(record.value)
            for tp, record in last.items()
            if record is not None and record.key == markers.KEY
        }

    async def stage_progress(self, stage: str, inputs: Mapping[str, str]) -> list[Progress]:
        """How far a stage is in its inputs (contract name by Kafka name)."""
        found = await self.markers(stage)
        progress: list[Progress] = []
        for topic, contract in inputs.items():
            ends = await self.ends(await self.partitions(contract))
            for tp, end in ends.items():
                marker = found.get(tp.partition)
                position = marker.positions.get(topic) if marker else None
                progress.append(Progress(stage, topic, tp.partition, position.next if position else 0, end))
        return progress

    async def group_progress(self, reader: str, contracts: Iterable[str]) -> list[Progress]:
        """How far a consumer group (`sink`) has committed in contract topics."""
        committed = await self._admin.list_consumer_group_offsets(self._namespace.group(reader))
        progress: list[Progress] = []
        for contract in contracts:
            ends = await self.ends(await self.partitions(contract))
            for tp, end in ends.items():
                offset = committed.get(tp)
                progress.append(Progress(reader, tp.topic, tp.partition, offset.offset if offset else 0, end))
        return progress
