"""The topic `push-answers` as a memory that every push process shares: read to its end before each decision."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

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
        self._consumer: Any = None
        self._following: asyncio.Task[None] | None = None

    @property
    def topic(self) -> str:
        """Kafka's name of the topic."""
        return str(self._partition.topic)

    async def start(self) -> None:
        """Open the connections and begin to read. Raises KafkaError."""
        self._consumer = AIOKafkaConsumer(
            **self._kafka.client_options(), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await self._consumer.start()
        self._consumer.assign([self._partition])
        await self._consumer.seek_to_beginning(self._partition)
        self._following = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Close the connections, within five seconds."""
        if self._following:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if self._consumer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(5):
                    await self._consumer.stop()

    async def get(self, *entries: str, now: datetime) -> list[PushAnswer | None]:
        """Return what the whole topic, as it is now, says of each entry. Raises KafkaAway."""
        try:
            async with asyncio.timeout(PATIENCE), self._moved:
                end = (await self._consumer.end_offsets([self._partition]))[self._partition]
                await self._moved.wait_for(lambda: self._reached >= end)
        except (KafkaError, OSError, TimeoutError) as error:
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

    async def _follow(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock() + FORGET_EVERY
        while True:
            try:
                runs = await self._consumer.getmany(self._partition, timeout_ms=1000)
            except (KafkaError, OSError):
                await asyncio.sleep(0.5)
                continue
            newest: datetime | None = None
            for record in runs.get(self._partition, []):
                with suppress(msgspec.MsgspecError, UnicodeError):  # another's record in the topic stops no push
                    self._answers.apply(record.key, record.value)
                newest = datetime.fromtimestamp(record.timestamp / 1000).astimezone()
            async with self._moved:
                self._reached = await self._consumer.position(self._partition)
                if newest and clock() >= due:
                    self._answers.forget(newest)
                    due = clock() + FORGET_EVERY
                self._moved.notify_all()
