"""Detect: when a count of an hour or a day stands above the recent baseline of its weekday and hour.

Pure: the verdict of a window is a function of the counts of that window and of its baseline windows, so corrections
re-evaluate it and the final verdict does not depend on the order in which counts came.

The limit is EARS-like (R surveillance, `earsC`): mean + t·sd·sqrt(1 + 1/k) over k windows of the same weekday (and
hour), never below what a Poisson count of that mean would exceed by chance, and never below a minimum count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

Window = Literal["hour", "day"]
SECONDS: dict[Window, int] = {"hour": 3600, "day": 86_400}
WEEK = 7 * 86_400


@dataclass(frozen=True)
class DetectOptions:
    """`weeks` baseline windows are looked at, at least `least_weeks` must lie after the history's beginning.

    `t` is the EARS factor, `z` the Poisson one; `minimum` counts below which nothing is a spike; a spike goes on
    while the next windows stay above `hold` of the way from the mean to the limit.
    """

    weeks: int = 6
    least_weeks: int = 3
    t: float = 4.0
    z: float = 4.5
    minimum: dict[Window, int] | None = None
    hold: float = 0.5

    def least(self, window: Window) -> int:
        """Minimum count of a spike."""
        return (self.minimum or {"hour": 8, "day": 20})[window]


@dataclass(frozen=True)
class Baseline:
    """What a window's count is compared with."""

    mean: float
    limit: float


@dataclass(frozen=True)
class Spike:
    """A run of windows above the limit; `start` and `last` are starts of windows, epoch seconds."""

    start: int
    last: int
    count: int
    expected: float
    limit: float


def baseline(past: Sequence[int], window: Window, options: DetectOptions) -> Baseline | None:
    """Baseline from the counts of the same weekday (and hour) in earlier weeks; None when they are too few."""
    k = len(past)
    if k < options.least_weeks:
        return None
    mean = sum(past) / k
    variance = sum((count - mean) ** 2 for count in past) / (k - 1) if k > 1 else 0.0
    ears = mean + options.t * sqrt(variance) * sqrt(1 + 1 / k)
    poisson = mean + options.z * sqrt(mean + 1)
    return Baseline(mean, max(ears, poisson, float(options.least(window))))


def spikes(
    counts: Callable[[int], int],
    windows: Sequence[int],
    window: Window,
    history: int,
    options: DetectOptions,
) -> list[Spike]:
    """Spikes among consecutive `windows` (starts, ascending), given any window's count and where history begins."""
    found: list[Spike] = []
    current: Spike | None = None
    for start in windows:
        count = counts(start)
        base = None
        # Below the least count no spike begins: spare the reads.
        if current is not None or count >= options.least(window):
            past = [counts(start - n * WEEK) for n in range(1, options.weeks + 1) if start - n * WEEK >= history]
            base = baseline(past, window, options)
        above = base is not None and count >= base.limit
        holds = base is not None and count >= base.mean + options.hold * (base.limit - base.mean)
        if current is not None and base is not None and holds:
            peak = count > current.count
            current = Spike(
                current.start,
                start,
                count if peak else current.count,
                base.mean if peak else current.expected,
                base.limit if peak else current.limit,
            )
        elif current is not None:
            found.append(current)
            current = None
        if current is None and above and base is not None:
            current = Spike(start, start, count, base.mean, base.limit)
    if current is not None:
        found.append(current)
    return found
