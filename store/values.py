"""Values on their way in and out of ClickHouse: literals for placeholders, zones for times. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

from store import StoreRefused

LATEST = 4_294_967_295
"""The last second that a 32-bit DateTime can hold: 7 February 2106."""

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_ESCAPED = re.compile("[" + re.escape("".join(_ESCAPES)) + "]")


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970 of an aware datetime, held inside what a DateTime column can store."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment!r}")
    return min(max(int(moment.timestamp()), 0), LATEST)


def literal(value: object) -> str:
    """Write `value` as a ClickHouse literal that cannot break out of its place. Raises TypeError for other types."""
    match value:
        case None:
            text = "NULL"
        case bool() | int() | float():
            text = repr(+value)  # True is 1
        case str():
            text = "'" + _ESCAPED.sub(lambda found: _ESCAPES[found.group()], value) + "'"
        case datetime():
            text = f"toDateTime({epoch(value)}, 'UTC')"
        case date():
            text = f"toDate('{value.isoformat()}')"
        case list() | tuple():
            text = "[" + ", ".join(literal(item) for item in value) + "]"
        case _:
            raise TypeError(f"no ClickHouse literal for {type(value).__name__}")
    return text


def bind(sql: str, parameters: Mapping[str, object] | None) -> str:
    """Replace each `%(name)s` of `sql` by its literal and `%%` by `%`; without parameters, leave it as it stands.

    Raises StoreRefused for a name without a value.
    """
    if parameters is None:
        return sql

    def fill(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            return "%"
        if name not in parameters:
            raise StoreRefused(f"no value for the placeholder {name}")
        return literal(parameters[name])

    return _PLACEHOLDER.sub(fill, sql)


def from_json(kind: str) -> Callable[[object], object] | None:
    """How a value of ClickHouse type `kind` is read from JSON; None where it is taken as it stands."""
    refuse_zoneless(kind)
    if kind.startswith("Nullable(DateTime"):
        return lambda value: None if value is None else _utc(value)
    if kind.startswith("DateTime"):
        return _utc
    if kind == "Date":
        return lambda value: date.fromisoformat(str(value))
    return None


def refuse_zoneless(kind: str) -> None:
    """Raise StoreRefused for a DateTime type that does not say UTC."""
    if "DateTime" in kind and "'UTC'" not in kind:
        raise StoreRefused(f"a column of type {kind} hangs on the server's zone: select it as DateTime('UTC')")


def insertable(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    """Rows with their times as whole seconds, which every ClickHouse takes for a DateTime, and tuples as arrays."""
    return [[_insertable(value) for value in row] for row in rows]


def _insertable(value: object) -> object:
    if isinstance(value, datetime):
        return epoch(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def plain(value: object) -> int | str:
    """Write a time as JSON for ClickHouse, as whole seconds, or a date. Raises TypeError for other types."""
    if isinstance(value, datetime):
        return epoch(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


def _utc(value: object) -> datetime:
    return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
