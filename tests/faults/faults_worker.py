"""Faults of the stream worker: killed, stopped, scaled. Each returns whether its effect was observed."""

import asyncio
import random
import shutil
import signal
import time
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.faults.running import Running
from tests.faults.stack import LIVE, Stack, until

FENCED = 75


async def killed(stack: Stack, _draw: random.Random) -> bool:
    """SIGKILL at any moment; the supervisor's next start must take over."""
    victim = stack.worker
    mark, endings = victim.mark(), len(victim.endings)
    victim.signal(signal.SIGKILL)
    await _opened(victim, mark)
    return victim.endings[endings] == -signal.SIGKILL


async def terminated(stack: Stack, _draw: random.Random) -> bool:
    """SIGTERM: finish the flush, commit, leave."""
    victim = stack.worker
    mark, endings = victim.mark(), len(victim.endings)
    victim.signal(signal.SIGTERM)
    await until(lambda: len(victim.endings) > endings, 15)
    await _opened(victim, mark)
    return victim.endings[endings] == 0 and bool(victim.facts(mark, "shard closed"))


async def zombie(stack: Stack, _draw: random.Random) -> bool:
    """Stop it inside a flush, past its session; a second worker takes over; wake it: its commit must be refused."""
    stack.add_worker()
    await asyncio.sleep(5)
    victim = await stack.struck("written", signal.SIGSTOP)
    if victim is None:
        return False
    try:
        mark, endings = victim.mark(), len(victim.endings)
        successor = next(one for one in stack.workers if one is not victim and one.wanted)
        taken, shard = successor.mark(), victim.facts(0, "struck")[-1]["shard"]
        # Until the very shard is taken over nothing refuses the commit, and rightly: the successor would read it.
        await until(
            lambda: shard in [f"{one['stage']}.{one['partition']}" for one in successor.facts(taken, "shard opened")],
            25,
        )
    finally:
        victim.signal(signal.SIGCONT)
    await until(lambda: len(victim.endings) > endings, 15)
    ends = victim.facts(mark, "worker ends")
    await stack.only(successor)
    return victim.endings[endings] == FENCED and any(end["kind"] == "Fenced" for end in ends)


async def killed_in_recovery(stack: Stack, _draw: random.Random) -> bool:
    """Lose the local state, and kill while the changelog's rows are written back."""
    victim = stack.worker
    await asyncio.to_thread(victim.kill)
    discard_state(stack, victim)
    victim.start()
    struck = await stack.struck("restoring", signal.SIGKILL, seconds=30)
    if struck is None:
        return False
    mark = struck.mark()
    await _opened(struck, mark)
    return struck.endings[-1] == -signal.SIGKILL


def killed_at(step: str) -> Callable[[Stack, random.Random], object]:
    """Make the fault that kills at a flush step."""

    async def fault(stack: Stack, draw: random.Random) -> bool:
        stage = draw.choice(("ads", "market"))
        victim = await stack.struck(step, signal.SIGKILL, "" if step == "written" else stage)
        if victim is None:
            return False
        mark = victim.mark()
        opened = await _opened(victim, mark)
        if step == "committed":  # the marker was in the changelog and not in the local rows
            return any(fact["kept"] and fact["replayed"] > 1 for fact in opened)
        return victim.endings[-1] == -signal.SIGKILL

    return fault


async def stopped_in_transaction(stack: Stack, _draw: random.Random) -> bool:
    """Stop the only worker with its transaction open: readers must be on again within 20 s, by the broker's abort."""
    await stack.only(stack.worker)
    victim = await stack.struck("written", signal.SIGSTOP)
    if victim is None:
        return False
    stopped = time.monotonic()
    try:
        held = await until(lambda: _held_up(stack), 10)
        await until(lambda: _held_up(stack, wanted=False), 25)
        on_again = time.monotonic() - stopped
    finally:
        victim.signal(signal.SIGCONT)
    if on_again > 20:
        raise AssertionError(f"readers were held up for {on_again:.0f} s")
    return bool(held)


async def rebalanced(stack: Stack, _draw: random.Random) -> bool:
    """Add a worker while records flow, then end the first gracefully."""
    first = stack.worker
    mark = first.mark()
    second = stack.add_worker()
    await until(lambda: second.facts(0, "shard opened"), 30)
    closed = bool(first.facts(mark, "shard closed"))
    await asyncio.sleep(1)
    await stack.only(second)
    return closed


async def scaled(stack: Stack, _draw: random.Random) -> bool:
    """One, two, three, one."""
    first = stack.worker
    for _ in range(2):
        one = stack.add_worker()
        await until(lambda one=one: one.facts(0, "shard opened"), 30)
    working = [one for one in stack.workers if one.wanted]
    marks = {one: one.mark() for one in working}
    await until(lambda: all(one.facts(marks[one], "run flushed") for one in working), 20)
    await stack.only(first)
    return len(working) >= 3


async def rebalanced_repeatedly(stack: Stack, _draw: random.Random) -> bool:
    """A second worker comes and goes three times."""
    first = stack.worker
    mark = first.mark()
    rounds = 0
    for _ in range(3):
        closed = len(first.facts(mark, "shard closed"))
        second = stack.add_worker()
        await until(lambda second=second: second.facts(0, "shard opened"), 30)
        rounds += len(first.facts(mark, "shard closed")) > closed
        await asyncio.to_thread(second.stop)
    return rounds == 3


def discard_state(stack: Stack, of: Running) -> None:
    """Delete a stopped worker's local rows."""
    shutil.rmtree(stack.place.folder / of.name / "state", ignore_errors=True)


async def _opened(worker: Running, since: int) -> list[dict[str, object]]:
    """Wait until a worker has opened shards after its log's mark."""

    def look() -> list[dict[str, object]]:
        return worker.facts(since, "shard opened")

    await until(look, 40)
    await asyncio.sleep(0.5)
    return look()


async def _held_up(stack: Stack, *, wanted: bool = True) -> bool:
    """Whether the last stable offset of some topic of the flow lies below its end."""
    partitions = [TopicPartition(LIVE.topic(name), 0) for name in ("vacancies", "market-counts", "postings-rejected")]
    partitions += [
        TopicPartition(LIVE.topic(name), partition)
        for name in ("ads-changelog", "market-changelog", "postings-enriched")
        for partition in range(4)
    ]
    ends = []
    for isolation in ("read_committed", "read_uncommitted"):
        consumer = AIOKafkaConsumer(**stack.kafka.client_options(), isolation_level=isolation)
        await consumer.start()
        try:
            ends.append(await consumer.end_offsets(partitions))
        finally:
            await consumer.stop()
    return any(ends[0][tp] < ends[1][tp] for tp in partitions) is wanted
