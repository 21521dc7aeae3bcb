"""Minutes, days and the windows that indicators speak of: tumbling, UTC. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800

MONDAY = 4 * DAY
"""Epoch seconds of the first Monday (5 January 1970), where weeks are anchored."""

PERIOD_DAYS = 7
"""Days of the flows that are compared between regions: today, and the six before."""


@dataclass(frozen=True)
class Instant:
    """An instant as the cells see it: its minute, and the days around it. All aware UTC."""

    minute: datetime
    today: datetime
    tomorrow: datetime
    hour_ago: datetime

    def parameters(self) -> dict[str, object]:
        """Return the placeholders that the queries share. `since` (exclusive) reaches what any of them reads."""
        return {
            "at": self.minute,
            "today": self.today,
            "tomorrow": self.tomorrow,
            "hour_ago": self.hour_ago,
            "since": min(self.today - timedelta(seconds=1), self.hour_ago),
        }

    def days_back(self, days: int) -> datetime:
        """Return the first of `days` days that end with today."""
        return self.today - timedelta(days=days - 1)


def instant(moment: datetime) -> Instant:
    """Place an aware datetime among minutes and days."""
    minute = moment.astimezone(UTC).replace(second=0, microsecond=0)
    today = minute.replace(hour=0, minute=0)
    return Instant(minute, today, today + timedelta(days=1), minute - timedelta(hours=1))


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment.timestamp())


def moment_of(seconds: int) -> datetime:
    """Return the aware UTC datetime of epoch `seconds`."""
    return datetime.fromtimestamp(seconds, UTC)
