"""Faults around generations: a recreated topic, rebuilds, a backfill beside the live flow, an empty changelog.

Each returns whether its effect was observed, and raises AssertionError when a count differs from the recount.
"""

import asyncio
import random
import signal
from datetime import UTC, datetime

import msgspec
from aiokafka.admin import AIOKafkaAdminClient

from deploy import topics
from producers.publish import key_of
from schemas.topics import Namespace
from tests.faults.invariants import difference
from tests.faults.running import REFUSED
from tests.faults.stack import LIVE, RAW, Stack, until


async def topic_recreated(stack: Stack, draw: random.Random) -> bool:
    """Delete a generation's raw topic and create it anew: what the marker speaks of is no more."""
    namespace = _own("recreated", draw)
    other = await stack.add_other(namespace)
    await _feed(stack, namespace, 60)
    other.start()
    await stack.caught_up(namespace=namespace)
    await asyncio.to_thread(other.stop)
    admin = AIOKafkaAdminClient(**stack.kafka.client_options())
    await admin.start()
    await admin.delete_topics([namespace.topic(RAW)])
    while namespace.topic(RAW) in await admin.list_topics():
        await asyncio.sleep(0.1)
    await admin.close()
    await topics.ensure(stack.kafka, namespace, now=datetime.now(UTC))
    await _feed(stack, namespace, 60)
    mark = other.mark()
    other.start()
    await until(lambda: REFUSED in other.endings, 40)
    return any("was recreated" in end["reason"] for end in other.facts(mark, "worker ends"))


async def rebuilt_unevenly(stack: Stack, draw: random.Random) -> bool:
    """A new generation over the live raw topic: one partition is done before the others are begun."""
    namespace = Namespace(_own("rebuilt", draw).generation, LIVE.raw)
    first = draw.randrange(4)
    held = [partition for partition in range(4) if partition != first]
    other = await stack.add_other(namespace, held)
    other.start()

    async def alone() -> bool:
        done = await stack.done("ads", namespace)
        ahead = [partition.partition for partition, offset in done.items() if offset]
        return ahead == [first]

    try:
        uneven = await until(alone, 40)
        await asyncio.sleep(2)
        uneven = uneven and await alone()
        stack.release(other)
        await _equal(stack, namespace)
    finally:
        await asyncio.to_thread(other.stop)
    return uneven


async def backfilled_beside(stack: Stack, draw: random.Random) -> bool:
    """An archive's generation is filled while the live one is fed."""
    namespace = _own("replayed", draw)
    other = await stack.add_other(namespace)
    await _feed(stack, namespace, 400)
    marks = {one: one.mark() for one in (other, stack.worker)}
    other.start()
    try:
        both = await until(lambda: all(one.facts(mark, "run flushed") for one, mark in marks.items()), 40)
        await _equal(stack, namespace)
    finally:
        await asyncio.to_thread(other.stop)
    return bool(both)


async def changelog_empty(stack: Stack, draw: random.Random) -> bool:
    """A generation that has flushed nothing: killed and started again, it begins at the beginning."""
    namespace = _own("empty", draw)
    other = await stack.add_other(namespace)
    opened = []
    try:
        for _ in range(2):
            mark, endings = other.mark(), len(other.endings)
            other.start()
            await until(lambda mark=mark: len(other.facts(mark, "shard opened")) >= 8, 40)
            opened += other.facts(mark, "shard opened")
            other.signal(signal.SIGKILL)
            await until(lambda endings=endings: len(other.endings) > endings, 10)
        await _feed(stack, namespace, 100)
        await _equal(stack, namespace)
    finally:
        await asyncio.to_thread(other.stop)
    return len(opened) >= 16 and all(fact["replayed"] == 0 for fact in opened)


def _own(name: str, draw: random.Random) -> Namespace:
    """A generation with a raw topic of its own."""
    generation = f"{name}-{draw.randrange(1 << 24):x}"
    return Namespace(generation, generation)


async def _feed(stack: Stack, namespace: Namespace, count: int) -> None:
    postings = list(stack.market.sightings(count))
    await stack.append(((key_of(one), msgspec.json.encode(one)) for one in postings), namespace.topic(RAW))


async def _equal(stack: Stack, namespace: Namespace) -> None:
    """Stop the feed, let a generation catch up, and compare."""
    async with stack.quiet():
        await asyncio.sleep(1)
        await stack.caught_up(namespace=namespace)
        await asyncio.sleep(0.5)  # a transaction's partitions become readable one by one
        differ = await difference(stack, namespace)
    if differ:
        raise AssertionError(f"{differ} cells of {namespace.generation} differ from the recount")
