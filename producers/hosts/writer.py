"""What a partition of hosts writes: postings and checkpoints in one transaction, which a successor fences.

Entries are taken at once and written in order, as many as have come together in a transaction. A Kafka that does not
answer is waited for, the same entries sent again; they may then be in the topic twice, and never not at all.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from producers.closing import Closing
from producers.facts import KafkaUnavailable, RowDiscarded
from producers.hosts.rows import Change, Ledgers
from producers.publish import BACKOFF, BATCH, LARGEST, PATIENCE, Record, deliver
from schemas.connections import KafkaConnection
from schemas.topics import Namespace

TOPIC = "producer-checkpoints"
TRANSACTION_MS = 10_000
"""What a successor waits at most for a predecessor's open transaction; fencing aborts it at once."""

HELD = 4000
"""Records that may wait to be written before whoever adds more waits, too."""

_FENCED = (ProducerFenced, InvalidProducerEpoch)


class Lost(Exception):  # noqa: N818 (it says what happened)
    """Another process has these hosts now: nothing more may be asked of them or written."""


@dataclass(frozen=True)
class Entry:
    """Records by contract topic and changed rows, to be written together; `facts` are told once they are."""

    records: Sequence[tuple[str, Record]] = ()
    rows: Sequence[Change] = ()
    facts: Sequence[object] = ()

    def __len__(self) -> int:
        return len(self.records) + len(self.rows)


class Writer:
    """One partition's writer. `held` says whether this process has the partition, at that moment."""

    def __init__(
        self,
        *,
        kafka: KafkaConnection,
        namespace: Namespace,
        partition: int,
        held: Callable[[], bool],
        observe: Callable[[object], None],
    ) -> None:
        self.ledgers = Ledgers()
        self._kafka = kafka
        self._namespace = namespace
        self._partition = partition
        self._held = held
        self._observe = observe
        self._producer: Any = None
        self._closing = Closing()
        self._waiting: list[Entry] = []
        self._size = 0
        self._added = self._written = 0
        self._moved = asyncio.Condition()
        self._lost = False
        self._writing: asyncio.Task[None] | None = None

    @property
    def lost(self) -> bool:
        """Whether another process has taken over."""
        return self._lost

    async def open(self) -> None:
        """Fence whoever wrote before, then read what is known. Raises Lost, KafkaError or OSError."""
        await self._reopen()
        await self._restore()
        self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write what waits, if that is quick and still ours, and close the connection."""
        if self._writing is not None and not self._writing.done():
            with suppress(TimeoutError, Lost):
                async with asyncio.timeout(1.5):
                    await self.flushed()
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._shut()

    async def add(self, entry: Entry, *, flush: bool = False) -> None:
        """Take an entry, in the order of the calls; wait while too much waits, or with `flush` until it is written.

        Raises Lost.
        """
        if self._lost:
            raise Lost
        if len(entry) or entry.facts:
            self._waiting.append(entry)
            self._size += len(entry)
            self._added += 1
        async with self._moved:
            self._moved.notify_all()
            if flush:
                own = self._added
                await self._moved.wait_for(lambda: self._written >= own or self._lost)
            else:
                await self._moved.wait_for(lambda: self._size < HELD or self._lost)
        if self._lost:
            raise Lost

    async def flushed(self) -> None:
        """Return once all that was added is written. Raises Lost."""
        await self.add(Entry(), flush=True)

    async def _write(self) -> None:
        while not self._lost:
            async with self._moved:
                await self._moved.wait_for(lambda: bool(self._waiting))
            entries, self._waiting = self._waiting, []
            try:
                await self._insist(entries)
            except Lost:
                self._lost = True
            async with self._moved:
                self._size -= sum(map(len, entries))
                self._written += len(entries)
                self._moved.notify_all()
            if not self._lost:
                for fact in (fact for entry in entries for fact in entry.facts):
                    self._observe(fact)

    async def _insist(self, entries: Sequence[Entry]) -> None:
        """Write entries in one transaction, again and again until it is committed. Raises Lost."""
        by_topic: dict[str, list[Record]] = {}
        for entry in entries:
            for topic, record in entry.records:
                by_topic.setdefault(topic, []).append(record)
        rows = dict(row for entry in entries for row in entry.rows)
        wait, longest = BACKOFF
        while True:
            try:
                if self._producer is None:
                    await self._reopen()
                await self._transact(by_topic, rows)
            except _FENCED as error:
                await self._shut()
                raise Lost(str(error)) from error
            except (KafkaError, TimeoutError, OSError) as error:
                await self._shut()
                cause = f"{type(error).__name__} {error}".strip()
                self._observe(KafkaUnavailable(self._kafka.bootstrap, cause, wait))
                await asyncio.sleep(wait)
                wait = min(longest, wait * 2)
            else:
                return

    async def _transact(self, by_topic: dict[str, list[Record]], rows: dict[bytes, bytes | None]) -> None:
        """Write one transaction. Raises KafkaError, TimeoutError."""
        producer = self._producer
        async with asyncio.timeout(PATIENCE):
            await producer.begin_transaction()
            for topic, records in by_topic.items():
                await deliver(producer, self._namespace.topic(topic), records)
            await deliver(producer, self._namespace.topic(TOPIC), list(rows.items()), partition=self._partition)
            await producer.commit_transaction()

    async def _reopen(self) -> None:
        """Open the producer: from then on no predecessor can write. Raises Lost, KafkaError.

        Whether the partition is ours is asked before, so that nobody is fenced by one who lost it, and after, for the
        process may have been stopped in between.
        """
        if not self._held():
            raise Lost
        raw = self._namespace.raw or "live"
        producer = AIOKafkaProducer(
            **self._kafka.client_options(),
            transactional_id=f"marsad.raw.{raw}.producers.{self._partition}",
            transaction_timeout_ms=TRANSACTION_MS,
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            max_batch_size=BATCH,
            max_request_size=LARGEST,
            linger_ms=0,
        )
        try:
            async with asyncio.timeout(TRANSACTION_MS / 1000):
                await producer.start()
        except BaseException:
            await self._stopped(producer)
            raise
        if not self._held():
            await self._stopped(producer)
            raise Lost
        self._producer = producer

    async def _shut(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await self._stopped(producer)

    async def _stopped(self, client: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
        """Stop a client, which may wait for what it holds: a second at most, for a successor aborts what is open."""
        self._closing.add(client)
        await self._closing.wait(1)

    async def _restore(self) -> None:
        """Read the partition's rows to their end. Raises KafkaError, or TimeoutError if they do not come."""
        place = TopicPartition(self._namespace.topic(TOPIC), self._partition)
        consumer = AIOKafkaConsumer(
            **self._kafka.client_options(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=8 << 20,
        )
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(PATIENCE) as patience:
                await consumer.start()
                begin = (await consumer.beginning_offsets([place]))[place]
                end = (await consumer.end_offsets([place]))[place]
                consumer.assign([place])
                consumer.seek(place, begin)
                while await consumer.position(place) < end:
                    records = (await consumer.getmany(place, timeout_ms=500, max_records=10_000)).get(place, ())
                    if records:
                        patience.reschedule(now() + PATIENCE)
                    for record in records:
                        try:
                            self.ledgers.apply(record.key or b"", record.value)
                        except (msgspec.MsgspecError, ValueError) as error:
                            self._observe(RowDiscarded(self._partition, record.offset, type(error).__name__))
        finally:
            await self._stopped(consumer)
        self.ledgers.restored()
