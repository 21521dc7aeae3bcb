"""State is bounded by log time, and nobody can tell: what is swept could change no result."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from schemas.messages import Posting
from streams.ads import AdsStage
from streams.aggregate import DAY
from streams.engine.stage import State
from streams.market import MarketStage
from streams.match.rows import MINUTE
from tests.unit.streams.market_world import TOY, Market, Raw, World, fold, heartbeat, log_of, stages

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LIVE = replace(TOY, lifetime=20 * DAY, minute_lifetime=50 * DAY)
SEEDS = st.integers(0, 2**20)


class _KeepingAds(AdsStage):
    def _sweep(self, state: State, clock: int, limit: int) -> None:
        """Keep every row."""


class _KeepingMarket(MarketStage):
    def _sweep(self, *_: object) -> None:
        """Keep every row."""


def _never_swept(world: World) -> tuple[AdsStage, MarketStage]:
    ads, market = stages(world)
    ads.__class__, market.__class__ = _KeepingAds, _KeepingMarket
    return ads, market


def _live(sightings: Sequence[Posting], days: int = 0) -> dict[int, list[Raw]]:
    """The raw topic of live sightings: each logged as it is observed; with `days`, heartbeats for so long after."""
    ordered = sorted(sightings, key=lambda posting: posting.observed_at)
    times = [int(posting.observed_at.timestamp() * 1000) for posting in ordered]
    raw = log_of(ordered, times)
    last = max(times, default=int(BEGIN.timestamp() * 1000))
    for day in range(1, days + 1):
        for _ in range(3):
            heartbeat(raw, last + day * DAY * 1000)
    return raw


def _seen(source: str, number: int, hours: float, **content: str | None) -> Posting:
    fields: dict[str, Any] = {"title": "x", "company": "p", **content}
    at = BEGIN + timedelta(hours=hours)
    return Posting(source=source, id=str(number), side="offer", observed_at=at, **fields)


lives = st.lists(
    st.builds(
        lambda source, number, begin, gaps, titles, company: [
            _seen(source, number, begin + sum(gaps[: n + 1]), title=titles[n % len(titles)], company=company)
            for n in range(len(gaps))
        ],
        source=st.sampled_from("ab"),
        number=st.integers(0, 5),
        begin=st.integers(0, 24 * 60),
        gaps=st.lists(st.one_of(st.integers(0, 60), st.integers(0, 24 * 30)), min_size=1, max_size=8),
        titles=st.sampled_from([["x"], ["x"], ["xx"], ["x", "xxx"], ["x", "x", "xx"]]),
        company=st.sampled_from(["p", "q", None]),
    ),
    max_size=10,
)
"""Ads that are seen again after hours or weeks, some longer than their lifetime, some edited on the way."""


@seed(21)
@settings(max_examples=60, deadline=None, database=None)
@given(lives, SEEDS, st.integers(1, 20))
def test_nobody_can_tell_what_was_swept(found: list[list[Posting]], number: int, largest: int) -> None:
    """Every output is, byte for byte, what folds that keep every row for ever put out."""
    raw = _live([posting for life in found for posting in life], days=2)
    swept = fold(raw, number, largest, LIVE)
    kept = fold(raw, number, largest, LIVE, pair=_never_swept(LIVE))
    assert swept.outputs == kept.outputs


@seed(22)
@settings(max_examples=40, deadline=None, database=None)
@given(lives, SEEDS)
def test_interleavings_give_one_market_with_a_lifetime_too(found: list[list[Posting]], number: int) -> None:
    """However raw partitions interleave and runs are cut, live vacancies and day cells are the same."""
    raw = _live([posting for life in found for posting in life], days=1)
    one, other = fold(raw, number, 3, LIVE), fold(raw, number + 1, 30, LIVE)
    assert one.vacancies == other.vacancies
    assert _days(one) == _days(other)


def _days(market: Market) -> dict[bytes, tuple[int, int, int]]:
    return {key: cell for key, cell in market.cells.items() if key.startswith(b"day")}


@seed(23)
@settings(max_examples=10, deadline=None, database=None)
@given(lives, SEEDS)
def test_only_day_cells_are_kept_for_ever(found: list[list[Posting]], number: int) -> None:
    """Long after the last sighting no ad, vacancy, index entry or minute cell is left in any state."""
    raw = _live([posting for life in found for posting in life], days=110)
    market = fold(raw, number, 40, LIVE)
    assert not any(state.rows for state in market.ads_states.values())
    left = {key[:1] for state in market.market_states.values() for key in state.rows}
    assert left <= {b"d"}


def test_a_long_life_does_not_split_what_was_merged() -> None:
    """An ad seen on for months stays one vacancy with the copy that ended beside it on its first day."""
    copy = _seen("b", 2, 1)
    months = [_seen("a", 1, 24.0 * day) for day in range(150)]
    market = fold(_live([copy, *months]), 1, 5, LIVE)
    assert len(market.vacancies) == 1
    assert "split" not in {event.event for event in market.events}


def test_an_ad_seen_late_on_its_last_day_is_still_the_same_vacancy() -> None:
    """The second sighting of a day is not forwarded, yet counts as a sign of life: the ad is counted once."""
    seen = [_seen("a", 1, 0.2), _seen("a", 1, 22.8), _seen("a", 1, 22.7 + 24 * 20)]
    raw = _live(seen)
    heartbeat(raw, int(seen[-1].observed_at.timestamp() * 1000) - 60_000)
    for partition, log in raw.items():
        log.sort(key=lambda record: record.timestamp)
        raw[partition] = [replace(record, offset=n) for n, record in enumerate(log)]
    first_day = b"\t%d" % BEGIN.timestamp()
    for number in range(20):  # the clock is that of the partition that is behind: some interleavings move it in time
        market = fold(raw, number, 1, LIVE)
        opened = [cell for key, cell in market.cells.items() if key.startswith(b"day") and key.endswith(first_day)]
        assert opened == [(1, 0, 0)]


def test_an_edit_does_not_join_what_is_forgotten() -> None:
    """An ad that comes to read like one that was last seen a lifetime ago stays apart, swept or not."""
    gone = _seen("b", 2, 0)
    edited = [_seen("a", 1, 24.0 * day, title="x" if day > 29 else "xxx") for day in range(35)]
    raw = _live([gone, *edited])
    swept, kept = fold(raw, 1, 5, LIVE), fold(raw, 1, 5, LIVE, pair=_never_swept(LIVE))
    assert swept.outputs == kept.outputs
    assert len(swept.vacancies) == 2


def test_a_frozen_minute_is_closed_to_corrections_and_its_day_is_not() -> None:
    """An ad that is recoded long after it opened leaves its minute as it was counted, and moves its day."""
    lived = [_seen("a", 1, 24.0 * day) for day in range(80)]
    recoded = _seen("a", 1, 24.0 * 80, title="xxx")
    market = fold(_live([*lived, recoded], days=1), 1, 5, LIVE)
    opened: dict[str, set[str]] = defaultdict(set)
    for key, cell in market.cells.items():
        grain, _, isco, _, _ = key.decode().split("\t")
        if cell[0]:
            opened[grain].add(isco)
    assert opened == {"minute": {"2111"}, "day": {"1111"}}
    assert not any(
        key.startswith(MINUTE) and int(key.rsplit(b"\t", 1)[1]) < BEGIN.timestamp() + DAY
        for state in market.market_states.values()
        for key in state.rows
    )
