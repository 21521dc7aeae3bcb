"""`marsad topics grow`: more partitions, as a new generation with a raw topic of its own.

Adding partitions to a topic would send later records of a key to another partition than earlier ones, and two writers
would answer for one ad. So the raw topic is copied into a new one, key by key in order and with its log times, history
is rebuilt from that (deploy.rebuild), and the pointer moves producers and readers together.
"""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import TopicPartition
from rich.console import Console

from deploy import topics
from deploy.copy import TOPICS, RawCopy
from deploy.datadir import DataDir
from deploy.errors import DeployError, TopicError
from deploy.rebuild import Rebuilding, next_name, raw_partitions
from deploy.settings import Settings
from deploy.span import span
from schemas.topics import Namespace

QUIET_SECONDS = 20.0
"""How long nobody may have written into the old raw topic before the copy ends: producers go over within seconds."""


@dataclass(frozen=True)
class GrowOptions:
    """How many partitions, the name of the new generation, and since when what was logged goes over (None: all)."""

    partitions: int
    into: str | None = None
    since: datetime | None = None


async def grow(settings: Settings, data: DataDir, console: Console, options: GrowOptions) -> bool:
    """Move to more partitions; False if it was stopped before that. Raises DeployError where it cannot."""
    run = Rebuilding(settings, data, console)
    with ExitStack() as held:
        return await run.until_stopped(_grow(run, options, held))


async def _grow(run: Rebuilding, options: GrowOptions, held: ExitStack) -> None:
    known = await run.bring_up(held)
    live = known.generations[run.settings.generation]
    if live.partitions == options.partitions and live.copied_from is not None:
        run.say(
            f"Generation {live.name} has {live.partitions} partitions: copying what came into the old raw topic since"
        )
        copy = _copy(run, live, live.copied_from)
        await _until_quiet(run, copy, asyncio.create_task(copy.run(await _begins(run, live, live.copied_from))))
        return
    if options.partitions <= live.partitions:
        raise TopicError(
            f"generation {live.name} has {live.partitions} partitions: a topic only grows, and fewer workers may"
            " share what there is"
        )
    made = await _prepare(run, known, live, options)
    await topics.stamp(run.kafka, Namespace(made.name, made.raw), by_producer=True)
    copy = _copy(run, made, live.raw)
    copying = asyncio.create_task(copy.run(await _begins(run, made, live.raw)))
    try:
        await _unless_failed(copying, _caught_up(run, copy))
        await _unless_failed(copying, run.build(made))
        # From here on the broker says log times again: the pointer moves producers to this topic.
        await topics.stamp(run.kafka, Namespace(made.name, made.raw), by_producer=False)
        await run.switch(live.name, made.name)
        await _until_quiet(run, copy, copying)
    finally:
        copying.cancel()
        await asyncio.gather(copying, return_exceptions=True)


async def _prepare(
    run: Rebuilding, known: topics.Registry, live: topics.Generation, options: GrowOptions
) -> topics.Generation:
    """The generation to fill: the one of an earlier call that did not come to its end, else a new one."""
    for one in known.generations.values():
        if one.building and one.copied_from == live.raw and options.into in {None, one.name}:
            if (one.partitions, one.since) != (options.partitions, options.since):
                raise TopicError(
                    f"generation {one.name} is being filled with {one.partitions} partitions: finish it by the same "
                    f"command, or `marsad topics drop {one.name}`"
                )
            run.say(f"Going on with generation {one.name}")
            return one
    name = options.into or next_name(live.name, known.generations)
    if name in known.generations:
        raise TopicError(f"generation {name} exists: choose another name")
    # Refuses what no longer reaches back; the copy has offsets of its own.
    span(await raw_partitions(run.kafka_readback(live), options.since, None), options.since, None)
    namespace = Namespace(name, name)
    made = await topics.ensure(
        run.kafka,
        namespace,
        options.partitions,
        now=datetime.now(UTC),
        replication=run.settings.kafka_replication,
        rebuild=topics.Rebuild(since=options.since, archive=live.of_an_archive, copied_from=live.raw),
    )
    return made.generations[name]


def _copy(run: Rebuilding, made: topics.Generation, raw: str) -> RawCopy:
    return RawCopy(run.kafka, Namespace(made.name, raw), Namespace(made.name, made.raw), made.partitions)


async def _begins(run: Rebuilding, made: topics.Generation, raw: str) -> dict[TopicPartition, int]:
    """First offset to copy of each partition of the old raw topics: postings from `since` on, the others whole."""
    old = topics.Generation(made.name, raw, made.partitions, made.created)
    async with run.kafka_readback(old) as readback:
        begins: dict[TopicPartition, int] = {}
        for name in TOPICS:
            partitions = await readback.partitions(name)
            bounds = await readback.bounds(partitions)
            begins |= {tp: first for tp, (first, _) in bounds.items()}
            if made.since is not None and name == "postings-raw":
                begins |= await readback.offsets_at(partitions, made.since)
    return begins


async def _caught_up(run: Rebuilding, copy: RawCopy) -> None:
    while not copy.caught_up.is_set():
        run.say(f"  {copy.copied:,} raw records copied")
        try:
            async with asyncio.timeout(2.0):
                await copy.caught_up.wait()
        except TimeoutError:
            continue


async def _until_quiet(run: Rebuilding, copy: RawCopy, copying: asyncio.Task[None]) -> None:
    """Copy what producers still wrote into the old topic, until nobody has for a while."""
    began = time.monotonic()
    while time.monotonic() - max(copy.moved, began) < QUIET_SECONDS:
        if copying.done():
            copying.result()
        await asyncio.sleep(0.5)
    run.say(f"{copy.copied:,} raw records copied; nobody writes into the old raw topic any more")


async def _unless_failed(copying: asyncio.Task[None], work: Coroutine[object, object, None]) -> None:
    """Do `work`; raises what ends the copy before."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.wait([copying, doing], return_when=asyncio.FIRST_COMPLETED)
        if copying.done():
            copying.result()
            raise DeployError("the copy of the raw topic ended")
        doing.result()
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
