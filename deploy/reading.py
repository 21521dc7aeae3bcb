"""Reading a stretch of a partition, for as long as it comes."""

import time
from collections.abc import AsyncIterator, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaTimeoutError

SILENT_SECONDS = 60.0


async def runs(consumer: AIOKafkaConsumer, tp: TopicPartition, end: int) -> AsyncIterator[Sequence[ConsumerRecord]]:
    """Read from where the consumer stands up to `end`, at least; it gets all that it fetches.

    Raises KafkaTimeoutError when the partition brings nothing for a minute: a consumer whose fetching has died says so
    to nobody.
    """
    at, since = -1, time.monotonic()
    while (position := await consumer.position(tp)) < end:
        if position != at:
            at, since = position, time.monotonic()
        elif time.monotonic() - since > SILENT_SECONDS:
            raise KafkaTimeoutError(f"{tp.topic} partition {tp.partition} brings nothing after offset {position}")
        yield (await consumer.getmany(tp, timeout_ms=200)).get(tp, ())
