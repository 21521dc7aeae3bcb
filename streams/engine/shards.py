"""The shards of a worker: opened and closed as Kafka assigns partitions, each fed by a queue, watched for stalls."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from faust.types import TP

from streams.engine.errors import InputLost, Stalled
from streams.engine.shard import Bounds, Shard
from streams.engine.stage import Record, StageOptions

ShardFactory = Callable[[int], Shard]

CRUMBS = 500
"""Records that a partition may hold in however many fetches.

A quiet flow comes in fetches of a few records. One that is left in aiokafka's buffer holds up the fetches of every
other partition for 0.1 s, and is a flush of its own when it comes at last.
"""


SWITCH_QUIET, SWITCH_BUSY = 0.0005, 0.005
"""How long a fold may keep the interpreter from the event loops, which take it ten times a transaction, in seconds.

While a quarter of the longest run waits, handing over costs an eighth of the rate and nobody waits for an answer.
"""


class Reader(Protocol):
    """What the shards ask of the consumer that feeds them."""

    async def bounds(self, tps: Iterable[TP]) -> Mapping[TP, Bounds]:
        """Where partitions stand."""
        ...

    async def seek_in_thread(self, tp: TP, offset: int) -> None:
        """Go on at `offset`."""
        ...

    async def fetch_position(self, tp: TP) -> tuple[int | None, int | None]:
        """Next offset to fetch, and the end."""
        ...


class _Held:
    """One shard while it is ours: its task, its queue, and what is buffered."""

    def __init__(self, shard: Shard, tps: frozenset[TP]) -> None:
        self.shard = shard
        self.tps = tps
        self.queue: asyncio.Queue[Sequence[Record]] = asyncio.Queue()
        self.open = False
        self.buffered = self.records = 0
        self.busy = asyncio.Lock()
        self.task: asyncio.Task[None] | None = None
        self.progress: tuple[tuple[int | None, ...], float] = ((), 0.0)
        self.limit = 0


class Shards:
    """`plan` maps a tuple of co-partitioned input topics to the factory of its shards.

    `on_fatal` is told of any failure of a shard; it must end the process, and the next start is exact.
    """

    def __init__(
        self,
        plan: Mapping[tuple[str, ...], ShardFactory],
        options: StageOptions,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self._plan = plan
        self._options = options
        self._on_fatal = on_fatal
        self._held: dict[tuple[tuple[str, ...], int], _Held] = {}
        self._by_tp: dict[TP, _Held] = {}
        self._wanting = asyncio.Event()
        self._draining = False

    # -- asked by the consumer -------------------------------------------------------------------------------------

    def wanting(self) -> set[TP]:
        """Partitions that can take another run: few wait, or few records do."""
        if self._draining:
            return set()
        limit = self._options.max_buffered_runs
        return {
            tp
            for tp, held in self._by_tp.items()
            if held.open and (held.buffered < limit * len(held.tps) or held.records < CRUMBS)
        }

    async def wait_until_wanting(self, timeout: float) -> None:  # noqa: ASYNC109 - a bounded nap, not a deadline
        """Return when some partition wants a run, or after `timeout` seconds."""
        self._wanting.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._wanting.wait()
        except TimeoutError:
            return

    def delivered(self, tp: TP, records: int) -> None:
        """A run of `tp` is on its way to `offer`."""
        held = self._by_tp[tp]
        held.buffered += 1
        held.records += records

    def held(self) -> list[TP]:
        """Partitions whose shard is open."""
        return [tp for tp, held in self._by_tp.items() if held.open]

    def position(self, tp: TP) -> int | None:
        """First offset that is not durable: what the group may commit."""
        held = self._by_tp.get(tp)
        return held.shard.position(tp.topic) if held is not None and held.open else None

    def lost(self, tp: TP) -> None:
        """The broker no longer has the offset that `tp` goes on with."""
        if tp in self._by_tp:
            self._on_fatal(
                InputLost(
                    f"{tp.topic} partition {tp.partition}: the offset to go on with is out of range: records that were"
                    " not read yet were deleted, or the topic was cut off. Start a new generation: `marsad replay`"
                )
            )

    # -- asked by the agents ---------------------------------------------------------------------------------------

    def offer(self, run: Sequence[Record]) -> None:
        """Queue a run for its shard; that of a partition given back is dropped, the successor reads it again."""
        held = self._by_tp.get(TP(run[0].topic, run[0].partition))
        if held is not None:
            held.queue.put_nowait(run)

    # -- assignment ------------------------------------------------------------------------------------------------

    def assign(self, assigned: Iterable[TP], reader: Reader) -> None:
        """Open a shard for each partition number of the plan's inputs that is newly ours."""
        self._draining = False
        assigned = set(assigned)
        for topics, factory in self._plan.items():
            for partition in sorted({tp.partition for tp in assigned if tp.topic in topics}):
                key = (topics, partition)
                if key not in self._held:
                    tps = frozenset(TP(topic, partition) for topic in topics) & assigned
                    held = _Held(factory(partition), tps)
                    self._held[key] = held
                    self._by_tp.update(dict.fromkeys(tps, held))
                    held.task = asyncio.create_task(self._run(held, reader), name=f"shard-{topics[0]}-{partition}")

    async def drain(self) -> None:
        """Take no further run, and wait for the flushes in flight."""
        self._draining = True
        for held in list(self._held.values()):
            async with held.busy:
                pass

    async def release(self, revoked: Iterable[TP]) -> None:
        """Close the shards of `revoked`; what was queued is dropped."""
        revoked = set(revoked)
        for key, held in list(self._held.items()):
            if held.tps & revoked:
                await self._close(key, held)

    async def close(self) -> None:
        """Close every shard, after the flushes in flight."""
        await self.drain()
        for key, held in list(self._held.items()):
            await self._close(key, held)

    async def _close(self, key: tuple[tuple[str, ...], int], held: _Held) -> None:
        del self._held[key]
        for tp in held.tps:
            self._by_tp.pop(tp, None)
        if held.task is not None:
            held.task.cancel()
            await asyncio.gather(held.task, return_exceptions=True)
        await held.shard.close()

    # -- a shard's life --------------------------------------------------------------------------------------------

    async def _run(self, held: _Held, reader: Reader) -> None:
        try:
            await self._open(held, reader)
            held.limit = min(self._options.min_run, self._options.max_run)
            run: list[Record] = []
            taken = 0
            while True:
                # What the last cut left begins the next run: a short run of its own would be a transaction of its own.
                while not run or (len(run) < held.limit and not held.queue.empty()):
                    run += await held.queue.get()
                    taken += 1
                cut, run = run[: held.limit], run[held.limit :]
                if not await self._process(held, cut):
                    return
                held.records -= len(cut)
                if len(run) < held.limit:
                    held.buffered, taken = held.buffered - taken, 0
                    self._wanting.set()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, the process must end: its next start is exact
            self._on_fatal(error)

    async def _process(self, held: _Held, run: Sequence[Record]) -> bool:
        """Flush a run, and cut the next one by the time that this one took.

        False if it was dropped since the shard is being given back: nothing after it may be folded either.
        """
        options = self._options
        async with held.busy:
            if self._draining:
                return False
            waiting = sum(one.records for one in self._held.values())
            sys.setswitchinterval(SWITCH_BUSY if waiting > options.max_run // 4 else SWITCH_QUIET)
            began = time.monotonic()
            await held.shard.process(run)
        pace = len(run) / max(time.monotonic() - began, 1e-3)
        wanted = min(int(pace * options.flush_seconds), 2 * held.limit)
        held.limit = min(max(wanted, options.min_run), options.max_run)
        return True

    async def _open(self, held: _Held, reader: Reader) -> None:
        async with held.busy:
            bounds = await reader.bounds(held.tps)
            go_on = await held.shard.open({tp.topic: bounds[tp] for tp in held.tps})
            for tp in held.tps:
                await reader.seek_in_thread(tp, go_on[tp.topic])
        held.open = True
        self._wanting.set()

    # -- the watchdog ----------------------------------------------------------------------------------------------

    async def watch(self, reader: Reader, every: float = 5.0) -> None:
        """End the worker when a partition has input and its position has not moved for `stall_after` seconds."""
        while True:
            await asyncio.sleep(every)
            for held in list(self._held.values()):
                if not held.open or self._draining:
                    continue
                try:
                    reads = [await reader.fetch_position(tp) for tp in sorted(held.tps)]
                except Exception:  # noqa: BLE001, S112 - the broker is away: an outage is no stall
                    continue
                waiting = held.buffered > 0 or any(
                    position is not None and end is not None and position < end for position, end in reads
                )
                state = tuple(held.shard.position(tp.topic) for tp in sorted(held.tps))
                state += tuple(position for position, _ in reads)
                now = time.monotonic()
                if not waiting or state != held.progress[0]:
                    held.progress = (state, now)
                elif now - held.progress[1] > self._options.stall_after:
                    self._on_fatal(
                        Stalled(f"{sorted(held.tps)}: input and no progress for {self._options.stall_after} s")
                    )
