from collections.abc import Sequence

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from streams.engine.records import FetchedRecord, lean


class FakeFetcher:
    """A fetcher that holds one fetched partition."""

    def __init__(self, held: FetchResult) -> None:
        self._records = {TopicPartition("postings", 2): held}


class FakeState:
    """An assignment whose only partition stands where the fetch began."""

    active, paused, position = True, False, 5

    def state_value(self, _tp: TopicPartition) -> "FakeState":
        return self

    def consumed_to(self, position: int) -> None:
        self.position = position


def _batch(first: int, count: int, **transaction: bool) -> bytes:
    """A batch of records k0, k1, … from offset `first` on, as the broker keeps it."""
    builder = BatchBuilder(1 << 20, 0, **transaction)
    if transaction:
        builder._set_producer_state(9, 0, 0)
    for n in range(count):
        builder.append(timestamp=1000 + n, key=b"k%d" % n, value=None if n == 1 else b"v")
    made = builder._build()
    made[:8] = first.to_bytes(8, "big")
    return bytes(made)


def _held(data: bytes, *, aborted: Sequence[tuple[int, int]] = (), max_run: int = 100) -> tuple[FetchResult, FakeState]:
    tp, state = TopicPartition("postings", 2), FakeState()
    records = PartitionRecords(tp, MemoryRecords(data), aborted, 5, None, None, True, READ_COMMITTED)
    held = FetchResult(tp, assignment=state, partition_records=records, backoff=0)
    lean(FakeFetcher(held), max_run)
    return held, state


def test_fetched_batches_are_unpacked_into_lean_records_from_the_fetch_offset_on() -> None:
    """Offsets, times, keys and values are aiokafka's; what lies below the fetch offset is left out."""
    held, state = _held(_batch(4, 3) + _batch(7, 1))
    assert held.getall() == [
        FetchedRecord("postings", 2, 5, 1001, b"k1", None),
        FetchedRecord("postings", 2, 6, 1002, b"k2", b"v"),
        FetchedRecord("postings", 2, 7, 1000, b"k0", b"v"),
    ]
    assert (state.position, held.has_more()) == (8, False)


def test_a_run_ends_with_the_batch_that_fills_it() -> None:
    """Whole batches are taken until the run is full; the next run goes on where it ended."""
    held, state = _held(_batch(5, 3) + _batch(8, 3) + _batch(11, 1), max_run=4)
    assert [record.offset for record in held.getall()] == [5, 6, 7, 8, 9, 10]
    assert (state.position, held.has_more()) == (11, True)
    lean(FakeFetcher(held), 4)
    assert [record.offset for record in held.getall()] == [11]


def test_records_of_an_aborted_transaction_are_passed_over() -> None:
    """What a producer aborted is no input, and the position passes it."""
    held, state = _held(_batch(5, 2, is_transactional=True) + _batch(7, 1), aborted=[(9, 5)])
    assert [record.offset for record in held.getall()] == [7]
    assert state.position == 8
