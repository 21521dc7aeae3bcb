"""A shard: one stage's partition, opened, folded run by run in fenced flushes, closed.

Everything it needs is passed in.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from schemas.connections import KafkaConnection
from streams.engine.errors import InputLost, StateAhead, Surge, Unreadable
from streams.engine.facts import FlushReached, FlushStep, RunFlushed, ShardClosed, ShardOpened
from streams.engine.marker import Marker, Position
from streams.engine.restore import restore
from streams.engine.stage import Record, Stage
from streams.engine.state import Local, LocalState, View
from streams.engine.transaction import FencedProducer

Observe = Callable[[object], None]

REBUILD = "`marsad replay` makes a new generation from the raw topic"
"""The way out where state and input do not fit together."""


@dataclass(frozen=True)
class Bounds:
    """Where an input partition stands: its first and end offsets, and what the group has committed."""

    first: int
    end: int
    committed: int | None


class Shard(Protocol):
    """What the host drives: a unit of assignment that takes runs of records and reports how far it has come."""

    async def open(self, bounds: Mapping[str, Bounds]) -> dict[str, int]:
        """Take over, given where each input topic stands; returns the offset at which each goes on."""
        ...

    async def process(self, run: Sequence[Record]) -> None:
        """Make a run durable; returns only then."""
        ...

    def position(self, topic: str) -> int | None:
        """First offset of input `topic` that is not durable; None before anything is known."""
        ...

    async def close(self) -> None:
        """Give back; nothing is in flight."""
        ...


@dataclass(frozen=True)
class Span:
    """The part of an input partition that is to be folded: offsets [begin, end), None on and on."""

    begin: int
    end: int | None = None


@dataclass(frozen=True)
class ShardContext:
    """What all shards of a worker share. `identities` are the topics' identities by Kafka name (registry).

    `spans` says which part of an input partition (topic, number) is folded, where that is not all of it.
    """

    connection: KafkaConnection
    generation: str
    identities: Mapping[str, str]
    state_dir: Path
    executor: Executor
    observe: Observe
    transaction_timeout_ms: int = 10_000
    resume: bool = False
    spans: Mapping[tuple[str, int], Span] = field(default_factory=dict)


class FoldShard:
    """A stage's partition with state: one fenced, transactional flush a run (docs/architecture.md)."""

    def __init__(self, context: ShardContext, stage: Stage, changelog: str, partition: int) -> None:
        self._context = context
        self._stage = stage
        self._changelog = changelog
        self._partition = partition
        self._producer = FencedProducer(
            context.connection,
            f"marsad.{context.generation}.{stage.name}.{partition}",
            context.transaction_timeout_ms,
        )
        self._state: LocalState | None = None
        self._sequence = 0
        self._positions: dict[str, Position] = {}
        self._notes: dict[str, Any] = {}

    async def open(self, bounds: Mapping[str, Bounds]) -> dict[str, int]:
        """Fence predecessors, restore, check the marker against the inputs. Raises InputLost, StateAhead, Surge."""
        started = time.monotonic()
        await self._producer.open()
        path = self._context.state_dir / self._context.generation / self._stage.name / str(self._partition)
        identity = self._context.identities.get(self._changelog, "")
        restored = await restore(self._context.connection, self._changelog, identity, self._partition, path)
        self._state = restored.state
        if restored.marker is not None:
            self._sequence = restored.marker.sequence
            self._positions = dict(restored.marker.positions)
            self._notes = restored.marker.notes
        if self._context.resume:
            self._stage.resume(self._notes)
        self._refuse()
        go_on = {topic: self._go_on(topic, bounds[topic]) for topic in self._stage.inputs}
        self._context.observe(
            ShardOpened(
                self._stage.name,
                self._partition,
                restored.replayed,
                restored.kept,
                time.monotonic() - started,
                restored.reason,
            )
        )
        return go_on

    def _go_on(self, topic: str, bounds: Bounds) -> int:
        position = self._positions.get(topic)
        identity = self._context.identities.get(topic, "")
        where = f"{self._stage.name} partition {self._partition}: {topic}"
        if position is None:
            span = self._context.spans.get((topic, self._partition))
            if span is not None and span.begin < bounds.first:
                raise InputLost(
                    f"{where} begins at {bounds.first}: this generation is to hold the records from {span.begin} on,"
                    " and they were deleted; start one from a later date"
                )
            position = self._positions[topic] = Position(bounds.first if span is None else span.begin, identity)
        if position.identity != identity:
            raise InputLost(f"{where} was recreated since the marker was written: {REBUILD}")
        if position.next > bounds.end:
            raise InputLost(f"{where} ends at {bounds.end}, before the marker's {position.next}: {REBUILD}")
        if position.next < bounds.first:
            lost = bounds.first - position.next
            raise InputLost(
                f"{where} begins at {bounds.first}: {lost} records after the marker were deleted: {REBUILD}"
            )
        if bounds.committed is not None and bounds.committed > position.next:
            raise StateAhead(
                f"{where}: the group committed {bounds.committed}, the marker says {position.next};"
                f" the changelog was truncated or is another's: {REBUILD}"
            )
        return position.next

    async def process(self, run: Sequence[Record]) -> None:
        """Fold and flush a run. Raises Fenced, Surge; after any exception the worker must end."""
        run = self._to_fold(run)
        if not run:
            return
        state = self._opened()
        began = time.monotonic()
        view = View(state, self._notes)
        loop = asyncio.get_running_loop()
        try:
            outputs = await loop.run_in_executor(self._context.executor, lambda: list(self._stage.fold(view, run)))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unreadable(
                f"{self._stage.name} partition {self._partition}: a record of {run[0].topic} between offsets"
                f" {run[0].offset} and {run[-1].offset}, or a row of the state, cannot be read ({error}): run the"
                " version that wrote it or a later one, or rebuild: `marsad replay`"
            ) from error
        # Kept aside until they are durable: the group's commit reads `position` while the transaction is under way, and
        # must never pass the marker.
        positions = dict(self._positions)
        for topic, offset in self._last_offsets(run).items():
            positions[topic] = Position(offset + 1, positions[topic].identity)
        self._sequence += 1
        marker = Marker(
            self._context.generation,
            self._stage.name,
            self._partition,
            self._sequence,
            positions,
            self._notes,
        )
        self._reached("folded")
        folded = time.monotonic()
        await self._producer.begin()
        self._reached("begun")
        sent = await self._producer.send(outputs, self._changelog, self._partition, view.changes, marker.encode())
        self._reached("sent")
        await self._producer.commit()
        self._reached("committed")
        committed = time.monotonic()
        identity = self._context.identities.get(self._changelog, "")
        local = Local(identity, await sent.last_offset(), marker, time.time())
        # Not in the folds' thread, where it would wait for those of every other shard.
        await loop.run_in_executor(None, state.write, view.changes, local)
        self._positions = positions
        self._reached("stored")
        stored = time.monotonic()
        self._context.observe(
            RunFlushed(
                self._stage.name,
                self._partition,
                len(run),
                len(outputs),
                folded - began,
                committed - folded,
                stored - committed,
            )
        )
        self._refuse()

    def _last_offsets(self, run: Sequence[Record]) -> dict[str, int]:
        """The last record's offset in each topic of a run; a topic's offsets ascend."""
        if len(self._stage.inputs) == 1:
            return {run[-1].topic: run[-1].offset}
        return {record.topic: record.offset for record in run}

    def _to_fold(self, run: Sequence[Record]) -> Sequence[Record]:
        """The records that lie after the marker and before the span's end; a topic's offsets ascend."""
        spans = self._context.spans
        if not spans and len(self._stage.inputs) == 1 and run[0].offset >= self._positions[run[0].topic].next:
            return run
        begins = {topic: position.next for topic, position in self._positions.items()}
        fresh = [record for record in run if record.offset >= begins[record.topic]]
        if not spans:
            return fresh
        ends = {topic: span.end for topic in begins if (span := spans.get((topic, self._partition))) is not None}
        return [record for record in fresh if (end := ends.get(record.topic)) is None or record.offset < end]

    def _refuse(self) -> None:
        reason = self._stage.verdict(self._notes)
        if reason:
            raise Surge(f"{self._stage.name} partition {self._partition}: {reason}")

    def position(self, topic: str) -> int | None:
        """First offset of `topic` after the marker."""
        position = self._positions.get(topic)
        return None if position is None else position.next

    async def close(self) -> None:
        """Release the producer and the database."""
        await self._producer.close()
        if self._state is not None:
            self._state.close()
            self._state = None
        self._context.observe(ShardClosed(self._stage.name, self._partition))

    def _opened(self) -> LocalState:
        if self._state is None:
            raise RuntimeError(f"{self._stage.name} partition {self._partition} is not open")
        return self._state

    def _reached(self, step: FlushStep) -> None:
        self._context.observe(FlushReached(self._stage.name, self._partition, step))
