import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from faust.types import TP

from streams.engine.errors import Stalled
from streams.engine.shard import Bounds
from streams.engine.shards import Shards
from streams.engine.stage import Record, StageOptions

INPUT = TP("input", 0)


@dataclass
class FakeRecord:
    """A record of the input."""

    offset: int
    topic: str = "input"
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None


class FakeReader:
    """A consumer whose partition ends at `end`."""

    end = 10

    async def bounds(self, tps: Iterable[TP]) -> Mapping[TP, Bounds]:
        return {tp: Bounds(0, self.end, None) for tp in tps}

    async def seek_in_thread(self, tp: TP, offset: int) -> None:
        self.sought = (tp, offset)

    async def fetch_position(self, _tp: TP) -> tuple[int | None, int | None]:
        return self.end, self.end


@dataclass
class FakeShard:
    """A shard that takes runs unless it hangs or fails."""

    hangs: bool = False
    fails: BaseException | None = None
    folded: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    closed: bool = False

    async def open(self, _bounds: Mapping[str, Bounds]) -> dict[str, int]:
        return {"input": 3}

    async def process(self, run: Sequence[Record]) -> None:
        if self.fails:
            raise self.fails
        await asyncio.sleep(3600 if self.hangs else 0)
        self.folded.extend(record.offset for record in run)
        self.runs.append(len(run))

    def position(self, _topic: str) -> int | None:
        return self.folded[-1] + 1 if self.folded else 3

    async def close(self) -> None:
        self.closed = True


async def _shards(shard: FakeShard, fatal: list[BaseException], **options: float) -> tuple[Shards, FakeReader]:
    reader = FakeReader()
    shards = Shards({("input",): lambda _: shard}, StageOptions(**options), fatal.append)  # type: ignore[arg-type]
    shards.assign([INPUT], reader)
    while not shards.held():
        await asyncio.sleep(0)
    return shards, reader


def _deliver(shards: Shards, *offsets: int) -> None:
    shards.delivered(INPUT, len(offsets))
    shards.offer([FakeRecord(offset) for offset in offsets])


async def test_a_shard_is_sought_to_its_own_position_before_it_wants_a_run() -> None:
    """The input goes on where the shard says, and only an open shard takes runs."""
    shards, reader = await _shards(FakeShard(), [])
    assert reader.sought == (INPUT, 3)
    assert shards.wanting() == {INPUT}


async def test_a_shard_with_full_buffers_wants_nothing() -> None:
    """Back pressure: no run is fetched beyond `max_buffered_runs` that wait."""
    shards, _ = await _shards(FakeShard(hangs=True), [], max_buffered_runs=2)
    _deliver(shards, *range(3, 603))
    assert shards.wanting() == {INPUT}
    _deliver(shards, *range(603, 1203))
    assert shards.wanting() == set()


async def test_a_fetch_of_many_runs_fills_the_buffers_until_its_last_run() -> None:
    """What a dear fold cuts into many runs stays counted, or more would be fetched at each of them."""
    shard = FakeShard()
    shards, _ = await _shards(shard, [], min_run=500, max_run=500, max_buffered_runs=1)
    _deliver(shards, *range(3, 2003))
    wanting: dict[int, bool] = {}
    while sum(shard.runs) < 2000:
        wanting[sum(shard.runs)] = bool(shards.wanting())
        await asyncio.sleep(0)
    assert wanting == dict.fromkeys((0, 500, 1000, 1500), False)
    await asyncio.sleep(0.01)
    assert shards.wanting() == {INPUT}


async def test_what_comes_in_crumbs_while_a_run_is_flushed_is_the_next_run() -> None:
    """Fetches of a few records do not fill the buffers, and all that wait are one flush."""
    shard = FakeShard()
    shards, _ = await _shards(shard, [], max_buffered_runs=2)
    for offset in range(3, 103):
        assert shards.wanting() == {INPUT}
        _deliver(shards, offset)
    await asyncio.sleep(0.01)
    assert shard.runs == [100]


async def test_runs_grow_while_their_flushes_are_quick_and_not_beyond_the_longest() -> None:
    """A run is cut at `min_run` at first, then at twice the last limit, at most at `max_run`; none is lost or moved."""
    shard = FakeShard()
    shards, _ = await _shards(shard, [], min_run=2, max_run=5)
    _deliver(shards, *range(3, 20))
    await asyncio.sleep(0.01)
    assert shard.runs == [2, 4, 5, 5, 1]
    assert shard.folded == list(range(3, 20))


async def test_what_a_run_leaves_of_a_fetch_begins_the_next_run() -> None:
    """No flush is spent on the rest of a fetch while further ones wait."""
    shard = FakeShard()
    shards, _ = await _shards(shard, [], min_run=5, max_run=5)
    for begin in range(3, 24, 7):
        _deliver(shards, *range(begin, begin + 7))
    await asyncio.sleep(0.01)
    assert shard.runs == [5, 5, 5, 5, 1]
    assert shard.folded == list(range(3, 24))


async def test_runs_stay_short_while_their_flushes_take_longer_than_they_may() -> None:
    """What `flush_seconds` cannot flush is not put into one run."""
    shard = FakeShard()
    shards, _ = await _shards(shard, [], min_run=2, max_run=5, flush_seconds=0)
    _deliver(shards, *range(3, 10))
    await asyncio.sleep(0.01)
    assert shard.runs == [2, 2, 2, 1]


async def test_a_run_cut_short_by_a_revocation_is_not_gone_on_with() -> None:
    """Once a piece of a run was dropped, the pieces after it are not folded, or the marker would pass over it."""
    shard = FakeShard()
    shards, reader = await _shards(shard, [], min_run=2, max_run=2)
    await shards.drain()
    _deliver(shards, 3, 4, 5, 6)
    await asyncio.sleep(0.01)
    shards.assign([INPUT], reader)
    await asyncio.sleep(0.01)
    assert shard.folded == []


async def test_a_failing_flush_is_fatal() -> None:
    """Any exception of a flush ends the worker: what is unfinished is the next start's."""
    fatal: list[BaseException] = []
    shards, _ = await _shards(FakeShard(fails=OSError("broken")), fatal)
    _deliver(shards, 3)
    await asyncio.sleep(0.01)
    assert [str(error) for error in fatal] == ["broken"]


async def test_a_stall_is_fatal_and_an_idle_partition_is_none() -> None:
    """Input without progress ends the worker; no input is no stall."""
    fatal: list[BaseException] = []
    idle, reader = await _shards(FakeShard(), fatal, stall_after=0.05)
    watch = asyncio.create_task(idle.watch(reader, every=0.02))
    await asyncio.sleep(0.2)
    assert fatal == []
    watch.cancel()
    hanging, reader = await _shards(FakeShard(hangs=True), fatal, stall_after=0.05)
    watch = asyncio.create_task(hanging.watch(reader, every=0.02))
    _deliver(hanging, 3)
    await asyncio.sleep(0.3)
    watch.cancel()
    assert isinstance(fatal[0], Stalled)


async def test_a_revoked_shard_is_drained_then_closed_and_takes_nothing_more() -> None:
    """Giving back waits for the flush in flight; runs that still arrive are dropped."""
    shard = FakeShard()
    shards, _ = await _shards(shard, [])
    _deliver(shards, 3, 4)
    await asyncio.sleep(0)
    await shards.drain()
    await shards.release([INPUT])
    shards.offer([FakeRecord(5)])
    await asyncio.sleep(0)
    assert shard.closed
    assert 5 not in shard.folded
    assert shards.position(INPUT) is None
