"""What a Kafka that takes records and acknowledges none does to those who wait for it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from producers import publish
from producers.facts import KafkaUnavailable
from producers.hosts import writer
from producers.hosts.writer import Entry, Writer
from producers.publish import Publisher
from schemas.connections import KafkaConnection
from schemas.topics import Namespace

KAFKA = KafkaConnection("nowhere:9092")


class Batch:
    """Takes every record."""

    def append(self, **_record: object) -> object:
        return object()


class Producer:
    """Stands for aiokafka's: what it sends is acknowledged, or never is; one that holds something never stops."""

    def __init__(self, *, acknowledges: bool) -> None:
        self.acknowledges = acknowledges
        self.sent = 0

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        if not self.acknowledges:
            await asyncio.Event().wait()

    async def begin_transaction(self) -> None:
        return

    async def commit_transaction(self) -> None:
        return

    async def partitions_for(self, _topic: str) -> set[int]:
        return {0}

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, _batch: Batch, _topic: str, partition: int) -> "asyncio.Future[object]":  # noqa: ARG002
        self.sent += 1
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self.acknowledges:
            answer.set_result(None)
        return answer


@pytest.fixture
def producers(monkeypatch: pytest.MonkeyPatch) -> list[Producer]:
    """Those that were opened, in order: the first is never acknowledged anything."""
    opened: list[Producer] = []

    def open_one(**_options: object) -> Producer:
        opened.append(Producer(acknowledges=bool(opened)))
        return opened[-1]

    for module in (publish, writer):
        monkeypatch.setattr(module, "AIOKafkaProducer", open_one)
        monkeypatch.setattr(module, "BACKOFF", (0.01, 0.01))
    monkeypatch.setattr(publish, "DELIVERY", 0.1)
    monkeypatch.setattr(writer, "PATIENCE", 0.1)
    return opened


async def through_publisher(observe: Callable[[object], None]) -> None:
    """Send one record."""
    publisher = Publisher(kafka=KAFKA, namespace=Namespace("test"), observe=observe, clock=lambda: datetime.now(UTC))
    await publisher.append("postings-raw", [(b"key", b"value")])


async def through_writer(observe: Callable[[object], None]) -> None:
    """Write one record in a transaction."""
    own = Writer(kafka=KAFKA, namespace=Namespace("test"), partition=0, held=lambda: True, observe=observe)
    writing = asyncio.create_task(own._write())
    await own.add(Entry([("postings-raw", (b"key", b"value"))], [(b"row", b"1")]), flush=True)
    writing.cancel()


@pytest.mark.parametrize("send", [through_publisher, through_writer])
async def test_what_is_not_acknowledged_in_time_is_told_and_sent_anew(
    send: Callable[[Callable[[object], None]], "asyncio.Future[None]"], producers: list[Producer]
) -> None:
    """Left to itself aiokafka tries for ever and says nothing; here another producer is opened beside it."""
    facts: list[object] = []
    async with asyncio.timeout(60):
        await send(facts.append)
    assert [type(fact) for fact in facts] == [KafkaUnavailable]
    assert [producer.sent > 0 for producer in producers] == [True, True]
