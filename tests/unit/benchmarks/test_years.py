"""The raw topic of years that a rebuild is measured on."""

from collections import Counter, defaultdict
from itertools import islice

import pytest

from schemas.connections import KafkaConnection
from streams import app
from streams.dedupe import DAY
from streams.engine.records import FetchedRecord
from streams.engine.state import MemoryState
from streams.enrich.enricher import Enricher
from tests.benchmarks import market, years

FLOW = years.Flow(seed=3, a_day=40, partitions=4)
SIGHTINGS = 4_000


@pytest.fixture(scope="module")
def flow() -> list[years.Record]:
    """Some two months."""
    return list(years.records(FLOW, SIGHTINGS))


def test_the_sightings_of_years_come_in_the_order_of_their_time(flow: list[years.Record]) -> None:
    """At the rate that was asked for: an older log time after a newer one would be none that a broker gives."""
    times = [at for _, _, _, at in flow]
    assert times == sorted(times)
    assert (times[-1] - times[0]) / 1000 / DAY == pytest.approx(SIGHTINGS / (1.36 * FLOW.a_day), rel=0.1)


def test_a_tenth_of_the_ads_are_seen_again_a_day_later(flow: list[years.Record]) -> None:
    """In the same partition and otherwise unchanged."""
    seen: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for partition, key, _, at in flow:
        seen[key].append((partition, at))
    again = [places for places in seen.values() if len(places) > 1]
    assert all(places == [(p, at), (p, at + 1000 * DAY)] for places in again for p, at in places[:1])
    assert 0.09 < len(again) / len(seen) < 0.11


def test_processes_make_the_same_years_as_one(flow: list[years.Record]) -> None:
    """The records are a function of the seed alone."""
    assert list(years.records(FLOW, 500, processes=2)) == flow[:500]
    assert list(years.records(FLOW._replace(seed=4), 500)) != flow[:500]


def test_the_state_of_a_rebuild_is_bounded_by_log_time() -> None:
    """Every sighting goes on to `market`, as the bench counts on; rows of ads leave both stages, day cells stay."""
    options = market.Options(0, 0, generation="g", archive=False)
    ads, matching = app.stages(market.settings(options, KafkaConnection("")), Enricher.load())
    states: dict[tuple[str, int], MemoryState] = defaultdict(MemoryState)
    offsets: Counter[tuple[str, int]] = Counter()

    def arrived(topic: str, to: int, at: int, key: bytes | None, value: bytes | None) -> FetchedRecord:
        offsets[topic, to] += 1
        return FetchedRecord(topic, to, offsets[topic, to], at, key, value)

    sightings = years.records(years.Flow(1, 10, 4), SIGHTINGS)
    while batch := list(islice(sightings, 200)):
        raw: dict[int, list[FetchedRecord]] = defaultdict(list)
        enriched: dict[int, list[FetchedRecord]] = defaultdict(list)
        for partition, key, value, at in batch:
            raw[partition].append(arrived(ads.inputs[0], partition, at, key, value))
        for partition, run in raw.items():
            for output in ads.fold(states["ads", partition], run):
                if output.topic == matching.inputs[0]:
                    ad = arrived(output.topic, output.partition, 0, output.key, output.value)
                    enriched[output.partition].append(ad)
        for partition, run in enriched.items():
            matching.fold(states["market", partition], run)
    assert sum(n for (topic, _), n in offsets.items() if topic == matching.inputs[0]) == SIGHTINGS
    kinds = Counter((stage, key[:1]) for (stage, _), state in states.items() for key in state.rows)
    assert sum(n for (stage, _), n in kinds.items() if stage == "ads") < SIGHTINGS / 2
    assert kinds["market", b"a"] < SIGHTINGS / 2
    assert kinds["market", b"m"] < 0.75 * kinds["market", b"d"]  # unswept, there are more of a minute than of a day
