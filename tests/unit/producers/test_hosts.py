"""A process's part in the group that gives out the hosts, played with a group that a test says the answers of."""

import asyncio
from collections.abc import Iterable

import pytest
from aiokafka import ConsumerRebalanceListener, TopicPartition

from producers.hosts import agent
from producers.hosts.agent import Hosts
from schemas.connections import KafkaConnection
from schemas.topics import Namespace


class Member:
    """Stands for aiokafka's consumer: the group gives it the one partition as soon as it subscribes."""

    def __init__(self, **_options: object) -> None:
        self.answer = asyncio.Event()
        self.asked = asyncio.Event()
        self.stopped = False

    async def start(self) -> None:
        return

    def subscribe(self, topics: Iterable[str], listener: ConsumerRebalanceListener) -> None:
        places = [TopicPartition(topic, 0) for topic in topics]
        self.given = asyncio.ensure_future(listener.on_partitions_assigned(places))

    def pause(self, *_places: TopicPartition) -> None:
        return

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[object]]:
        await asyncio.sleep(timeout_ms / 1000)
        return {}

    async def commit(self, _offsets: dict[TopicPartition, int]) -> None:
        self.asked.set()
        await self.answer.wait()

    async def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> list[Member]:
    """Those who joined, in order."""
    joined: list[Member] = []

    def join(**options: object) -> Member:
        joined.append(Member(**options))
        return joined[-1]

    async def one(_kafka: KafkaConnection, _topic: str) -> int:
        return 1

    monkeypatch.setattr(agent, "AIOKafkaConsumer", join)
    monkeypatch.setattr(agent, "_partitions", one)
    return joined


def hosts(facts: list[object]) -> Hosts:
    """Hosts of a group of their own."""
    return Hosts(kafka=KafkaConnection("nowhere:9092"), namespace=Namespace("test"), observe=facts.append)


@pytest.mark.parametrize("turns", range(8))
async def test_leaving_ends_though_the_group_answers_at_that_moment(turns: int, members: list[Member]) -> None:
    """However few turns of the loop lie between the group's answer and the leaving, nothing goes on after it."""
    ours = hosts([])
    await ours.start()
    await members[0].asked.wait()
    members[0].answer.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await ours.stop()
    assert members[0].stopped
