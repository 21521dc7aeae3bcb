"""The topic `push-answers` as a memory that every push process shares: read to its end before each decision."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from producers.closing import Closing
from producers.publish import KafkaAway, Publisher
from producers.push.answers import Answers, record_key
from schemas.connections import KafkaConnection
from schemas.messages import PushAnswer
from schemas.topics import Namespace

PATIENCE = 8.0
"""Seconds that Kafka may take for one step before the request is answered 503."""

FORGET_EVERY = 600.0


class AnswersAgent:
    """Reads the topic from its beginning, follows it, and writes to it."""

    def __init__(self, kafka: KafkaConnection, namespace: Namespace, publisher: Publisher) -> None:
        self._kafka = kafka
        self._publisher = publisher
        self._partition = TopicPartition(namespace.topic("push-answers"), 0)
        self._answers = Answers()
        self._reached = 0
        self._moved = asyncio.Condition()
        self._doubted = asyncio.Event()
        self._forget_at = 0.0
        self._closing = Closing()
        self._consumer: Any = None
        self._following: asyncio.Task[None] | None = None

    @property
    def topic(self) -> str:
        """Kafka's name of the topic."""
        return str(self._partition.topic)

    async def start(self) -> None:
        """Open the connections and begin to read. Raises KafkaError."""
        self._consumer = await self._opened()
        self._following = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Close the connections, within five seconds."""
        if self._following:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if self._consumer is not None:
            self._closing.add(self._consumer)
        await self._closing.wait(5)

    async def get(self, *entries: str, now: datetime) -> list[PushAnswer | None]:
        """Return what the whole topic, as it is now, says of each entry. Raises KafkaAway."""
        try:
            async with asyncio.timeout(PATIENCE), self._moved:
                end = (await self._consumer.end_offsets([self._partition]))[self._partition]
                await self._moved.wait_for(lambda: self._reached >= end)
        except (KafkaError, ConsumerStoppedError, OSError, TimeoutError) as error:
            self._doubted.set()
            raise KafkaAway(f"{type(error).__name__} {error}".strip()) from error
        return [self._answers.get(entry, now) for entry in entries]

    async def write(self, *answers: PushAnswer) -> None:
        """Write claims or answers. Raises KafkaAway unless all of them are acknowledged."""
        records = [(record_key(answer), msgspec.json.encode(answer)) for answer in answers]
        await self._publisher.append("push-answers", records)

    async def give_up(self, *claims: PushAnswer) -> None:
        """Withdraw claims, so that the request may be sent again; where Kafka is away they expire by themselves."""
        with suppress(KafkaAway):
            await self._publisher.append("push-answers", [(record_key(claim), None) for claim in claims])

    async def _opened(self) -> AIOKafkaConsumer:
        """Return a consumer of what comes after all that was read. Raises KafkaError."""
        consumer = AIOKafkaConsumer(
            **self._kafka.client_options(), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            await consumer.start()
        except BaseException:
            self._closing.add(consumer)
            raise
        consumer.assign([self._partition])
        consumer.seek(self._partition, self._reached)
        return consumer

    async def _follow(self) -> None:
        """Read for ever: with another consumer when one fails, or did not bring what there is to a request in time."""
        while True:
            self._doubted.clear()
            with suppress(Exception):  # whatever ends a reading, the next one begins where it stopped
                await self._read()
            self._closing.add(self._consumer)
            opened = None
            while opened is None:
                await asyncio.sleep(0.5)
                with suppress(KafkaError, OSError):
                    opened = await self._opened()
            self._consumer = opened

    async def _read(self) -> None:
        """Read until a request doubts the consumer."""
        clock = asyncio.get_running_loop().time
        while not self._doubted.is_set():
            runs = await self._consumer.getmany(self._partition, timeout_ms=1000)
            newest: datetime | None = None
            for record in runs.get(self._partition, []):
                with suppress(msgspec.MsgspecError, UnicodeError):  # another's record in the topic stops no push
                    self._answers.apply(record.key, record.value)
                newest = datetime.fromtimestamp(record.timestamp / 1000).astimezone()
            async with self._moved:
                self._reached = await self._consumer.position(self._partition)
                if newest and clock() >= self._forget_at:
                    self._answers.forget(newest)
                    self._forget_at = clock() + FORGET_EVERY
                self._moved.notify_all()
