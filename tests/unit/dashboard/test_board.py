from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.indicators import Before, MinuteCell
from dashboard.live.board import Board, Figures
from schemas.messages import Count

DAY = datetime(2026, 3, 4, tzinfo=UTC)
NOW = DAY + timedelta(hours=10, minutes=30, seconds=20)
REGIONS = ("MA-01", "MA-06")


def cell(  # noqa: PLR0913 - a cell has that many coordinates
    minute: int,
    opened: int,
    closed: int = 0,
    *,
    version: int = 1,
    side: str = "offer",
    isco: str = "2512",
    region: str = "MA",
    block: str = "b",
    grain: str = "minute",
) -> Count:
    """A cell that starts so many minutes after midnight."""
    start = DAY + timedelta(minutes=minute)
    return Count("g", block, side, isco, region, grain, start, opened, closed, 0, version, version)  # type: ignore[arg-type]


def figures(board: Board) -> Figures:
    """The board's figures."""
    return board.figures(generation="g", regions=REGIONS)


def board(*counts: Count, before: Iterable[Before] = (), now: datetime = NOW) -> Board:
    """A board after some records."""
    made = Board(now, before, ())
    made.take(enumerate(counts), 0.0)
    return made


def test_stock_is_what_stood_before_plus_today() -> None:
    """Stock is opened minus closed: the days before, and today's minutes up to now."""
    shown = figures(board(cell(60, 5, 1), cell(61, 2), before=[Before("offer", "MA", "2512", 100, 40, 7)]))
    assert shown.offer.stock == 106
    assert (shown.offer.opened_today, shown.offer.closed_today) == (7, 1)
    assert shown.revision == (7, 2)


def test_a_closing_ahead_waits_for_its_minute() -> None:
    """A closing to come changes nothing until the clock reaches its minute, and then without any record."""
    made = board(cell(60, 5), cell(632, 0, 3))
    assert figures(made).offer.stock == 5
    assert not made.advance(NOW + timedelta(seconds=30))
    assert made.advance(NOW + timedelta(minutes=2))
    assert figures(made).offer.stock == 2
    assert figures(made).as_of == DAY + timedelta(minutes=632)


def test_the_clock_never_goes_back_and_stops_with_its_day() -> None:
    """A clock that is set back moves nothing, and a board speaks of its own day only."""
    made = board(cell(60, 5))
    assert not made.advance(NOW - timedelta(hours=1))
    made.advance(NOW + timedelta(days=1))
    assert figures(made).as_of == DAY + timedelta(minutes=1439)
    assert made.covers(DAY + timedelta(minutes=1439))
    assert not made.covers(DAY + timedelta(days=1))


def test_a_later_state_replaces_and_an_earlier_one_does_not() -> None:
    """A cell is absolute: the newest version counts, once, whatever comes after it."""
    made = board(cell(60, 5, version=2), cell(60, 5, version=2), cell(60, 9, version=1), cell(60, 4, version=3))
    assert figures(made).offer.stock == 4
    assert figures(made).offer.opened_today == 4


def test_blocks_of_one_code_add_up() -> None:
    """The figure of a code that several blocks share is their sum."""
    made = board(cell(60, 5, isco="", block="x"), cell(60, 2, isco="", block="y"))
    assert figures(made).offer.stock == 7


def test_the_nation_is_not_the_sum_of_regions() -> None:
    """National figures read the cells of MA; a region's read its own."""
    shown = figures(board(cell(60, 5), cell(60, 5, region="MA-01"), cell(60, 4, region="MA-06")))
    assert shown.offer.stock == 5
    assert [(one.region, one.offer) for one in shown.regions] == [("MA-01", 5), ("MA-06", 4)]


def test_a_day_before_today_waits_for_a_new_sum() -> None:
    """A changed day cell before today cannot be applied to a sum: the sink must pass it; today's own says nothing."""
    made = board(cell(0, 5, grain="day"))
    assert made.goal(1.0) is None
    made.take([(7, cell(-1440, 5, grain="day"))], 1.0)
    assert made.goal(1.0) == 7
    made.settle(8, [Before("offer", "MA", "2512", 8, 8, 1)])
    assert made.goal(1.0) is None
    assert figures(made).offer.stock == 8


def test_a_closing_of_what_the_store_lacks_waits_with_it() -> None:
    """A closing today of what opened yesterday shows with its opening, and waits for no record that came later."""
    made = board(before=[Before("offer", "MA", "2512", 2, 2, 1)])
    assert not made.take([(1, cell(60, 0, 5)), (2, cell(-1440, 7, grain="day"))], 10.0)
    assert figures(made).offer.stock == 2
    assert made.goal(11.0) == 2
    made.take([(3, cell(61, 0, 4)), (4, cell(-1440, 11, grain="day"))], 12.0)
    assert made.waited(14.0) == 4.0
    made.settle(3, [Before("offer", "MA", "2512", 7, 7, 2)])
    assert figures(made).offer.stock == 2
    assert made.waited(14.0) == 3.0
    made.settle(5, [Before("offer", "MA", "2512", 11, 11, 2)])
    assert figures(made).offer.stock == 2
    assert made.waited(14.0) == 0.0
    assert made.take([(5, cell(62, 3))], 15.0)
    assert figures(made).offer.stock == 5


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=40), st.randoms(use_true_random=False))
def test_no_stock_falls_below_zero_while_the_sink_is_behind(stays: list[tuple[bool, int]], chance: Random) -> None:
    """However far the sink is behind, and whenever the days are summed again: no stock below zero, and the last right.

    `stays`: whether a vacancy opened yesterday (else today), and minutes until it closed today (30: it stands).
    """
    feed: list[Count] = []
    opened = closed = yesterday = 0
    for place, (early, minutes) in enumerate(stays):
        opened, yesterday = opened + (not early), yesterday + early
        feed.append(cell(-1440, yesterday, grain="day", version=place) if early else cell(60, opened, version=place))
        if minutes < 30:
            closed += 1
            feed.append(cell(70, 0, closed, version=place))

    def before(end: int) -> list[Before]:
        return [Before("offer", "MA", "2512", one.opened, 0, 0) for one in feed[:end] if one.grain == "day"][-1:]

    made, written, at = Board(NOW, before(0), ()), 0, 0
    while at < len(feed) or made.goal(0.0) is not None:
        run = [(offset, feed[offset]) for offset in range(at, min(len(feed), at + chance.randint(1, 9)))]
        made.take(run, 0.0)
        at += len(run)
        goal = made.goal(0.0)
        written = chance.randint(written, at)
        if goal is not None and written > goal:
            made.settle(written, before(chance.randint(written, at)))
        assert figures(made).offer.stock >= 0
    assert figures(made).offer.stock == len(stays) - closed


def test_the_line_reaches_back_over_midnight() -> None:
    """The line of the last hour shows the minutes before midnight, which count in no figure of today."""
    made = board(cell(-10, 3), cell(5, 2), now=DAY + timedelta(minutes=20))
    shown = figures(made)
    assert sum(shown.line.offer) == 5
    assert (shown.offer.opened_hour, shown.offer.opened_today, shown.offer.stock) == (5, 2, 2)
    assert len(shown.line.offer) == len(shown.line.seeker) == 60
    assert shown.line.offer[-16] == 2
    assert shown.line.offer[-31] == 3


def test_the_ranking_is_by_stock_at_four_digits() -> None:
    """Occupations are ranked by stock; a code of fewer digits is not among them, and the share says how much is."""
    shown = figures(board(cell(60, 5), cell(60, 9, isco="5223"), cell(60, 6, isco="25")))
    assert [(one.isco, one.stock) for one in shown.occupations["offer"]] == [("5223", 9), ("2512", 5)]
    assert shown.offer.coded_share == 0.7


def test_tension_needs_thirty_new_on_each_side_within_the_week() -> None:
    """A region's tension is over seven days, the days before included, and silent under 30."""
    before = [Before("offer", "MA-01", "", 0, 50, 0), Before("seeker", "MA-01", "", 0, 20, 0)]
    made = board(cell(60, 5, region="MA-01"), cell(60, 9, side="seeker", region="MA-01"), before=before)
    assert figures(made).regions[0].tension is None
    made.take([(1, cell(61, 1, side="seeker", region="MA-01"))], 0.0)
    assert figures(made).regions[0].tension == round(55 / 30, 4)


CELLS = st.tuples(
    st.integers(-70, 1500),
    st.sampled_from(["offer", "seeker"]),
    st.sampled_from(["2512", "25", ""]),
    st.sampled_from(["MA", "MA-01"]),
    st.sampled_from(["x", "y"]),
)
STATES = st.lists(st.tuples(CELLS, st.integers(0, 9), st.integers(0, 9), st.integers(1, 5)), max_size=40)


@settings(deadline=None)
@given(STATES, st.randoms(use_true_random=False), st.lists(st.integers(0, 1439), max_size=4), st.integers(0, 1439))
def test_order_repetition_and_the_clocks_steps_do_not_matter(
    states: list[tuple[tuple[int, str, str, str, str], int, int, int]],
    chance: object,
    steps: list[int],
    last: int,
) -> None:
    """Records in any order, twice, split between a snapshot and the stream, and any ticks give a recount's figures."""
    absolute: dict[tuple[tuple[int, str, str, str, str], int], Count] = {}
    for key, opened, closed, version in states:
        minute, side, isco, region, block = key
        made = cell(minute, opened, closed, version=version, side=side, isco=isco, region=region, block=block)
        absolute.setdefault((key, version), made)
    records = list(absolute.values()) * 2
    chance.shuffle(records)  # type: ignore[attr-defined]
    cut = len(records) // 3
    newest: dict[tuple[str, str, str, str, int], Count] = {}
    for record in records[:cut]:
        key = (record.side, record.isco, record.region, record.block, int(record.start.timestamp()))
        if key not in newest or newest[key].version < record.version:
            newest[key] = record
    in_store = [
        MinuteCell(*key, one.opened, one.closed, one.version, one.revision)
        for key, one in newest.items()
        if int(DAY.timestamp()) - 3600 < key[4] < int(DAY.timestamp()) + 86_400
    ]
    walked = Board(DAY, [], in_store)
    for place, record in enumerate(records[cut:]):
        walked.take([(place, record)], 0.0)
        if place < len(steps):
            walked.advance(DAY + timedelta(minutes=steps[place]))
    walked.advance(DAY + timedelta(minutes=last))
    at = max([last, *(step for place, step in enumerate(steps) if place < len(records) - cut)])
    final: dict[tuple[str, str, str, str, int], Count] = {}
    for record in records:
        key = (record.side, record.isco, record.region, record.block, int(record.start.timestamp()))
        if key not in final or final[key].version < record.version:
            final[key] = record
    shown = figures(walked)
    for side in ("offer", "seeker"):
        seen = [
            one
            for one in final.values()
            if one.side == side and one.region == "MA" and DAY <= one.start <= DAY + timedelta(minutes=at)
        ]
        totals = getattr(shown, side)
        assert totals.stock == sum(one.opened - one.closed for one in seen)
        assert totals.opened_today == sum(one.opened for one in seen)
        assert totals.closed_today == sum(one.closed for one in seen)
        hour = [
            one
            for one in final.values()
            if one.side == side
            and one.region == "MA"
            and max(at - 60, -60) * 60 < (one.start - DAY).total_seconds() <= at * 60
        ]
        assert totals.opened_hour == sum(one.opened for one in hour)
    revisions = [
        one.revision for one in final.values() if one.region == "MA" and 0 <= (one.start - DAY).total_seconds() < 86_400
    ]
    assert shown.revision[1] == sum(revisions)
