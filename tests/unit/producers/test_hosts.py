"""A process's part in the group that gives out the hosts, played with a group that a test says the answers of."""

import asyncio
from collections.abc import Callable, Iterable

import pytest
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from producers.facts import HostsAssigned, KafkaUnavailable
from producers.hosts import agent
from producers.hosts.agent import Hosts
from schemas.connections import KafkaConnection
from schemas.topics import Namespace


class Member:
    """Stands for aiokafka's consumer: the group gives it the one partition as soon as it subscribes."""

    def __init__(self, trouble: Exception | None, **_options: object) -> None:
        self.answer = asyncio.Event()
        self.asked = asyncio.Event()
        self.stopped = False
        self.trouble = trouble

    async def start(self) -> None:
        return

    def subscribe(self, topics: Iterable[str], listener: ConsumerRebalanceListener) -> None:
        self.listener = listener
        self.places = [TopicPartition(topic, 0) for topic in topics]
        self.given = asyncio.ensure_future(listener.on_partitions_assigned(self.places))

    def pause(self, *_places: TopicPartition) -> None:
        return

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[object]]:
        if self.trouble is not None:
            raise self.trouble
        await asyncio.sleep(timeout_ms / 1000)
        return {}

    async def commit(self, _offsets: dict[TopicPartition, int]) -> None:
        self.asked.set()
        await self.answer.wait()

    async def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def troubles() -> list[Exception]:
    """What each who joins is to find when it polls, the first first; then nothing."""
    return []


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch, troubles: list[Exception]) -> list[Member]:
    """Those who joined, in order."""
    joined: list[Member] = []

    def join(**options: object) -> Member:
        joined.append(Member(troubles.pop(0) if troubles else None, **options))
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


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; the bound is a safety net."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("trouble", [KeyError("node"), AssertionError("no assignment")])
async def test_a_member_whose_task_dies_is_told_and_joins_anew(
    trouble: Exception, troubles: list[Exception], members: list[Member]
) -> None:
    """Whatever aiokafka ends with, the process is a member again."""
    troubles.append(trouble)
    facts: list[object] = []
    ours = hosts(facts)
    await ours.start()
    await until(lambda: len(members) == 2)
    members[1].answer.set()
    await until(lambda: ours.held(0))
    assert members[0].stopped
    assert [fact.cause for fact in facts if isinstance(fact, KafkaUnavailable)] == [
        f"{type(trouble).__name__} {trouble}"
    ]
    await ours.stop()


@pytest.mark.parametrize("trouble", [None, KafkaError("unexpected error during coordination")])
async def test_a_group_that_gives_no_sign_is_told_and_joined_anew(
    trouble: Exception | None, troubles: list[Exception], members: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers the renewals, whether polling fails for ever or waits for ever: neither is waited out."""
    monkeypatch.setattr(agent, "SILENCE", (0.3, 60.0))
    monkeypatch.setattr(agent, "LEASE", 0.1)
    if trouble is not None:
        troubles.append(trouble)
    facts: list[object] = []
    ours = hosts(facts)
    await ours.start()
    await until(lambda: len(members) == 2)
    monkeypatch.undo()
    assert members[0].stopped
    assert [type(fact) for fact in facts if not isinstance(fact, HostsAssigned)] == [KafkaUnavailable]
    await ours.stop()


async def test_what_a_former_member_is_told_changes_nothing(troubles: list[Exception], members: list[Member]) -> None:
    """A member that is still being closed may be given partitions, or be told that they are taken: not ours."""
    troubles.append(KeyError("node"))
    ours = hosts([])
    await ours.start()
    await until(lambda: len(members) == 2 and ours.ours == {0})
    await members[0].listener.on_partitions_revoked(members[0].places)
    assert ours.ours == {0}
    await members[0].listener.on_partitions_assigned([])
    assert ours.ours == {0}
    await ours.stop()
