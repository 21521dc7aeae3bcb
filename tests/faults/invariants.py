"""What must hold whatever was struck: sampled throughout, and compared with an offline recount at the end."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from deploy.markers import STAGES, Readback
from deploy.reconcile import from_store
from deploy.recount import Cells, Recount, differing, digest, fingerprints, missing, recount
from producers.archive import Sighting
from producers.publish import key_of
from schemas.messages import Ad, Count, Heartbeat, Vacancy
from schemas.topics import Namespace
from store import StoreError
from streams.aggregate import DAY, NOTHING, Amount, Cell
from streams.decode import Reject, decode
from streams.enrich.enricher import Enricher
from tests.faults.report import Check
from tests.faults.stack import LIVE, RAW, Stack

WORKER_MB = 600
"""Most resident memory of a worker or the sink; they take 170–300 MB here."""

PARTS = 90
"""Most active parts of a table and partition: ClickHouse would refuse at 120 (`running.PARTS_LIMIT`)."""

_PARTS = "SELECT max(n) FROM (SELECT count() AS n FROM system.parts WHERE active GROUP BY database, table, partition)"


@dataclass
class Sampler:
    """Looks about once a second at commits and markers: no commit passes its marker, and neither goes back."""

    stack: Stack
    samples: int = 0
    ahead: list[str] = field(default_factory=list)
    backward: list[str] = field(default_factory=list)
    parts: int = 0
    _markers: dict[tuple[str, int], tuple[int, dict[str, int]]] = field(default_factory=dict)
    _committed: dict[TopicPartition, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Sample until cancelled; what is away cannot be sampled."""
        while True:
            with contextlib.suppress(KafkaError, OSError, IndexError, KeyError, TimeoutError):
                async with Readback(self.stack.kafka, LIVE) as readback:
                    while True:
                        async with asyncio.timeout(20):
                            await self._sample(readback)
                        await asyncio.sleep(1.3)
            await asyncio.sleep(0.5)

    async def _sample(self, readback: Readback) -> None:
        # Commits first: markers only grow, so what is read later may only excuse less.
        committed = await readback._admin.list_consumer_group_offsets(LIVE.group("streams"))
        reached: dict[TopicPartition, int] = {}
        for stage in STAGES:
            for partition, marker in (await readback.markers(stage)).items():
                positions = {topic: position.next for topic, position in marker.positions.items()}
                before = self._markers.get((stage, partition))
                if before is not None and (
                    before[0] > marker.sequence or any(positions.get(t, 0) < n for t, n in before[1].items())
                ):
                    self.backward.append(f"marker of {stage} {partition}: {before} then {marker.sequence}, {positions}")
                self._markers[stage, partition] = (marker.sequence, positions)
                reached |= {TopicPartition(topic, partition): n for topic, n in positions.items()}
        for tp, offset in committed.items():
            if offset.offset > reached.get(tp, 0):
                self.ahead.append(f"{tp.topic} {tp.partition}: committed {offset.offset}, marker {reached.get(tp, 0)}")
            if offset.offset < self._committed.get(tp, 0):
                self.backward.append(f"commit of {tp.topic} {tp.partition}: {self._committed[tp]} then {offset.offset}")
            self._committed[tp] = offset.offset
        self.samples += 1
        if not self.stack.flooded:  # a fault makes parts on purpose
            with contextlib.suppress(StoreError):
                self.parts = max(self.parts, int(str((await self.stack.query(_PARTS))[0][0] or 0)))


@dataclass(frozen=True)
class Expected:
    """What the raw records hold, judged one by one: ads by (source, id), rejects by where they stood."""

    records: int
    ads: set[tuple[str, str]]
    rejects: dict[tuple[int, int], str]
    counted: Recount


async def expected(stack: Stack, enricher: Enricher, namespace: Namespace = LIVE) -> Expected:
    """Recount a raw topic offline."""
    async with Readback(stack.kafka, namespace) as readback:
        raw = [record async for record in readback.records(RAW)]
    return await asyncio.to_thread(judged, raw, enricher)


def judged(raw: Iterable[ConsumerRecord], enricher: Enricher) -> Expected:
    """Judge and recount raw records, in the order of each partition."""
    ads: set[tuple[str, str]] = set()
    rejects: dict[tuple[int, int], str] = {}
    good: list[Sighting] = []
    records = 0
    for record in raw:
        posting = decode(record.value, datetime.fromtimestamp(record.timestamp / 1000, UTC))
        if isinstance(posting, Heartbeat):
            continue
        records += 1
        if isinstance(posting, Reject):
            rejects[record.partition, record.offset] = posting.reason
            continue
        name = (posting.source, posting.id)
        if record.key != key_of(posting):
            rejects[record.partition, record.offset] = "wrong_key"
            continue
        if posting.event == "removed" and name not in ads:
            rejects[record.partition, record.offset] = "removal_of_unknown"
            continue
        ads.add(name)
        good.append(Sighting(0, record.key or b"", record.value))
    now = datetime.now(UTC)
    return Expected(records, ads, rejects, recount(good, enricher, now))


def comparable(cells: Cells) -> Cells:
    """Day cells, and the minute cells of the last two months: a live generation freezes older ones."""
    oldest = (datetime.now(UTC) - timedelta(days=60)).timestamp()
    oldest -= oldest % DAY
    return {key: amount for key, amount in cells.items() if key[1].grain == "day" or key[1].start >= oldest}


async def final_checks(stack: Stack, sampler: Sampler, enricher: Enricher) -> list[Check]:
    """Compare store, topics and markers with the recount; the stack must have caught up."""
    wanted = await expected(stack, enricher)
    async with Readback(stack.kafka, LIVE) as readback:
        raw = fingerprints([digest(record.key, record.value) async for record in readback.records(RAW)])
        markers = await readback.markers("ads")
        versions = [found async for found in _backward(readback)]
    sent = fingerprints(digest(key, value) for key, value in stack.sent)
    stored = await asyncio.to_thread(from_store, stack.store, "live")
    ads = Counter(await stack.query("SELECT source, id FROM ads FINAL WHERE generation = 'live' AND live = 1"))
    rejects = Counter(
        await stack.query(
            "SELECT partition, offset, reason FROM rejects FINAL WHERE generation = 'live' AND stage = 'ads'"
        )
    )
    reasons = Counter((partition, offset, reason) for (partition, offset), reason in wanted.rejects.items())
    tallies = sum(
        sum(marker.notes[name] for name in ("new", "updated", "unchanged")) + sum(marker.notes["rejected"].values())
        for marker in markers.values()
    )
    lost, strange = len(wanted.ads - ads.keys()), len(ads.keys() - wanted.ads)
    twice = sum(count > 1 for count in ads.values())
    offline, online = comparable(wanted.counted.cells), comparable(stored.cells)
    sql = comparable(stored.cells_by_sql)
    away = missing(sent, raw)
    peak = max((one.peak_mb for one in (*stack.workers, stack.sink)), default=0)
    return [
        Check("every acknowledged record is in the raw topic", away == 0, f"{len(sent)} acknowledged, {away} missing"),
        Check("tallies = raw records", tallies == wanted.records, f"{tallies} folded, {wanted.records} raw"),
        Check(
            "every ad is in the store exactly once",
            not (lost or strange or twice),
            f"{len(wanted.ads)} ads, {lost} lost, {strange} strange, {twice} twice",
        ),
        Check(
            "every reject is in the store exactly once",
            rejects == reasons,
            f"{len(wanted.rejects)} rejects, {(rejects - reasons).total()} strange, {(reasons - rejects).total()} lost",
        ),
        Check(
            "vacancies = recounted",
            stored.vacancies == wanted.counted.vacancies,
            f"{stored.vacancies} stored, {wanted.counted.vacancies} recounted",
        ),
        Check(
            "aggregates = recounted offline",
            differing(online, offline) == 0,
            f"{len(offline)} cells, {differing(online, offline)} differ{_some(online, offline)}",
        ),
        Check(
            "aggregates = SQL over the stored vacancies",
            differing(online, sql) == 0,
            f"{differing(online, sql)} cells differ{_some(online, sql)}",
        ),
        Check("no commit passed its marker", not sampler.ahead, f"{sampler.samples} samples{_first(sampler.ahead)}"),
        Check("markers and commits never went back", not sampler.backward, _first(sampler.backward)),
        Check("versions and offsets only grew", not versions, _first(versions)),
        Check("no process refused to go on", not stack.broken, ", ".join(stack.broken)),
        Check("memory is bounded", 0 < peak < WORKER_MB, f"{peak} MB at most, limit {WORKER_MB}"),
        Check("parts are bounded", 0 < sampler.parts < PARTS, f"{sampler.parts} at most, limit {PARTS}"),
    ]


def _some(one: Cells, other: Cells) -> str:
    """Two of the cells that differ."""
    found = [key for key in one.keys() | other.keys() if one.get(key, NOTHING) != other.get(key, NOTHING)]
    return "".join(f"; {key}: {one.get(key)} and {other.get(key)}" for key in found[:2])


def _first(found: list[str]) -> str:
    return f"; {len(found)} times, first {found[0]}" if found else ""


async def _backward(readback: Readback):  # noqa: ANN202 - an async generator of words
    """Keys whose version went back, in the order of each topic."""
    kinds = (
        ("postings-enriched", Ad, "raw_offset"),
        ("vacancies", Vacancy, "version"),
        ("market-counts", Count, "version"),
    )
    for topic, kind, name in kinds:
        decoder = msgspec.json.Decoder(kind)
        latest: dict[bytes, int] = {}
        async for record in readback.records(topic):
            if record.key is None or record.value is None:
                continue
            version = getattr(decoder.decode(record.value), name)
            if version < latest.get(record.key, -1):
                yield f"{topic} {record.key!r}: {latest[record.key]} then {version}"
            latest[record.key] = version


async def difference(stack: Stack, namespace: Namespace) -> int:
    """How many cells of another generation's topic differ from the recount of its raw topic."""
    wanted = await expected(stack, await asyncio.to_thread(Enricher.load), namespace)
    return differing(comparable(await _cells_of(stack, namespace)), comparable(wanted.counted.cells))


async def _cells_of(stack: Stack, namespace: Namespace) -> Cells:
    """Non-empty cells of another generation, read from its topic."""
    decoder = msgspec.json.Decoder(Count)
    found: Cells = {}
    async with Readback(stack.kafka, namespace) as readback:
        async for record in readback.records("market-counts"):
            count = decoder.decode(record.value)
            cell = Cell(count.grain, count.isco, count.region, int(count.start.timestamp()))
            found[count.block, cell] = Amount(count.opened, count.closed, count.openings)
    return {key: amount for key, amount in found.items() if amount != Amount()}
