"""Reports on labelled rows: what `marsad evaluate` writes, the quality page shows and `--json` prints."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One measured number and the interval that holds it in 95 of 100 resamples; null where nothing is measured.

    `group` says of which rows ("language ar"), empty for all; `n` is the number of rows.
    """

    name: str
    group: str
    value: float | None
    low: float | None
    high: float | None
    n: int


class Report(msgspec.Struct, frozen=True):
    """What `marsad evaluate` prints: `misses` are rows that count against a figure, `confusion` true → said → rows."""

    task: str
    taxonomy: str
    rows: int
    figures: tuple[Figure, ...]
    misses: tuple[dict[str, Any], ...] = ()
    confusion: Mapping[str, Mapping[str, int]] = {}

    def value(self, name: str, group: str = "") -> float | None:
        """Return one figure's value. Raises KeyError for one that is not in the report."""
        for figure in self.figures:
            if (figure.name, figure.group) == (name, group):
                return figure.value
        raise KeyError((name, group))
