"""The sink: its own consumer group, which writes what the stages publish into the store and commits only then.

Records are absolute and versioned, so writing one twice changes nothing; a store that is down holds up this group
alone.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from streams.engine.errors import InputLost, Unreadable
from streams.engine.host import Host
from streams.engine.shard import Bounds
from streams.engine.stage import Record, StageOptions

TOPICS = ("postings-enriched", "vacancies", "market-counts", "market-alerts", "source-status", "postings-rejected")
"""What the store keeps, by contract name."""

SINK_OPTIONS = StageOptions(min_run=50_000, max_run=50_000, max_buffered_runs=2, fetch_wait_ms=100)


class Writer(Protocol):
    """Puts messages into the store."""

    async def write(self, topic: str, values: Sequence[bytes]) -> None:
        """Store the messages of a contract topic; returns only when the store has them, however long it is away."""
        ...


class Pace:
    """Lets each topic's writes begin at most once in `interval` seconds, so that the store gets few large inserts."""

    def __init__(self, interval: float) -> None:
        self._interval = interval

    async def wait(self) -> None:
        """Sleep until the next whole interval of the loop's clock: all partitions write in step."""
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self._interval - now % self._interval)


class SinkShard:
    """One partition of one topic on its way into the store; keeps no state but the group's offset."""

    def __init__(self, writer: Writer, contract: str, topic: str, pace: Pace) -> None:
        self._writer = writer
        self._contract = contract
        self._topic = topic
        self._pace = pace
        self._next: int | None = None

    async def open(self, bounds: Mapping[str, Bounds]) -> dict[str, int]:
        """Go on where the group committed, else from the first record."""
        found = bounds[self._topic]
        if found.committed is not None and found.committed > found.end:
            raise InputLost(
                f"sink: {self._topic} ends at {found.end}, before the {found.committed} that is in the store: the topic"
                " was recreated or cut off. Start a new generation: `marsad replay`"
            )
        self._next = found.first if found.committed is None else max(found.committed, found.first)
        return {self._topic: self._next}

    async def process(self, run: Sequence[Record]) -> None:
        """Write a run."""
        values = [record.value for record in run if record.value is not None]
        await self._pace.wait()
        try:
            await self._writer.write(self._contract, values)
        except msgspec.MsgspecError as error:
            raise Unreadable(
                f"sink: a record of {self._topic} between offsets {run[0].offset} and {run[-1].offset} cannot be read"
                f" ({error}): run the version that wrote it, or a later one"
            ) from error
        self._next = run[-1].offset + 1

    def position(self, topic: str) -> int | None:
        """First offset that is not in the store."""
        return self._next if topic == self._topic else None

    async def close(self) -> None:
        """Nothing to release."""


def build_sink(
    connection: KafkaConnection,
    namespace: Namespace,
    writer: Writer,
    on_fatal: Callable[[BaseException], None],
    interval: float = 0.5,
) -> Host:
    """The sink, ready to start beside whatever else the process does."""
    pace = Pace(interval)

    def plan_of(contract: str) -> tuple[tuple[str, ...], Callable[[int], SinkShard]]:
        topic = namespace.topic(contract)
        return (topic,), lambda _partition: SinkShard(writer, contract, topic, pace)

    return Host(
        group=namespace.group("sink"),
        connection=connection,
        plan=dict(plan_of(contract) for contract in TOPICS),
        options=SINK_OPTIONS,
        on_fatal=on_fatal,
    )
