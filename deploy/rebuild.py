"""`marsad replay`: history once more, with the code as it is now, in a generation of its own beside the live one.

The new generation shares the raw topic (or has the one that `marsad topics grow` filled). Its stream worker runs here;
its rows are written by the dashboard's process, which sees in the registry that it is being built. When every stage and
the store have come up with the raw topic, one record in the registry moves the pointer, and all readers follow it. A
killed replay is taken up by the same command: what was built stays built.
"""

import asyncio
import re
import time
from collections.abc import Coroutine, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from rich.console import Console

from deploy import topics
from deploy.current import settled
from deploy.datadir import DataDir, exclusive
from deploy.errors import DataDirError, DeployError, TopicError
from deploy.kafka.broker import answers
from deploy.markers import Progress, Readback
from deploy.ports import free_port
from deploy.processes import stop_signal
from deploy.settings import Settings, environment_with
from deploy.span import RawPartition, span
from deploy.status import inputs
from deploy.supervision import Policy, Stop
from deploy.supervisor import Child, ChildHeld, Event, Supervisor, held
from deploy.up import announce, command_of, kafka_up, migrated, step
from deploy.waiting import wait_for
from schemas.topics import Namespace
from schemas.topics import topics as contracts

CAUGHT_UP_SECONDS = 15.0
"""A rebuild has caught up when it goes through all that was logged at one moment within so long of that moment."""

LOOK_SECONDS = 1.0
STAGES = ("ads", "market", "detect", "sink")


@dataclass(frozen=True)
class RebuildOptions:
    """What to rebuild: what was logged from `since` until `until`, into generation `into` (None: a new name)."""

    since: datetime | None = None
    until: datetime | None = None
    into: str | None = None


async def replay(settings: Settings, data: DataDir, console: Console, options: RebuildOptions) -> bool:
    """Rebuild and switch over; False if it was stopped before that. Works beside a `marsad up`, or without one.

    Raises DeployError where it cannot: the raw topic no longer reaches back, a name is taken, a worker refused.
    """
    if options.until is not None and options.into is None:
        raise DeployError("a rebuild that ends at `--to` is never the current generation: name it with `--into`")
    if options.until is not None and options.until > datetime.now(UTC):
        raise DeployError("`--to` lies in the future: leave it out to go on with what is logged")
    run = Rebuilding(settings, data, console)
    with ExitStack() as held:
        return await run.until_stopped(_replay(run, options, held))


async def _replay(run: "Rebuilding", options: RebuildOptions, held: ExitStack) -> None:
    known = await run.bring_up(held)
    live = known.generations[run.settings.generation]
    made = await prepare(run, known, live, options)
    await run.build(made)
    if options.until is not None:
        await topics.finish(run.kafka, made.name, current=False)
        run.say(f"Generation {made.name} is complete; MARSAD_GENERATION={made.name} shows it")
    else:
        await run.switch(live.name, made.name)


async def prepare(
    run: "Rebuilding", known: topics.Registry, live: topics.Generation, options: RebuildOptions
) -> topics.Generation:
    """The generation to build: the one of an earlier call that did not come to its end, else a new one."""
    unfinished = [one for one in known.generations.values() if one.building and one.raw == live.raw]
    if options.into is not None:
        unfinished = [one for one in unfinished if one.name == options.into]
        if not unfinished and options.into in known.generations:
            raise TopicError(f"generation {options.into} exists: choose another name")
    if unfinished:
        found = unfinished[0]
        if (found.since, found.until) != (options.since, options.until):
            raise TopicError(
                f"generation {found.name} is being built from other dates: finish it by the same command, or "
                f"`marsad topics drop {found.name}`"
            )
        run.say(f"Going on with generation {found.name}")
        return found
    name = options.into or next_name(live.name, known.generations)
    namespace = Namespace(name, live.raw)
    partitions = await raw_partitions(run.kafka_readback(live), options.since, options.until)
    made = await topics.ensure(
        run.kafka,
        namespace,
        live.partitions,
        now=datetime.now(UTC),
        replication=run.settings.kafka_replication,
        rebuild=span(partitions, options.since, options.until, archive=live.of_an_archive),
    )
    return made.generations[name]


def next_name(current: str, taken: Iterable[str]) -> str:
    """A name that follows on `current`, and is not taken: `live-2` on `live`, `live-3` on that."""
    found = re.fullmatch(r"(.*?)-(\d+)", current)
    stem, number = (found[1], int(found[2])) if found else (current, 1)
    used = set(taken)
    while f"{stem}-{number + 1}" in used:
        number += 1
    return f"{stem}-{number + 1}"


async def raw_partitions(readback: Readback, since: datetime | None, until: datetime | None) -> list[RawPartition]:
    """How the raw topic of a generation stands."""
    async with readback:
        partitions = await readback.partitions("postings-raw")
        bounds = await readback.bounds(partitions)
        at_since = await readback.offsets_at(partitions, since or datetime.fromtimestamp(0, UTC))
        at_until = await readback.offsets_at(partitions, until or datetime.now(UTC))
        found = []
        for tp in partitions:
            first, end = bounds[tp]
            began = None
            async for record in readback.between(tp, first, min(end, first + 1)):
                began = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            found.append(RawPartition(first, end, began, at_since[tp], at_until[tp]))
        return found


class Rebuilding:
    """What `marsad replay` and `marsad topics grow` share: the processes, the waiting, the switch."""

    def __init__(self, settings: Settings, data: DataDir, console: Console) -> None:
        self.settings = settings
        self.kafka = settings.kafka_connection
        self._data = data
        self._console = console
        self._say = announce(console)
        self._held: str | None = None
        self._stop = stop_signal()
        self.supervisor = Supervisor(data.logs, data.stopped, self._observe, Policy(longest_pause=5.0))

    def say(self, line: str) -> None:
        """Print a line."""
        self._console.print(line, highlight=False, markup=False)

    def kafka_readback(self, generation: topics.Generation) -> Readback:
        """A look at the topics of a generation."""
        return Readback(self.kafka, Namespace(generation.name, generation.raw))

    def _observe(self, event: Event) -> None:
        if isinstance(event, ChildHeld):
            self._held = f"{event.name}: {event.message}"
        self._say(event)

    async def until_stopped(self, work: Coroutine[object, object, None]) -> bool:
        """Do `work` unless SIGTERM or Ctrl-C comes first; then stop what was started. Whether it was done."""
        doing, asked = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([doing, asked], return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                self.say("Stopping; the same command goes on from here")
                return False
            doing.result()
            return True
        finally:
            asked.cancel()
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
            await self.supervisor.stop(Stop())

    async def bring_up(self, held: ExitStack) -> topics.Registry:
        """Have Kafka, and a process that writes the store: those of a running `marsad up`, else our own."""
        try:
            held.enter_context(exclusive(self._data))
            alone = True
        except DataDirError:
            alone = False
        if alone:
            with step(self._console, "Kafka"):
                await kafka_up(self.settings, self._data, self._console, self.supervisor)
        else:
            line = f"Kafka at {self.kafka.bootstrap} does not answer yet: waiting"
            await wait_for(lambda: answers(self.kafka), line, self.say)
        known = await topics.registry(self.kafka)
        named = self.settings.generation
        self.settings = settled(self.settings, known)
        if self.settings.generation not in known.generations:
            raise DeployError("there is no generation yet: `marsad up` makes the first one")
        if named and named != known.current:
            raise DeployError("MARSAD_GENERATION names another generation than the current one: unset it")
        if alone:
            with step(self._console, "Tables"):
                await migrated()
            self.supervisor.start(Child("dashboard", command_of("dashboard")))
        return known

    async def build(self, made: topics.Generation) -> None:
        """Run the stream worker of `made` until it has caught up, or has come to its end; then stop it.

        The worker that goes on with it when the pointer has moved finds its rows in place.
        """
        name = f"streams-of-{made.name}"
        variables = environment_with(
            generation=made.name, raw=made.raw, partitions="", streams_metrics_port=str(free_port())
        )
        supervisor = Supervisor(self._data.logs, self._data.stopped, self._observe, Policy(longest_pause=5.0))
        supervisor.start(Child(name, command_of("streams"), variables))
        try:
            async with self.kafka_readback(made) as readback:
                while True:
                    began = time.monotonic()
                    await self._through(readback, made)
                    if made.ends or time.monotonic() - began < CAUGHT_UP_SECONDS:
                        return
        finally:
            await supervisor.stop(Stop())

    async def _through(self, readback: Readback, made: topics.Generation) -> None:
        """Wait until all that is logged now has come through every stage and into the store."""
        for stage in STAGES:
            goals: dict[TopicPartition, int] | None = None
            while True:
                if self._held:
                    raise DeployError(f"stopped before the end: {self._held}")
                try:
                    progress = await _progress(readback, made, stage)
                except (KafkaError, OSError):
                    await asyncio.sleep(LOOK_SECONDS)
                    continue
                if goals is None:
                    goals = {TopicPartition(one.topic, one.partition): one.end for one in progress}
                lag = sum(max(0, goals[TopicPartition(one.topic, one.partition)] - one.done) for one in progress)
                if not lag:
                    break
                self.say(f"  {stage}: {lag:,} to go")
                await asyncio.sleep(LOOK_SECONDS)

    async def switch(self, before: str, after: str) -> None:
        """Move the pointer, if it still stands where it stood. Raises TopicError if it does not."""
        now = (await topics.registry(self.kafka)).current
        if now != before:
            raise TopicError(f"the pointer moved from {before} to {now} meanwhile: {after} is built, and not shown")
        await topics.finish(self.kafka, after, current=True)
        for name in held(self._data.stopped):
            self.say(f"{name} was stopped before the switch: `marsad resume` starts it on {after}")
        self.say(f"Generation {after} is current; {before} is kept until `marsad topics drop {before}`")


async def _progress(readback: Readback, made: topics.Generation, stage: str) -> list[Progress]:
    """How far a stage, or the sink, of a rebuild is; in the raw topic no further than its span's end."""
    namespace = Namespace(made.name, made.raw)
    names = inputs(stage, contracts())
    if stage == "sink":
        return await readback.group_progress("sink", names)
    if stage == "detect" and made.of_an_archive:
        return []
    progress = await readback.stage_progress(stage, {namespace.topic(name): name for name in names})
    if stage != "ads":
        return progress
    return [
        Progress(
            one.reader,
            one.topic,
            one.partition,
            max(one.done, made.begins[one.partition]) if made.begins else one.done,
            min(one.end, made.ends[one.partition]) if made.ends else one.end,
        )
        for one in progress
    ]
