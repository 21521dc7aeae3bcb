"""Query parameters of the API, read strictly: an unknown name or a value out of range is a Problem. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from dashboard.problems import bad_parameter
from dashboard.windows import DAY, HOUR, MINUTE, MONDAY, WEEK, epoch, moment_of
from schemas.messages import NATION

MOST_WINDOWS = 5_000
"""Windows of one answer."""

FARTHEST = timedelta(days=366 * 3)
"""How far ahead of now an answer may reach: closings to come are known, but not for ever."""

UNSTATED = "unstated"
"""Value of `isco` for vacancies whose occupation is not stated."""

Grain = Literal["minute", "hour", "day", "week"]

_STEP: dict[str, int] = {"minute": MINUTE, "hour": HOUR, "day": DAY, "week": WEEK}
_DEFAULT_WINDOWS = {"minute": 60, "hour": 48, "day": 30, "week": 26}
_ISCO = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True)
class CountsRequest:
    """Which cells `/counts` sums: `side` and `isco` empty for all, times aligned to the grain, `until` exclusive."""

    grain: Grain
    step: int
    anchor: int
    since: datetime
    until: datetime
    side: str
    region: str
    isco: str
    unstated: bool


class Query:
    """The parameters of one request.

    Raises Problem (400) for a name that is not in `known`.
    """

    def __init__(self, values: Mapping[str, str], known: Collection[str], regions: Collection[str]) -> None:
        for name in values:
            if name not in known:
                raise bad_parameter(name, f"unknown parameter; this resource knows {', '.join(sorted(known))}")
        self._values = values
        self._regions = regions

    def words(self, name: str, choices: Collection[str]) -> tuple[str, ...]:
        """Read some of `choices`, separated by commas; all of them by default."""
        text = self._values.get(name)
        if text is None:
            return tuple(choices)
        asked = tuple(text.split(","))
        if not set(asked) <= set(choices):
            raise bad_parameter(name, f"must be some of {', '.join(choices)}, separated by commas")
        return asked

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Read one of `choices`."""
        value = self._values.get(name, default)
        if value != default and value not in choices:
            raise bad_parameter(name, f"must be one of {', '.join(choices)}")
        return value

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """Read a whole number between `least` and `most`."""
        value = self._values.get(name)
        if value is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise bad_parameter(name, f"must be a whole number from {least} to {most}")
        return int(value)

    def moment(self, name: str, default: datetime) -> datetime:
        """Read a time: RFC 3339, or a date (its midnight UTC). A time without a zone is UTC."""
        text = self._values.get(name)
        if text is None:
            return default
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
                day = date.fromisoformat(text)
                value = datetime(day.year, day.month, day.day, tzinfo=UTC)
            else:
                value = datetime.fromisoformat(text.replace(" ", "+"))  # a '+' of a zone arrives as a space
                value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise bad_parameter(name, "must be an RFC 3339 time or a date, as 2026-03-01T08:00:00Z") from error
        if not 1970 <= value.year < 2100:
            raise bad_parameter(name, "must lie between 1970 and 2100")
        return value

    def region(self) -> str:
        """Read `region`: an ISO 3166-2:MA code, or MA (the nation, the default)."""
        return self.choice("region", [NATION, *self._regions], NATION)

    def side(self) -> str:
        """Read `side`: offer or seeker, or '' for both."""
        return self.choice("side", ("offer", "seeker"), "")

    def isco(self) -> tuple[str, bool]:
        """Read `isco`: a prefix of 1 to 4 digits, or `unstated`; returns the prefix and whether it is unstated."""
        value = self._values.get("isco", "")
        if value == UNSTATED:
            return "", True
        if value and not _ISCO.fullmatch(value):
            raise bad_parameter("isco", f"must be 1 to 4 digits of ISCO-08, or {UNSTATED}")
        return value, False


COUNTS = ("side", "isco", "region", "grain", "from", "to")


def counts_request(query: Query, now: datetime) -> CountsRequest:
    """Read the parameters of `/counts`. Raises Problem (400)."""
    grain: Grain = query.choice("grain", tuple(_STEP), "day")  # type: ignore[assignment]
    step, anchor = _STEP[grain], MONDAY if grain == "week" else 0
    until = _aligned(query.moment("to", now + timedelta(seconds=1)), step, anchor, up=True)
    since = _aligned(
        query.moment("from", until - timedelta(seconds=step * _DEFAULT_WINDOWS[grain])), step, anchor, up=False
    )
    if since >= until:
        raise bad_parameter("from", "must be before `to`")
    if until > now + FARTHEST:
        raise bad_parameter("to", "lies too far ahead")
    if (until - since).total_seconds() / step > MOST_WINDOWS:
        raise bad_parameter("from", f"more than {MOST_WINDOWS} windows: take a coarser grain or a shorter time")
    isco, unstated = query.isco()
    return CountsRequest(grain, step, anchor, since, until, query.side(), query.region(), isco, unstated)


def _aligned(moment: datetime, step: int, anchor: int, *, up: bool) -> datetime:
    seconds = epoch(moment) - anchor
    if up and (seconds % step or moment.microsecond):
        seconds += step
    return moment_of(max(seconds - seconds % step + anchor, 0))
