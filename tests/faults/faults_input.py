"""Faults of the input: what no producer of ours would send, and what only the calendar makes odd."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiokafka.partitioner import DefaultPartitioner

from deploy.markers import Readback
from producers.publish import key_of
from schemas.messages import Posting, Rejected
from tests.faults.postings import utc_now
from tests.faults.stack import LIVE, Stack, until

_partition = DefaultPartitioner()

POISON = (
    (b"malformed_json", b'{"source": "a", '),
    (b"wrong_type", b'{"source":"bad","id":7,"side":"offer","observed_at":"2026-05-01T00:00:00Z","title":"T"}'),
    (b"unknown_side", b'{"source":"bad","id":"7","side":"patron","observed_at":"2026-05-01T00:00:00Z","title":"T"}'),
    (b"missing_title", b'{"source":"bad","id":"8","side":"offer","observed_at":"2026-05-01T00:00:00Z","title":" "}'),
    (b"invalid_utf8", b'{"source":"bad","id":"9","side":"offer","observed_at":"2026-05-01T00:00:00Z","title":"\xff"}'),
    (b"null_byte", b'{"source":"bad","id":"6","side":"offer","observed_at":"2026-05-01T00:00:00Z","title":"a\x00b"}'),
    (b"implausible_date", b'{"source":"bad","id":"5","side":"offer","observed_at":"1926-05-01T00:00:00Z","title":"T"}'),
)


async def poison(stack: Stack, draw: random.Random) -> bool:
    """A few of each kind of unusable record."""
    before = await _rejected(stack)
    records = [(b"bad\t%d" % draw.randrange(100), value) for _, value in POISON for _ in range(draw.randint(1, 3))]
    draw.shuffle(records)
    await stack.append(records)
    wanted = {reason.decode() for reason, _ in POISON}
    return bool(await until(lambda: _grown(stack, before, wanted), 30))


async def tombstones(stack: Stack, draw: random.Random) -> bool:
    """Records without a value, under the keys of ads that exist: they withdraw nothing."""
    before = await _rejected(stack)
    keys = [key for key, value in draw.sample(stack.sent, 8) if value is not None]
    await stack.append([(key, None) for key in keys])
    return bool(await until(lambda: _grown(stack, before, {"malformed_json"}), 30))


async def oversize(stack: Stack, draw: random.Random) -> bool:
    """Records above what a posting may be, below what the broker takes."""
    before = await _rejected(stack)
    posting = next(stack.market.fresh(1, utc_now(), source="large"))
    large = msgspec.structs.replace(posting, description="x" * (1 << 20) * draw.randint(1, 5))
    await stack.append([(key_of(large), msgspec.json.encode(large))])
    return bool(await until(lambda: _grown(stack, before, {"too_large"}), 30))


async def from_the_future(stack: Stack, draw: random.Random) -> bool:
    """Observations that a clock days ahead made."""
    before = await _rejected(stack)
    ahead = utc_now() + timedelta(days=draw.randint(2, 4000))
    await stack.publish(list(stack.market.fresh(10, ahead, source="ahead")))
    return bool(await until(lambda: _grown(stack, before, {"future_date"}), 30))


async def skewed(stack: Stack, _draw: random.Random) -> bool:
    """Sources whose clocks run half an hour ahead are believed."""
    postings = list(stack.market.fresh(10, utc_now() + timedelta(minutes=45), source="skewed"))
    return await _counted(stack, [one for one in postings if one.observed_at > datetime.now(UTC)])


async def null_keys(stack: Stack, draw: random.Random) -> bool:
    """Good postings of ads that exist, without a key: wherever they land they must not become second ads."""
    before = await _rejected(stack)
    values = [value for key, value in draw.sample(stack.sent, 12) if value is not None and key is not None]
    await stack.append([(None, value) for value in values])
    return bool(await until(lambda: _grown(stack, before, {"wrong_key"}), 30))


async def idle_partition(stack: Stack, draw: random.Random) -> bool:
    """One raw partition gets nothing but heartbeats while the others are fed."""
    idle = draw.randrange(4)
    async with stack.quiet():
        await stack.caught_up()
        before = await _notes(stack, idle)
        for _ in range(5):
            fresh = stack.market.fresh(12, utc_now(), source="busy")
            await stack.publish([one for one in fresh if _partition(key_of(one), range(4), range(4)) != idle])
            await stack.heartbeat()
            await asyncio.sleep(1)
        await stack.caught_up()
        after = await _notes(stack, idle)
    return after["clock"] > before["clock"] and after["judged"] == before["judged"]


async def _notes(stack: Stack, partition: int) -> dict[str, Any]:
    async with Readback(stack.kafka, LIVE) as readback:
        return (await readback.markers("ads"))[partition].notes


async def late(stack: Stack, draw: random.Random) -> bool:
    """Postings that come weeks after they were seen."""
    seen = utc_now() - timedelta(days=draw.randint(25, 50))
    return await _counted(stack, list(stack.market.fresh(20, seen, source="late")))


async def backfill(stack: Stack, draw: random.Random) -> bool:
    """Postings of years ago among the live ones."""
    seen = datetime(draw.randint(2016, 2023), draw.randint(1, 12), 10, tzinfo=UTC)
    return await _counted(stack, list(stack.market.fresh(40, seen, source="archive")))


async def _counted(stack: Stack, postings: list[Posting]) -> bool:
    """Publish ads, and wait until the store has each with its first sighting."""
    await stack.publish(postings)
    source = postings[0].source
    wanted = {(one.id, one.observed_at) for one in postings}

    async def stored() -> bool:
        found = await stack.query(f"SELECT id, first_seen FROM ads FINAL WHERE source = '{source}' AND live = 1")
        return wanted <= set(found)

    return bool(await until(stored, 40))


async def _rejected(stack: Stack) -> Counter[str]:
    decoder = msgspec.json.Decoder(Rejected)
    async with Readback(stack.kafka, LIVE) as readback:
        return Counter([decoder.decode(record.value).reason async for record in readback.records("postings-rejected")])


async def _grown(stack: Stack, before: Counter[str], reasons: set[str]) -> bool:
    now = await _rejected(stack)
    return all(now[reason] > before[reason] for reason in reasons)
