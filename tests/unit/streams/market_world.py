"""A market for the pure folds: postings in any order, any partitioning and any batches, folded to counts.

`World` fixes what a generation fixes; `fold` runs stages `ads` and `market` over postings as Kafka would deliver them,
and draws what Kafka leaves open: how partitions interleave, where runs end, which records come twice.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from itertools import accumulate
from zlib import crc32

import msgspec

from schemas.messages import Count, Enrichment, Posting, Signature, Vacancy
from schemas.topics import Namespace
from streams.ads import AdsOptions, AdsStage, Enrich, Redate
from streams.engine.stage import Output
from streams.engine.state import MemoryState
from streams.enrich.enricher import Enricher
from streams.market import MarketOptions, MarketStage
from streams.match.cluster import KeysOf, SamePair
from streams.match.keys import Keys
from streams.match.keys import keys as real_keys
from streams.match.pairs import same_vacancy

RAW_PARTITIONS = 2
ENRICHED_PARTITIONS = 4
BEGUN = 1_800_000_000_000
"""Log time, in milliseconds, of the first record that says no other."""


@dataclass(frozen=True)
class Raw:
    """A consumed record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class World:
    """How postings are read and paired, and how long the state lives (seconds of log time; None: for ever)."""

    enrich: Enrich
    redate: Redate
    same: SamePair
    keys: KeysOf
    lifetime: int | None = None
    minute_lifetime: int | None = None


def enrich(posting: Posting) -> tuple[Enrichment, Signature]:
    """Code by the title's length, place by the city field, employer q's deadline told as ten days from now."""
    title = posting.title or ""
    code = f"{len(title) % 3 + 1}111"
    until = posting.observed_at + timedelta(days=10, hours=1)  # as a portal's local day says it
    facts = Enrichment(
        isco=code,
        isco_best=code,
        isco_confidence=0.9,
        regions=(posting.city,) if posting.city else (),
        scope="regional" if posting.city else "unknown",
        openings=int(posting.positions) if posting.positions else None,
        deadline_on=until.date().isoformat() if posting.company == "q" else None,
    )
    return facts, Signature(source=posting.source, title=(title,), company=posting.company)


def same(a: Signature, b: Signature) -> str | None:
    """One vacancy: same title, and the same company where both name one; so not every pair of a vacancy is a pair."""
    if a.title != b.title or (a.company and b.company and a.company != b.company):
        return None
    return "same title and company" if a.company and b.company else "same title"


def keys(signature: Signature) -> Keys:
    """Index by title."""
    by_title = (signature.title[0].encode(),)
    return Keys(by_title, by_title)


def redate(posting: Posting, _facts: Enrichment, _signature: Signature) -> tuple[Enrichment, Signature]:
    """Read anew."""
    return enrich(posting)


TOY = World(enrich, redate, same, keys)


@lru_cache(1)
def real_world() -> World:
    """The production enricher, pair test and keys; a text is read once for all of a day's sightings of it."""
    enricher = Enricher.load()

    @lru_cache(4096)
    def read(posting: Posting) -> tuple[Enrichment, Signature]:
        return enricher(posting)

    return World(
        lambda posting: read(msgspec.structs.replace(posting, id="")), enricher.redate, same_vacancy, real_keys
    )


@dataclass
class Market:
    """What the folds made: non-empty cells, all of each live vacancy but its version, outcomes, and the last states."""

    cells: dict[bytes, tuple[int, int, int]] = field(default_factory=dict)
    vacancies: dict[str, dict[str, object]] = field(default_factory=dict)
    events: list[Vacancy] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    outputs: list[Output] = field(default_factory=list)
    counts: list[Output] = field(default_factory=list)
    ads_states: dict[int, MemoryState] = field(default_factory=dict)
    market_states: dict[int, MemoryState] = field(default_factory=dict)


def stages(world: World = TOY) -> tuple[AdsStage, MarketStage]:
    """Both stages of a generation."""
    namespace = Namespace("test")
    market = MarketOptions(namespace, RAW_PARTITIONS, "test", world.lifetime, world.minute_lifetime)
    return (
        AdsStage(AdsOptions(namespace, ENRICHED_PARTITIONS, "test", world.lifetime), world.enrich, world.redate),
        MarketStage(market, world.same, world.keys),
    )


def record_of(posting: Posting | bytes) -> tuple[bytes | None, bytes]:
    """Key and value of a raw record; bytes stand for themselves, without a source."""
    if isinstance(posting, bytes):
        return b"?", posting
    return f"{posting.source}\t{posting.id}".encode(), msgspec.json.encode(posting)


def log_of(postings: Sequence[Posting | bytes], times: Sequence[int] | None = None) -> dict[int, list[Raw]]:
    """The raw topic after `postings` were appended in this order, at log `times` (ms), else a second apart."""
    raw: dict[int, list[Raw]] = {partition: [] for partition in range(RAW_PARTITIONS)}
    for n, posting in enumerate(postings):
        key, value = record_of(posting)
        log = raw[crc32(key or b"") % RAW_PARTITIONS]
        time = BEGUN + n * 1000 if times is None else times[n]
        log.append(Raw("raw", crc32(key or b"") % RAW_PARTITIONS, len(log), time, key, value))
    return raw


def heartbeat(raw: dict[int, list[Raw]], time: int) -> None:
    """Append a heartbeat to each raw partition, at log `time` (ms)."""
    for partition, log in raw.items():
        log.append(Raw("raw", partition, len(log), time, None, b'{"heartbeat":true}'))


def fold(
    postings: Sequence[Posting | bytes] | dict[int, list[Raw]],
    seed: int,
    largest_batch: int,
    world: World = TOY,
    *,
    repeats: bool = False,
    pair: tuple[AdsStage, MarketStage] | None = None,
) -> Market:
    """Fold postings in the given order (or a whole raw topic).

    `seed` draws the interleaving of partitions and the batch boundaries; with `repeats`, every enriched record comes
    twice.
    """
    draw = random.Random(seed)
    ads, market = pair or stages(world)
    raw = postings if isinstance(postings, dict) else log_of(postings)
    enriched: dict[int, list[Raw]] = defaultdict(list)
    result = Market()
    result.ads_states = {partition: MemoryState() for partition in raw}
    position = dict.fromkeys(raw, 0)
    while open_partitions := [p for p in raw if position[p] < len(raw[p])]:
        p = draw.choice(open_partitions)
        run = raw[p][position[p] : position[p] + draw.randint(1, largest_batch)]
        position[p] += len(run)
        for output in ads.fold(result.ads_states[p], run):
            result.outputs.append(output)
            if output.topic.startswith("postings-enriched"):
                to = enriched[output.partition]
                for _ in range(2 if repeats else 1):
                    to.append(Raw("enriched", output.partition, len(to), 0, output.key, output.value))
    for state in result.ads_states.values():
        for name in ("new", "updated", "unchanged"):
            result.outcomes[name] += state.notes.get(name, 0)
        result.outcomes["rejected"] += sum(state.notes.get("rejected", {}).values())
    latest: dict[str, Vacancy] = {}
    for partition, records in sorted(enriched.items()):
        state = result.market_states[partition] = MemoryState()
        at = 0
        while at < len(records):
            run = records[at : at + draw.randint(1, largest_batch)]
            at += len(run)
            for output in market.fold(state, run):
                result.outputs.append(output)
                if output.topic.startswith("market-counts"):
                    result.counts.append(output)
                    count = msgspec.json.decode(output.value or b"", type=Count)
                    assert min(count.opened, count.closed, count.openings) >= 0
                    result.cells[output.key or b""] = (count.opened, count.closed, count.openings)
                else:
                    vacancy = msgspec.json.decode(output.value or b"", type=Vacancy)
                    latest[vacancy.id] = vacancy
                    result.events.append(vacancy)
    result.cells = {key: cell for key, cell in result.cells.items() if cell != (0, 0, 0)}
    result.vacancies = {name: _content(vacancy) for name, vacancy in latest.items() if vacancy.live}
    return result


_OF_THE_MAKING = ("version", "event", "event_time", "ingest_time", "source")
"""What a vacancy's record says of the ad version that made it, not of the vacancy."""


def _content(vacancy: Vacancy) -> dict[str, object]:
    found = {name: value for name, value in msgspec.structs.asdict(vacancy).items() if name not in _OF_THE_MAKING}
    return {**found, "ads": tuple(sorted((ad.source, ad.id, ad.url or "") for ad in vacancy.ads))}


def stocks(cells: dict[bytes, tuple[int, int, int]], grain: str) -> dict[tuple[str, str, str], list[int]]:
    """Opened minus closed up to the end of each window of a grain, by block, occupation and region."""
    flows: dict[tuple[str, str, str], dict[int, int]] = defaultdict(dict)
    for key, (opened, closed, _) in cells.items():
        found, block, isco, region, start = key.decode().split("\t")
        if found == grain:
            flows[block, isco, region][int(start)] = opened - closed
    return {series: list(accumulate(flow[start] for start in sorted(flow))) for series, flow in flows.items()}
