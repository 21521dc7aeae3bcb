"""Aggregate: the cells to which a vacancy contributes. Counts are sums of such contributions.

A correction is a difference.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from schemas.messages import NATION

MINUTE = 60
DAY = 86_400


class Cell(NamedTuple):
    """Identity of a cell within a block; `start` in epoch seconds UTC."""

    grain: Literal["minute", "day"]
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
    amounts: dict[Cell, Amount] = {}
    code = isco or ""
    opened, closed = Amount(opened=1, openings=openings or 0), Amount(closed=1)
    for region in (NATION, *regions):
        for at, amount in ((opened_at, opened), (close_at, closed)):
            for cell in (
                Cell("minute", code, region, at - at % MINUTE),
                Cell("day", code, region, at - at % DAY),
            ):
                amounts[cell] = amounts[cell].plus(amount) if cell in amounts else amount
    return amounts


def difference(before: dict[Cell, Amount], after: dict[Cell, Amount]) -> dict[Cell, Amount]:
    """What to add to each cell when contributions `before` become `after`; cells that do not change are absent."""
    if not before:
        return after
    changed: dict[Cell, Amount] = {}
    for cell in before.keys() | after.keys():
        amount = after.get(cell, NOTHING).minus(before.get(cell, NOTHING))
        if amount != NOTHING:
            changed[cell] = amount
    return changed
