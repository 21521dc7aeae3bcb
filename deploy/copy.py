"""Fill a raw namespace from another one, under other partitions: each record once, in order by key, with its log time.

A transaction holds records and the offsets up to which they were copied, so a copy that is killed goes on exactly. What
a producer still writes into the old topic after the switch is copied too, until nobody writes there any more.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import OffsetAndMetadata

from deploy.merge import Merge
from schemas.connections import KafkaConnection
from schemas.messages import Heartbeat
from schemas.topics import Namespace, topics

TOPICS = tuple(topic.name for topic in topics().values() if topic.scope == "raw")
"""What is copied: sightings, and what producers keep beside them."""

MOST_RECORDS = 5_000
MOST_BUFFERED = 20_000
BATCH_BYTES = 950_000

_partition = DefaultPartitioner()
_heartbeat = msgspec.json.Decoder(Heartbeat)


class _RejectedBy(msgspec.Struct):
    generation: str = ""


class RawCopy:
    """Copies the raw topics of `source` into those of `target`, whose postings-raw has `partitions`."""

    def __init__(self, kafka: KafkaConnection, source: Namespace, target: Namespace, partitions: int) -> None:
        self._kafka = kafka
        self._source = source
        self._target = target
        self._partitions = list(range(partitions))
        self._contract = {source.topic(name): name for name in TOPICS}
        self.caught_up = asyncio.Event()
        """Set when all that was there at the beginning is copied."""
        self.moved = time.monotonic()
        """When a record was copied last."""
        self.copied = 0

    @property
    def group(self) -> str:
        """The group whose offsets say how far the copy is."""
        return self._target.group("copy")

    async def committed(self) -> Mapping[TopicPartition, int]:
        """How far the copy is, by partition of the source."""
        admin = AIOKafkaAdminClient(**self._kafka.client_options())
        await admin.start()
        try:
            found = await admin.list_consumer_group_offsets(self.group)
        finally:
            await admin.close()
        return {tp: one.offset for tp, one in found.items() if one.offset >= 0}

    async def run(self, begins: Mapping[TopicPartition, int]) -> None:
        """Copy on and on, from `begins` where nothing was copied yet. Raises aiokafka's KafkaError."""
        consumer = AIOKafkaConsumer(
            **self._kafka.client_options(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=8 << 20,
        )
        producer = AIOKafkaProducer(
            **self._kafka.client_options(),
            transactional_id=f"{self.group}",
            transaction_timeout_ms=30_000,
            compression_type="lz4",
            max_batch_size=BATCH_BYTES,
            max_request_size=12 << 20,
            linger_ms=0,
        )
        await producer.start()  # first: it ends what a predecessor left open
        await consumer.start()
        try:
            await self._copy(consumer, producer, begins)
        finally:
            await consumer.stop()
            await producer.stop()

    async def _copy(
        self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, begins: Mapping[TopicPartition, int]
    ) -> None:
        ends = await consumer.end_offsets(list(begins))
        done = {**begins, **{tp: offset for tp, offset in (await self.committed()).items() if tp in begins}}
        consumer.assign(list(begins))
        for tp, offset in done.items():
            consumer.seek(tp, offset)
        merge: Merge[TopicPartition, ConsumerRecord] = Merge(ends)
        for tp, offset in done.items():
            merge.passed(tp, offset)
        while True:
            wanted = [tp for tp in begins if merge.buffered(tp) < MOST_BUFFERED]
            for tp, records in (await consumer.getmany(*wanted, timeout_ms=200, max_records=MOST_RECORDS)).items():
                merge.offer(tp, records)
            for tp in begins:
                merge.passed(tp, await consumer.position(tp))
            while run := merge.take(MOST_RECORDS):
                await self._send(producer, run)
            if merge.at_ends:
                self.caught_up.set()

    async def _send(self, producer: AIOKafkaProducer, run: list[tuple[TopicPartition, ConsumerRecord]]) -> None:
        """One transaction: a run of records, and how far the source is copied with them."""
        to: dict[tuple[str, int], list[ConsumerRecord]] = defaultdict(list)
        offsets: dict[TopicPartition, Any] = {}
        for tp, record in run:
            place = self._place(tp, record)
            if place is not None:
                to[place].append(record)
            offsets[tp] = OffsetAndMetadata(record.offset + 1, "")
        async with producer.transaction():
            for (topic, partition), records in to.items():
                batch = producer.create_batch()
                for record in records:
                    fields = {"timestamp": record.timestamp, "key": record.key, "value": record.value}
                    if batch.append(**fields) is None:
                        await producer.send_batch(batch, topic, partition=partition)
                        batch = producer.create_batch()
                        batch.append(**fields)
                await producer.send_batch(batch, topic, partition=partition)
            await producer.send_offsets_to_transaction(offsets, self.group)
        self.copied += len(run)
        self.moved = time.monotonic()

    def _place(self, tp: TopicPartition, record: ConsumerRecord) -> tuple[str, int] | None:
        """Where a record belongs; None for one that says nothing of the new partitions or is made anew there."""
        contract = self._contract[tp.topic]
        topic = self._target.topic(contract)
        if contract == "postings-rejected":
            by_stage = record.value is not None and msgspec.json.decode(record.value, type=_RejectedBy).generation
            return None if by_stage else (topic, 0)
        if contract != "postings-raw":
            return topic, tp.partition
        if record.key is None:
            return None if _is_heartbeat(record.value) else (topic, tp.partition % len(self._partitions))
        return topic, _partition(record.key, self._partitions, self._partitions)


def _is_heartbeat(value: bytes | None) -> bool:
    try:
        _heartbeat.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True
