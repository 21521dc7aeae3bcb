"""The sink's shards: what a topic's partitions bring in an interval is one insert, and each answers for its own."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from streams.engine.errors import Unreadable
from streams.engine.records import FetchedRecord
from streams.engine.shard import Bounds
from streams.sink.agent import SinkShard, Together

TOPIC = "market-counts.g"


class KeepingWriter:
    """Keeps what it is given; takes nothing that holds `bad`."""

    def __init__(self) -> None:
        self.written: list[Sequence[bytes]] = []

    async def write(self, topic: str, values: Sequence[bytes]) -> None:
        """Keep or refuse."""
        assert topic == "market-counts"
        await asyncio.sleep(0.01)
        if b"bad" in values:
            raise msgspec.ValidationError("bad")
        self.written.append(values)


def run(partition: int, *values: bytes) -> list[FetchedRecord]:
    """A run of these values, from offset 0 on."""
    return [FetchedRecord(TOPIC, partition, n, 0, b"k", value) for n, value in enumerate(values)]


async def shards(writer: KeepingWriter, number: int, seconds: float = 0.05) -> list[SinkShard]:
    """So many open shards of one topic."""
    together = Together(writer, "market-counts", seconds)
    found = [SinkShard(together, TOPIC) for _ in range(number)]
    for shard in found:
        await shard.open({TOPIC: Bounds(0, 10, None)})
    return found


async def test_partitions_of_a_topic_share_an_insert() -> None:
    """Three partitions' runs are written at once, and each is durable only then."""
    writer = KeepingWriter()
    some = await shards(writer, 3)
    tasks = [asyncio.create_task(shard.process(run(n, b"%d" % n, b"x"))) for n, shard in enumerate(some)]
    await asyncio.sleep(0)
    assert [shard.position(TOPIC) for shard in some] == [0, 0, 0]
    await asyncio.gather(*tasks)
    assert writer.written == [[b"0", b"x", b"1", b"x", b"2", b"x"]]
    assert [shard.position(TOPIC) for shard in some] == [2, 2, 2]
    await some[1].process(run(1, b"later"))
    assert writer.written[1:] == [[b"later"]]


async def test_only_the_partition_of_an_unreadable_record_says_so() -> None:
    """The others' runs are written all the same."""
    writer = KeepingWriter()
    some = await shards(writer, 3)
    runs = [run(0, b"a"), run(1, b"bad"), run(2, b"c")]
    ends = await asyncio.gather(*map(SinkShard.process, some, runs), return_exceptions=True)
    assert [type(end) for end in ends] == [type(None), Unreadable, type(None)]
    assert writer.written == [[b"a"], [b"c"]]
    assert [shard.position(TOPIC) for shard in some] == [1, 0, 1]


async def test_a_shard_that_is_given_back_holds_up_nobody() -> None:
    """One that was cancelled while it waited leaves the others' write whole."""
    writer = KeepingWriter()
    some = await shards(writer, 2)
    first, second = (asyncio.create_task(shard.process(run(n, b"v"))) for n, shard in enumerate(some))
    await asyncio.sleep(0)
    first.cancel()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert [shard.position(TOPIC) for shard in some] == [0, 1]
