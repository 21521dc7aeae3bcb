from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.indicators import Indicators, tension
from dashboard.live.board import Board
from dashboard.names import read_names
from dashboard.parameters import COUNTS, Query, counts_request
from schemas.topics import Namespace
from store import Store
from tests.integration.dashboard.sample_market import REGIONS, SIDES, Sample, floor, in_market, make, pour

NOW = datetime(2026, 3, 4, 14, 20, 30, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0, minute=0, second=0)
NAMES = read_names()["fr"]
MOMENTS = [NOW, MIDNIGHT, MIDNIGHT + timedelta(minutes=3), NOW - timedelta(days=9, hours=5), NOW + timedelta(days=4)]


def readers(store: Store, sample: Sample) -> Indicators:
    """The readers over a store that holds the sample, some cells in older states too."""
    pour(store, sample.messages())
    return Indicators(store, Namespace(sample.generation))


@pytest.mark.parametrize("seed", [11, 12])
def test_totals_equal_a_recount_at_any_instant(each_store: Store, seed: int) -> None:
    """Stock and flows by cells equal a count of the vacancies themselves: now, at midnight, in the past and ahead."""
    sample = make(seed, now=NOW, vacancies=900)
    indicators = readers(each_store, sample)
    for at in MOMENTS:
        summary = indicators.summary(at)
        midnight = at.replace(hour=0, minute=0, second=0)
        for side in SIDES:
            totals = getattr(summary, side)
            assert totals.stock == sample.stock(side, at)
            assert totals.opened_today == sample.opened(side, midnight, at)
            assert totals.closed_today == sample.closed(side, midnight, at)
            assert totals.opened_hour == sample.opened(side, floor(at) - timedelta(minutes=59), at)
            assert totals.closed_hour == sample.closed(side, floor(at) - timedelta(minutes=59), at)
            open_now = [
                one
                for one in sample.vacancies
                if in_market(one, side, "MA", None) and floor(one.opened_at) <= floor(at) < floor(one.close_at)
            ]
            ads = sum(one.ad_count for one in open_now)
            assert totals.ads_per_vacancy == (round(ads / len(open_now), 4) if open_now else None)


def test_regions_equal_a_recount(each_store: Store) -> None:
    """Each region's stock and flows equal a recount, the nation counts each vacancy once, tension is suppressed."""
    sample = make(13, now=NOW, vacancies=1_500)
    answer = readers(each_store, sample).regions(NOW, codes=REGIONS, names=NAMES)
    since = MIDNIGHT - timedelta(days=6)
    for region in [answer.nation, *answer.regions]:
        flows = []
        for side in SIDES:
            figures = getattr(region, side)
            assert figures.stock == sample.stock(side, NOW, region=region.region)
            assert figures.opened_today == sample.opened(side, MIDNIGHT, NOW, region=region.region)
            assert figures.opened_period == sample.opened(side, since, NOW, region=region.region)
            flows.append(figures.opened_period)
        assert region.tension == tension(*flows)
        assert region.suppressed == (min(flows) < 30)
    assert answer.nation.offer.stock < sum(region.offer.stock for region in answer.regions) + sample.stock("offer", NOW)
    assert any(region.suppressed for region in answer.regions)
    assert not answer.nation.suppressed


@pytest.mark.parametrize("digits", [4, 2, 1])
def test_occupations_equal_a_recount(each_store: Store, digits: int) -> None:
    """The ranking rolls published codes up and equals a recount; what is coded more coarsely is left out and said."""
    sample = make(14, now=NOW, vacancies=900)
    answer = readers(each_store, sample).occupations(NOW, side="offer", digits=digits, limit=500, names=NAMES)
    stocks: Counter[str] = Counter()
    for one in sample.vacancies:
        if in_market(one, "offer", "MA", None) and floor(one.opened_at) <= floor(NOW) < floor(one.close_at):
            stocks[(one.isco or "")[:digits] if len(one.isco or "") >= digits else ""] += 1
    coarser = stocks.pop("", 0)
    assert {one.isco: one.stock for one in answer.occupations} == stocks
    assert [one.stock for one in answer.occupations] == sorted(stocks.values(), reverse=True)
    assert answer.coded_share == round(stocks.total() / (stocks.total() + coarser), 4)


@pytest.mark.parametrize("grain", ["minute", "hour", "day", "week"])
def test_windows_are_sums_of_the_finest_facts(each_store: Store, grain: str) -> None:
    """Each window holds what opened and closed in it, whatever the grain, by side, for a prefix and a region."""
    sample = make(15, now=NOW, vacancies=600)
    values = {"grain": grain, "isco": "2", "region": "MA-06", "to": (NOW + timedelta(days=3)).isoformat()}
    asked = counts_request(Query(values, COUNTS, REGIONS), NOW)
    answer = readers(each_store, sample).counts(asked, NOW)
    expected: defaultdict[tuple[datetime, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in sample.vacancies:
        if in_market(one, one.side, "MA-06", None) and (one.isco or "").startswith("2"):
            for moment, column in ((one.opened_at, 0), (one.close_at, 1)):
                if asked.since <= moment < asked.until:
                    windows = (moment - asked.since) // timedelta(seconds=asked.step)
                    cell = expected[asked.since + windows * timedelta(seconds=asked.step), one.side]
                    cell[column] += 1
                    cell[2] += (one.openings or 0) if column == 0 else 0
    assert {(one.start, one.side): [one.opened, one.closed, one.openings] for one in answer.windows} == expected


def test_unstated_occupations_are_asked_for_by_name(each_store: Store) -> None:
    """Vacancies whose occupation is not stated can be asked for alone."""
    sample = make(16, now=NOW, vacancies=300)
    asked = counts_request(Query({"isco": "unstated", "side": "seeker", "from": "2026-01-01"}, COUNTS, REGIONS), NOW)
    answer = readers(each_store, sample).counts(asked, NOW)
    assert sum(one.opened for one in answer.windows) == sample.opened("seeker", NOW - timedelta(days=60), NOW, isco="")


def test_alerts_come_newest_first_without_the_withdrawn(each_store: Store) -> None:
    """A withdrawn spike is shown only to who asks for it."""
    sample = make(17, now=NOW, vacancies=20)
    indicators = readers(each_store, sample)
    shown = indicators.alerts(NOW, since=NOW - timedelta(days=1)).alerts
    assert [one.event for one in shown] == ["started", "started", "ended"]
    assert [one.event_time for one in shown] == sorted((one.event_time for one in shown), reverse=True)
    assert [one.id for one in indicators.alerts(NOW, since=NOW - timedelta(days=1), event="withdrawn").alerts] == [
        "spike-3"
    ]
    assert shown[1].flagged == ["portail-3"]


def test_sources_and_rejects_are_reported(each_store: Store) -> None:
    """Each source's latest state comes with its numbers, and rejects are counted by stage, source and reason."""
    sample = make(18, now=NOW, vacancies=20)
    answer = readers(each_store, sample).sources(NOW, rejects_since=NOW - timedelta(days=1))
    told = {one.source: (one.state, one.filled, tuple(one.drifted)) for one in answer.sources}
    assert told == {one.source: (one.state, one.filled, one.drifted) for one in sample.statuses}
    assert sum(one.rejected for one in answer.rejects) == 12


def test_an_empty_store_answers(each_store: Store) -> None:
    """Before any data every answer is there, zero or unknown."""
    indicators = Indicators(each_store, Namespace("empty"))
    summary = indicators.summary(NOW)
    assert (summary.offer.stock, summary.offer.ads_per_vacancy, summary.data_as_of) == (0, None, None)
    assert indicators.regions(NOW, codes=REGIONS, names=NAMES).mismatch is None
    assert indicators.occupations(NOW, side="offer", names=NAMES).occupations == []


def test_the_board_equals_the_sql_at_every_minute(each_store: Store) -> None:
    """A board read from the store and moved by the clock alone shows what SQL says at each minute of the day's rest."""
    sample = make(19, now=NOW, vacancies=1_500)
    indicators = readers(each_store, sample)
    board = Board(NOW, indicators.before(NOW), indicators.minute_cells(NOW))
    for minutes in (0, 1, 7, 60, 333, 500):
        at = NOW + timedelta(minutes=minutes)
        board.advance(at)
        shown = board.figures(generation="sample", regions=REGIONS)
        said = indicators.summary(at)
        assert shown.revision == said.revision
        for side in SIDES:
            on_wall, in_sql = getattr(shown, side), getattr(said, side)
            assert (
                on_wall.stock,
                on_wall.opened_today,
                on_wall.closed_today,
                on_wall.opened_hour,
                on_wall.closed_hour,
            ) == (
                in_sql.stock,
                in_sql.opened_today,
                in_sql.closed_today,
                in_sql.opened_hour,
                in_sql.closed_hour,
            )
            ranking = indicators.occupations(at, side=side, limit=8, names=NAMES)
            assert [(one.isco, one.stock) for one in shown.occupations[side]] == [
                (one.isco, one.stock) for one in ranking.occupations
            ]
            assert on_wall.coded_share == ranking.coded_share
        regions = indicators.regions(at, codes=REGIONS, names=NAMES)
        for tile, region in zip([shown.nation, *shown.regions], [regions.nation, *regions.regions], strict=True):
            assert (tile.region, tile.offer, tile.seeker, tile.tension) == (
                region.region,
                region.offer.stock,
                region.seeker.stock,
                region.tension,
            )
