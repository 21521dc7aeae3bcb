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


class Together:
    """A topic's writes: what its partitions bring within an interval of `seconds` is one insert.

    An insert costs the store tens of milliseconds of a core whatever is in it, and each leaves a part to be merged.
    """

    def __init__(self, writer: Writer, contract: str, seconds: float) -> None:
        self._writer = writer
        self._contract = contract
        self._seconds = seconds
        self._waiting: list[tuple[Sequence[bytes], asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, values: Sequence[bytes]) -> None:
        """Store `values`; returns once the store has them. Raises what the writer raises for these values."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((values, done))
        if self._task is None:
            self._task = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        """Wait for the next whole interval of the loop's clock, and write until nothing waits."""
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self._seconds - now % self._seconds)
        waiting, self._waiting, self._task = self._waiting, [], None
        try:
            await self._writer.write(self._contract, [value for values, _ in waiting for value in values])
        except Exception as error:  # noqa: BLE001 - those who wait raise it
            if len(waiting) == 1 or not isinstance(error, msgspec.MsgspecError):
                _settle(waiting, error)
                return
            for one in waiting:  # one of them holds what cannot be read: it alone may say so
                try:
                    await self._writer.write(self._contract, one[0])
                except Exception as own:  # noqa: BLE001
                    _settle([one], own)
                else:
                    _settle([one], None)
        else:
            _settle(waiting, None)


def _settle(waiting: Sequence[tuple[Sequence[bytes], "asyncio.Future[None]"]], error: Exception | None) -> None:
    for _, done in waiting:
        if done.done():  # whoever waited was cancelled
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)


class SinkShard:
    """One partition of one topic on its way into the store; keeps no state but the group's offset."""

    def __init__(self, together: Together, topic: str) -> None:
        self._together = together
        self._topic = topic
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
        try:
            await self._together.write(values)
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
    interval: float = 1.0,
) -> Host:
    """The sink, ready to start beside whatever else the process does; a topic is written once in `interval` seconds."""

    def plan_of(contract: str) -> tuple[tuple[str, ...], Callable[[int], SinkShard]]:
        topic, together = namespace.topic(contract), Together(writer, contract, interval)
        return (topic,), lambda _partition: SinkShard(together, topic)

    return Host(
        group=namespace.group("sink"),
        connection=connection,
        plan=dict(plan_of(contract) for contract in TOPICS),
        options=SINK_OPTIONS,
        on_fatal=on_fatal,
    )
