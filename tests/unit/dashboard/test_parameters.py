from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.parameters import COUNTS, MOST_WINDOWS, Query, counts_request
from dashboard.problems import Problem
from dashboard.windows import WEEK

NOW = datetime(2026, 3, 4, 10, 30, 20, tzinfo=UTC)
REGIONS = ("MA-01", "MA-06")


def query(**values: str) -> Query:
    """A request's parameters; `from_` stands for `from`."""
    return Query({name.rstrip("_"): value for name, value in values.items()}, COUNTS, REGIONS)


def test_defaults_end_with_the_running_window() -> None:
    """Without times an answer covers the last windows, the running one included."""
    asked = counts_request(query(grain="minute"), NOW)
    assert (asked.until, asked.since) == (
        datetime(2026, 3, 4, 10, 31, tzinfo=UTC),
        datetime(2026, 3, 4, 9, 31, tzinfo=UTC),
    )
    assert (asked.region, asked.side, asked.isco, asked.unstated) == ("MA", "", "", False)


def test_times_are_aligned_outwards() -> None:
    """A window that a time cuts is given whole."""
    asked = counts_request(query(grain="hour", from_="2026-03-04T08:20:00Z", to="2026-03-04T09:10:00+00:00"), NOW)
    assert (asked.since.hour, asked.until.hour) == (8, 10)


def test_weeks_begin_on_monday() -> None:
    """A week runs from Monday to Monday, UTC."""
    asked = counts_request(query(grain="week", from_="2026-02-18", to="2026-03-04"), NOW)
    assert asked.since == datetime(2026, 2, 16, tzinfo=UTC)
    assert asked.until == datetime(2026, 3, 9, tzinfo=UTC)
    assert asked.since.weekday() == asked.until.weekday() == 0


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants naive bounds
    st.timedeltas(timedelta(seconds=1), timedelta(days=30)),
    st.sampled_from(["hour", "day", "week"]),
)
def test_aligned_windows_hold_what_was_asked(since: datetime, length: timedelta, grain: str) -> None:
    """Whatever the times, the windows are whole, hold the times, and reach at most one window further."""
    until = since + length
    asked = counts_request(query(grain=grain, from_=since.isoformat(), to=until.isoformat()), NOW)
    assert asked.since <= since < until <= asked.until
    assert since - asked.since < timedelta(seconds=asked.step)
    assert asked.until - until < timedelta(seconds=asked.step)
    assert (asked.until - asked.since).total_seconds() % asked.step == 0
    assert asked.step <= WEEK


@pytest.mark.parametrize(
    ("values", "parameter"),
    [
        ({"grain": "year"}, "grain"),
        ({"side": "demand"}, "side"),
        ({"region": "MA-13"}, "region"),
        ({"isco": "25125"}, "isco"),
        ({"isco": "2x"}, "isco"),
        ({"isco": "٢٥"}, "isco"),
        ({"isco": "25\n"}, "isco"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "from"),
        ({"to": "9999-12-31T23:59:59-14:00"}, "to"),
        ({"to": "2090-01-01"}, "to"),
        ({"from": "2026-03-04", "to": "2026-03-01"}, "from"),
        ({"grain": "minute", "from": "2020-01-01", "to": "2026-01-01"}, "from"),
        ({"nope": "1"}, "nope"),
    ],
)
def test_what_cannot_be_used_is_named(values: dict[str, str], parameter: str) -> None:
    """A parameter that cannot be used is a 400 that names it."""
    with pytest.raises(Problem) as raised:
        counts_request(Query(values, COUNTS, REGIONS), NOW)
    assert (raised.value.status, raised.value.parameter) == (400, parameter)


def test_an_answer_is_bounded() -> None:
    """No request makes an answer of more windows than the bound."""
    asked = counts_request(
        query(grain="minute", from_=(NOW - timedelta(minutes=MOST_WINDOWS - 2)).isoformat(), to=NOW.isoformat()), NOW
    )
    assert (asked.until - asked.since).total_seconds() / asked.step <= MOST_WINDOWS


def test_the_unstated_occupation_is_not_everything() -> None:
    """`isco=unstated` asks for the vacancies without a code; no `isco` asks for all."""
    assert counts_request(query(isco="unstated"), NOW).unstated
    assert not counts_request(query(), NOW).unstated
