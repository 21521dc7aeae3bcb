from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.record.default_records import DefaultRecordBatch

from schemas.connections import KafkaConnection
from streams.engine.errors import Fenced
from streams.engine.transaction import FencedProducer, Row, _Batch


async def _in_transaction() -> tuple[FencedProducer, TransactionManager]:
    """A producer with a transaction under way, that never sees a broker."""
    fenced = FencedProducer(KafkaConnection("127.0.0.1:1"), "id", 1000)
    producer: AIOKafkaProducer = fenced._producer
    manager = producer._txn_manager
    manager.set_pid_and_epoch(1, 1)
    await fenced.begin()
    return fenced, manager


async def test_a_refusal_learned_in_the_background_is_told_as_one() -> None:
    """The sender found that a successor has taken over before the flush came to its commit: Fenced, not a failure."""
    fenced, manager = await _in_transaction()
    manager.fatal_error(ProducerFenced())
    with pytest.raises(Fenced, match="newer producer"):
        await fenced.commit()


async def test_another_failure_of_the_sender_is_no_refusal() -> None:
    """A sender that died of something else is not taken for a successor's work."""
    fenced, manager = await _in_transaction()
    manager.fatal_error(OSError("no route"))
    with pytest.raises(AssertionError, match="Invalid state"):
        await fenced.commit()


def test_rows_fill_batch_after_batch_and_none_is_lost() -> None:
    """Rows keep their order over the batches, and one larger than a batch has a batch to itself."""
    rows = [(b"a", b"x" * 500_000), (b"b", b"x" * 2_000_000), (b"c", None), *((b"%d" % n, b"") for n in range(9))]
    left: Iterator[Row] | None = iter(rows)
    found = []
    while left is not None:
        batch = _Batch()
        left = batch.fill(left)
        found.append([(record.key, record.value) for record in DefaultRecordBatch(bytes(batch._build()))])
        assert batch.record_count() == len(found[-1])
    assert [len(one) for one in found] == [1, 1, 10]
    assert [row for one in found for row in one] == rows
