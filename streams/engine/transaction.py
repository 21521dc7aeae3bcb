"""The fenced producer of one stage partition: a flush's outputs, changed states and marker in one Kafka transaction."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import RecordMetadata

from schemas.connections import KafkaConnection
from streams.engine import marker as markers
from streams.engine.errors import Fenced
from streams.engine.stage import Output

_NO_HEADERS: list[tuple[str, bytes | None]] = []

_MAX_BATCH = 950_000
"""Bytes a batch; aiokafka's default of 16 kB makes a run of 8,000 records hundreds of requests."""


Row = tuple[bytes | None, bytes | None]
"""Key and value."""


@dataclass(frozen=True)
class Sent:
    """A batch under way; `acknowledged` resolves to metadata whose offset is the batch's first record's."""

    acknowledged: "asyncio.Future[RecordMetadata]"
    length: int

    async def last_offset(self) -> int:
        """Offset of the batch's last record, once it is acknowledged."""
        return int((await self.acknowledged).offset) + self.length - 1


class FencedProducer:
    """Opening it aborts whatever a predecessor with the same `transactional_id` left open.

    Refuses its later writes.
    """

    def __init__(self, connection: KafkaConnection, transactional_id: str, timeout_ms: int) -> None:
        self._producer = AIOKafkaProducer(
            **connection.client_options(),
            transactional_id=transactional_id,
            transaction_timeout_ms=timeout_ms,
            enable_idempotence=True,
            max_request_size=12 << 20,
            linger_ms=0,
        )

    async def open(self) -> None:
        """Fence every predecessor."""
        await self._producer.start()

    async def close(self) -> None:
        """Leave; a transaction still open is aborted."""
        await self._producer.stop()

    async def begin(self) -> None:
        """Begin the flush's transaction. Raises Fenced."""
        with self._fenced():
            await self._producer.begin_transaction()

    async def send(
        self,
        outputs: Iterable[Output],
        changelog: str,
        partition: int,
        changes: Mapping[bytes, bytes | None],
        marker: bytes,
    ) -> "Sent":
        """Send outputs, then changed states, then the marker, as the changelog's last record. Raises Fenced."""
        grouped: dict[tuple[str, int], list[Row]] = {}
        for output in outputs:
            grouped.setdefault((output.topic, output.partition), []).append((output.key, output.value))
        with self._fenced():
            for (topic, to), rows in grouped.items():
                await self._send_rows(topic, to, rows)
            return await self._send_rows(changelog, partition, chain(changes.items(), [(markers.KEY, marker)]))

    async def _send_rows(self, topic: str, partition: int, rows: Iterable[Row]) -> "Sent":
        """Send in as few batches as they fit in; returns the last one, which is never empty."""
        batch = _Batch()
        left = batch.fill(iter(rows))
        while left is not None:
            await self._producer.send_batch(batch, topic, partition=partition)
            batch = _Batch()
            left = batch.fill(left)
        length = batch.record_count()
        return Sent(await self._producer.send_batch(batch, topic, partition=partition), length)

    async def commit(self) -> None:
        """Commit. Raises Fenced when a successor has opened meanwhile."""
        with self._fenced():
            await self._producer.commit_transaction()

    @contextmanager
    def _fenced(self) -> Iterator[None]:
        """Tell a refused predecessor from a failure.

        What its sender learned in the background aiokafka reports as a wrong state of the transaction.
        """
        try:
            yield
        except ProducerFenced as error:
            raise Fenced(str(error)) from error
        except AssertionError as error:
            refusal = _refusal(self._producer)
            if refusal is None:
                raise
            raise Fenced(str(refusal)) from error


class _Batch(BatchBuilder):  # type: ignore[misc]  # aiokafka tells no types here
    """aiokafka's transactional batch, filled in one loop: its own `append` costs a row three times as much."""

    def __init__(self) -> None:
        super().__init__(_MAX_BATCH, DefaultRecordBatch.CODEC_ZSTD, is_transactional=True)

    def fill(self, rows: Iterator[Row]) -> Iterator[Row] | None:
        """Append until a row does not fit; returns it and those after it, or None when all are in.

        A row larger than a batch is the only one of its batch.
        """
        append, offset, now = self._builder.append, 0, int(time.time() * 1000)
        for row in rows:
            if append(offset, now, row[0], row[1], _NO_HEADERS) is None:
                self._relative_offset = offset
                self.close()
                return chain([row], rows)
            offset += 1
        self._relative_offset = offset
        return None


def _refusal(producer: AIOKafkaProducer) -> ProducerFenced | None:
    """Why the producer can do nothing any more, if it was fenced."""
    transaction = producer._txn_manager  # noqa: SLF001 - aiokafka tells it nowhere else
    if not transaction.is_fatal_error():
        return None
    ended = transaction.wait_for_transaction_end()
    error = ended.exception() if ended.done() else None
    return error if isinstance(error, ProducerFenced) else None
