"""When a host that fails, or refuses, is asked again. Pure: the time is passed in."""

from dataclasses import dataclass

FAILURES = 3
"""Requests, each with its retries, that may fail in a row before the host is left alone."""

FIRST = 4.0
"""How long a host is first left alone, in intervals of the source that failed; twice as long each time after."""

LONGEST = 86_400.0


@dataclass(frozen=True)
class Breaker:
    """The state of a host: `failures` in a row, how often (`opened`) and until when it is left alone.

    `unwanted`: because it refused us, not because it failed.
    """

    failures: int = 0
    opened: int = 0
    until: float = 0.0
    unwanted: bool = False

    def wait(self, now: float) -> float:
        """Seconds until the host may be asked again; 0 when it may be now."""
        return max(0.0, self.until - now)

    def failed(self, now: float, interval: float, jitter: float) -> "Breaker":
        """Count a request that failed; `jitter` (0 to 1) spreads the return over half its time."""
        failures = self.failures + 1
        if failures < FAILURES and not self.opened:
            return Breaker(failures, self.opened, self.until)
        return Breaker(failures, self.opened + 1, now + _rest(self.opened, interval, jitter))

    def refused(self, now: float, interval: float, jitter: float) -> "Breaker":
        """Leave the host alone at once: it does not want us."""
        return Breaker(FAILURES, self.opened + 1, now + _rest(self.opened, interval, jitter), unwanted=True)


def _rest(opened: int, interval: float, jitter: float) -> float:
    return min(LONGEST, FIRST * interval * 2.0 ** min(opened, 16)) * (1.0 + 0.5 * jitter)


def quiet_for(hours: str, minute: float) -> float:
    """Return the seconds that quiet `hours` (`22:00-06:00`) go on at `minute` of the day; 0 outside of them."""
    if not hours:
        return 0.0
    begin, end = (60 * int(time[:2]) + int(time[3:]) for time in hours.split("-"))
    if not (minute - begin) % 1440 < (end - begin) % 1440:
        return 0.0
    return 60.0 * ((end - minute) % 1440)
