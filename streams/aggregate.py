"""Aggregate: the cells to which a vacancy contributes. Counts are sums of such contributions.

A correction is a difference.
"""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.messages import NATION, Grain

MINUTE = 60
DAY = 86_400


class Cell(NamedTuple):
    """Identity of a cell within a block; `start` in epoch seconds UTC."""

    grain: Grain
    isco: str
    region: str
    start: int


class Amount(NamedTuple):
    """What is counted in a cell."""

    opened: int = 0
    closed: int = 0
    openings: int = 0

    def plus(self, other: "Amount") -> "Amount":
        """Sum."""
        return Amount(self.opened + other.opened, self.closed + other.closed, self.openings + other.openings)

    def minus(self, other: "Amount") -> "Amount":
        """Difference."""
        return Amount(self.opened - other.opened, self.closed - other.closed, self.openings - other.openings)


NOTHING = Amount()


def contributions(
    *, isco: str | None, regions: Iterable[str], openings: int | None, opened_at: int, close_at: int
) -> dict[Cell, Amount]:
    """Cells of one counted vacancy.

    Opened and closed, by minute and by day, once in each region it names and once nationally.

    `opened_at` and `close_at` are epoch seconds; unknown openings count as none stated.
    """
    code = isco or ""
    opened, closed = Amount(opened=1, openings=openings or 0), Amount(closed=1)
    windows: dict[tuple[Grain, int], Amount] = {}
    for at, amount in ((opened_at, opened), (close_at, closed)):
        for window in (("minute", at - at % MINUTE), ("day", at - at % DAY)):
            windows[window] = windows[window].plus(amount) if window in windows else amount
    return {
        Cell(grain, code, region, start): amount
        for region in (NATION, *regions)
        for (grain, start), amount in windows.items()
    }


def difference(before: dict[Cell, Amount], after: dict[Cell, Amount]) -> dict[Cell, Amount]:
    """What to add to each cell when contributions `before` become `after`; cells that do not change are absent."""
    if not before:
        return after
    changed: dict[Cell, Amount] = {}
    for cell, amount in after.items():
        was = before.get(cell, NOTHING)
        if amount != was:
            changed[cell] = amount.minus(was)
    for cell, was in before.items():
        if cell not in after:
            changed[cell] = NOTHING.minus(was)
    return changed
