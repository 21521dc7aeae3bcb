"""Which hosts are this process's: a member of a consumer group over the partitions of `producer-checkpoints`.

The group gives each partition to one process; what a process may still ask of its hosts, it knows from when the group
last answered it, and what it may write, from Kafka's fencing (`producers.hosts.writer`).
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from producers.facts import HostsAssigned, KafkaUnavailable
from producers.hosts.writer import TOPIC
from schemas.connections import KafkaConnection
from schemas.topics import Namespace

SESSION = 6.0
"""Seconds without a sign of life after which the group gives the hosts to others."""

LEASE = 4.0
"""Seconds since the group's last answer for which the hosts are taken to be ours: less than `SESSION`, so that nobody
else can have them."""

RENEW = 1.0

_partition = DefaultPartitioner()


class Hosts(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions that this process has."""

    def __init__(self, *, kafka: KafkaConnection, namespace: Namespace, observe: Callable[[object], None]) -> None:
        self._kafka = kafka
        self._namespace = namespace
        self._observe = observe
        self._topic = namespace.topic(TOPIC)
        self._count = 0
        self._ours: frozenset[int] | None = None
        self._renewed = -SESSION
        self._given = asyncio.Event()
        self._consumer: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ours(self) -> frozenset[int] | None:
        """The partitions that the group has given to this process; None while it gives anew."""
        return self._ours

    def partition_of(self, host: str) -> int:
        """Return the partition of a host."""
        everyone = list(range(self._count))
        return int(_partition(host.encode(), everyone, everyone))

    def held(self, partition: int) -> bool:
        """Whether a partition is ours now, and cannot be another's."""
        return partition in (self._ours or ()) and time.monotonic() - self._renewed < LEASE

    async def start(self) -> None:
        """Join the group, as soon as Kafka answers and the topic is there."""
        wait = 0.5
        while True:
            consumer = AIOKafkaConsumer(
                **self._kafka.client_options(),
                group_id=f"marsad.raw.{self._namespace.raw or 'live'}.producers",
                enable_auto_commit=False,
                auto_offset_reset="latest",
                session_timeout_ms=int(SESSION * 1000),
                heartbeat_interval_ms=int(RENEW * 1000),
                rebalance_timeout_ms=int(SESSION * 1000),
            )
            try:
                async with asyncio.timeout(10):
                    await consumer.start()
                    self._count = await _partitions(self._kafka, self._topic)
                break
            except (KafkaError, OSError, TimeoutError) as error:
                cause = f"{type(error).__name__} {error}".strip()
                self._observe(KafkaUnavailable(self._kafka.bootstrap, cause, wait))
                with suppress(KafkaError, OSError):
                    await consumer.stop()
                await asyncio.sleep(wait)
                wait = min(5.0, wait * 2)
        self._consumer = consumer
        consumer.subscribe([self._topic], listener=self)
        self._tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self._renew())]

    async def stop(self) -> None:
        """Leave the group, so that others need not wait for the hosts."""
        self._ours = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._consumer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 (aiokafka's)
        """Nothing is ours while the group gives anew."""
        self._ours = None

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take what the group gives; the rows themselves are read elsewhere.

        That it is still ours, and was not given long ago to a process that was stopped since, the next renewal tells.
        """
        given = list(assigned)
        if given:
            self._consumer.pause(*given)
        self._ours = frozenset(place.partition for place in given)
        self._given.set()
        self._observe(HostsAssigned(len(given), self._count))

    async def _poll(self) -> None:
        """Take part in the group: a member that asks for nothing is taken for dead."""
        while True:
            with suppress(KafkaError, OSError):
                await self._consumer.getmany(timeout_ms=500)
            await asyncio.sleep(0.1)

    async def _renew(self) -> None:
        """Ask the group, again and again, whether we are still in it: it refuses a commit of one who is not."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW):
                    await self._given.wait()
            self._given.clear()
            ours = {TopicPartition(self._topic, partition): 0 for partition in self._ours or ()}
            asked = time.monotonic()
            if not ours:
                continue
            with suppress(KafkaError, OSError, TimeoutError, ValueError):
                async with asyncio.timeout(LEASE):
                    await self._consumer.commit(ours)
                self._renewed = max(self._renewed, asked)


async def _partitions(kafka: KafkaConnection, topic: str) -> int:
    """Return how many partitions a topic has, once it is there. Raises KafkaError."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        while topic not in await admin.list_topics():  # noqa: ASYNC110 (the brokers have no event for it)
            await asyncio.sleep(0.5)
        return len((await admin.describe_topics([topic]))[0]["partitions"])
    finally:
        await admin.close()
