from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import StoreRefused
from store.values import LATEST, bind, epoch, from_json, insertable, literal


def unquoted(text: str) -> str:
    """What ClickHouse reads from a quoted literal, by its documented escapes."""
    assert text[0] == text[-1] == "'"
    meaning = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "0": "\0", "\\": "\\", "'": "'"}
    read, inner = [], iter(text[1:-1])
    for letter in inner:
        assert letter != "'"
        read.append(meaning[next(inner)] if letter == "\\" else letter)
    return "".join(read)


@given(st.text())
def test_a_text_stays_inside_its_quotes(text: str) -> None:
    """A literal of any text reads back as that text, with no quote of its own left open."""
    assert unquoted(literal(text)) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "NULL"),
        (True, "1"),
        (False, "0"),
        (-3, "-3"),
        (0.5, "0.5"),
        (date(2026, 3, 1), "toDate('2026-03-01')"),
        (datetime(2026, 3, 1, tzinfo=UTC), "toDateTime(1772323200, 'UTC')"),
        (datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=1))), "toDateTime(1772323200, 'UTC')"),
        (["a", "b'"], "['a', 'b\\'']"),
        ((1, 2), "[1, 2]"),
    ],
)
def test_each_type_has_its_literal(value: object, expected: str) -> None:
    """Each type that a query may bind has one literal; times are given by their epoch, so that no zone matters."""
    assert literal(value) == expected


def test_an_unknown_type_is_refused() -> None:
    """A value without a literal is a TypeError, never its repr."""
    with pytest.raises(TypeError, match="bytes"):
        literal(b"x")


def test_binding_fills_every_placeholder_once() -> None:
    """A value that looks like a placeholder is not filled again, and %% becomes %."""
    sql = bind("SELECT %(a)s, %(b)s, 5 %% 2", {"a": "%(b)s", "b": 1})
    assert sql == "SELECT '%(b)s', 1, 5 % 2"


def test_a_missing_value_is_refused() -> None:
    """A placeholder without a value is refused before the server sees it."""
    with pytest.raises(StoreRefused, match="name"):
        bind("SELECT %(name)s", {})


def test_times_outside_a_datetime_are_held_at_its_ends() -> None:
    """A time before 1970 or after 2106 is kept at the end of what the column holds, and a naive one is refused."""
    assert epoch(datetime(1960, 1, 1, tzinfo=UTC)) == 0
    assert epoch(datetime(9999, 12, 31, tzinfo=UTC)) == LATEST
    with pytest.raises(ValueError, match="zone"):
        epoch(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_rows_go_in_with_epochs_and_lists() -> None:
    """A row's times become whole seconds and its tuples arrays; the rest is left alone."""
    moment = datetime(2026, 3, 1, 0, 0, 0, 999_999, tzinfo=UTC)
    assert insertable([("a", moment, ("x",), None)]) == [["a", 1772323200, ["x"], None]]


def test_json_times_come_back_as_aware_utc() -> None:
    """A DateTime('UTC') read as JSON is an aware UTC datetime, nullable or not; one without a zone is refused."""
    read = from_json("Nullable(DateTime('UTC'))")
    assert read is not None
    assert read("2026-03-01 08:00:00") == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert read(None) is None
    with pytest.raises(StoreRefused, match="zone"):
        from_json("DateTime")
