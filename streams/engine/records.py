"""Records as a fold reads them: what aiokafka makes of each, batch by batch, without the fields that nobody reads."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any
from weakref import ref

import msgspec
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.structs import TopicPartition


class FetchedRecord(msgspec.Struct, frozen=True, gc=False):
    """A consumed record (`stage.Record`); it refers to nothing that could refer back, so the collector need not look.

    aiokafka's own takes 1 us more to make, an eighth of the small job.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def lean(fetcher: Fetcher, max_run: int) -> None:
    """Have what waits in `fetcher` unpacked into FetchedRecords, whole batches until there are `max_run` or more.

    Call it in the fetcher's thread. aiokafka has no hook for what a record is made of, so its PartitionRecords, which
    decides what is read (checksums, aborted transactions, control batches), is given batches that hold one record each:
    the list of what they hold.
    """
    for tp, held in fetcher._records.items():  # noqa: SLF001
        if not isinstance(held, FetchResult):
            continue
        unread = held._partition_records  # noqa: SLF001
        if unread is not None and not isinstance(unread._records, _Batches):  # noqa: SLF001
            unread._records = _Batches(unread._records, tp, unread.next_fetch_offset)  # noqa: SLF001
            unread._consumer_record = _inside  # noqa: SLF001
            held.getall = partial(_take, ref(held), max_run)


async def waited_for(fetcher: Fetcher, seconds: float) -> bool:
    """Whether `fetcher` has got something within `seconds`. Call it in the fetcher's thread."""
    try:
        async with asyncio.timeout(seconds):
            await fetcher._create_fetch_waiter()  # noqa: SLF001
    except TimeoutError:
        return False
    return True


class _Batches:
    """A fetch's batches (aiokafka's MemoryRecords), from offset `first` on."""

    def __init__(self, batches: Any, tp: TopicPartition, first: int) -> None:  # noqa: ANN401 - of aiokafka's compiled part
        self.has_next = batches.has_next
        self._next_batch = batches.next_batch
        self._tp = tp
        self._first = first

    def next_batch(self) -> "_Batch":
        """The next one."""
        return _Batch(self._next_batch(), self._tp, self._first)


class _Batch:
    """A batch whose only record is the list of its records; `next` gives the first, as control batches are asked."""

    def __init__(self, batch: Any, tp: TopicPartition, first: int) -> None:  # noqa: ANN401 - of aiokafka's compiled part
        self._batch = batch
        self._tp = tp
        self._first = first

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the batch has
        return getattr(self._batch, name)

    def __next__(self) -> Any:  # noqa: ANN401 - of aiokafka's compiled part
        return next(self._batch)

    def __iter__(self) -> Iterator["_Inside"]:
        (topic, partition), first = self._tp, self._first
        records = [
            FetchedRecord(topic, partition, record.offset, record.timestamp, record.key, record.value)
            for record in self._batch
            if record.offset >= first
        ]
        return iter([_Inside(records[-1].offset, records)] if records else [])


class _Inside(msgspec.Struct, frozen=True, gc=False):
    """The records of a batch, with the last one's offset."""

    offset: int
    records: list[FetchedRecord]


def _inside(_tp: TopicPartition, batch: _Inside) -> list[FetchedRecord]:
    return batch.records


def _take(held: "ref[FetchResult]", max_run: int, _max_records: int | None = None) -> list[FetchedRecord]:
    """FetchResult.getall, for records that come in lists."""
    result = held()
    if result is None or not result.check_assignment(result._topic_partition) or not result.has_more():  # noqa: SLF001
        return []
    run: list[FetchedRecord] = []
    for records in result._partition_records:  # noqa: SLF001
        run += records
        if len(run) >= max_run:
            result._update_position()  # noqa: SLF001
            return run
    result._update_position()  # noqa: SLF001
    result._partition_records = None  # noqa: SLF001
    return run
