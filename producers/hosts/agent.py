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

from producers.closing import Closing
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

SILENCE = (60.0, 600.0)
"""Seconds without a sign from the group after which it is joined anew, at first and at most: longer each time, for on a
machine that is far too slow each member that comes and goes holds up the group. A request takes 40 s at most."""

_partition = DefaultPartitioner()


class Hosts:
    """The partitions that this process has."""

    def __init__(self, *, kafka: KafkaConnection, namespace: Namespace, observe: Callable[[object], None]) -> None:
        self._kafka = kafka
        self._namespace = namespace
        self._observe = observe
        self._topic = namespace.topic(TOPIC)
        self._count = 0
        self._ours: frozenset[int] | None = None
        self._renewed = -SESSION
        self._sign = 0.0
        self._patience = SILENCE[0]
        self._given = asyncio.Event()
        self._consumer: Any = None
        self._staying: asyncio.Task[None] | None = None
        self._closing = Closing()

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
        """Join the group, as soon as Kafka answers and the topic is there, and stay in it until `stop`."""
        await self._join()
        self._staying = asyncio.create_task(self._stay())

    async def stop(self) -> None:
        """Leave the group, so that others need not wait for the hosts."""
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.gather(self._staying, return_exceptions=True)
        self._leave()
        await self._closing.wait(1)

    async def _stay(self) -> None:
        """Take part in the group; whatever puts us out of it is told, and the group joined anew."""
        while True:
            try:
                if self._consumer is None:
                    await self._join()
                await self._take_part()
            except Exception as error:  # noqa: BLE001 (aiokafka's own tasks may end with anything)
                self._tell(error, RENEW)
                self._leave()
                await asyncio.sleep(RENEW)

    async def _join(self) -> None:
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
                self._consumer = consumer
                break
            except (KafkaError, OSError, TimeoutError) as error:
                self._tell(error, wait)
            finally:
                if self._consumer is not consumer:
                    self._closing.add(consumer)
            await asyncio.sleep(wait)
            wait = min(5.0, wait * 2)
        self._sign = time.monotonic()
        consumer.subscribe([self._topic], listener=_Listener(consumer, self._take))

    def _leave(self) -> None:
        self._ours = None
        self._renewed = -SESSION
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            self._closing.add(consumer)

    def _tell(self, error: Exception, wait: float) -> None:
        cause = f"{type(error).__name__} {error}".strip()
        self._observe(KafkaUnavailable(self._kafka.bootstrap, cause, wait))

    def _take(self, member: Any, given: frozenset[int] | None) -> None:  # noqa: ANN401 (aiokafka has no types)
        """Take what the group gives a member, None while it gives anew; one that we no longer are is told in vain.

        That it is still ours, and was not given long ago to a process that was stopped since, the next renewal tells.
        """
        if member is not self._consumer:
            return
        self._ours = given
        if given is not None:
            self._sign = time.monotonic()
            self._given.set()
            self._observe(HostsAssigned(len(given), self._count))

    async def _take_part(self) -> None:
        """Be a member. Raises what puts an end to that, TimeoutError if the group gives no sign."""
        tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self._renew())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _poll(self) -> None:
        """Ask for records: a member that asks for nothing is taken for dead."""
        while True:
            with suppress(KafkaError, OSError):
                await self._consumer.getmany(timeout_ms=500)
                if self._ours is not None and not self._ours:  # it has nothing to renew
                    self._sign = time.monotonic()
            await asyncio.sleep(0.1)

    async def _renew(self) -> None:
        """Ask the group, again and again, whether we are still in it: it refuses a commit of one who is not."""
        while time.monotonic() - self._sign < self._patience:
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
                self._sign = time.monotonic()
                self._patience = SILENCE[0]
        silent, self._patience = self._patience, min(SILENCE[1], 2 * self._patience)
        raise TimeoutError(f"the group of the producers gave no sign for {silent:.0f} s")


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Passes on what the group tells one member."""

    def __init__(self, member: Any, tell: Callable[[Any, frozenset[int] | None], None]) -> None:  # noqa: ANN401
        self._member = member
        self._tell = tell

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 (aiokafka's)
        """Nothing is ours while the group gives anew."""
        self._tell(self._member, None)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Of the partitions that are given no record is wanted: the rows are read elsewhere."""
        given = list(assigned)
        if given:
            self._member.pause(*given)
        self._tell(self._member, frozenset(place.partition for place in given))


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
