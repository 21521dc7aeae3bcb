"""`marsad evaluate`: which labelled rows are read, and how the report looks in a terminal."""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy import ndjson
from deploy.errors import LabelledRowsError
from schemas.reports import Figure, Report
from streams.enrich.enricher import Enricher
from streams.evaluate import attributes, labelled, locations, occupations, pairs, titles
from streams.evaluate.figures import Bootstrap

MISSES = 400
"""Rows that a terminal shows of what was missed; `--json` gives all."""

_DIGITS = re.compile(r"(.+), ([1-4]) digits$")


class Task(StrEnum):
    """What `marsad evaluate` measures."""

    OCCUPATIONS = "occupations"
    LOCATIONS = "locations"
    PAIRS = "pairs"
    PAIRS_FR_AR = "pairs_fr_ar"
    ATTRIBUTES = "attributes"
    TITLES = "titles"


_NEEDED = {
    Task.OCCUPATIONS: "isco4",
    Task.LOCATIONS: "raw",
    Task.PAIRS: "label",
    Task.PAIRS_FR_AR: "title_fr",
    Task.ATTRIBUTES: "hash",
    Task.TITLES: "title",
}
_MEASURES: dict[Task, Callable[[Sequence[labelled.Row], Enricher, str, Bootstrap], Report]] = {
    Task.OCCUPATIONS: occupations.measure,
    Task.LOCATIONS: locations.measure,
    Task.PAIRS: pairs.measure,
    Task.PAIRS_FR_AR: pairs.measure_fr_ar,
    Task.ATTRIBUTES: attributes.measure,
    Task.TITLES: titles.measure,
}


def evaluate(task: Task, file: str, postings: str | None, imported: Path | None = None) -> Report:
    """Measure the production code on the labelled rows of `file`.

    Titles are coded with the taxonomies of the folder `imported` as well. With `postings` the rows name their posting
    by `hash` and are joined to it. Raises LabelledRowsError for a file that holds no rows of this task.
    """
    rows = _rows(task, file, postings)
    enricher = Enricher.load(imported)
    return _MEASURES[task](rows, enricher, enricher.taxonomy, Bootstrap())


def _rows(task: Task, file: str, postings: str | None) -> list[labelled.Row]:
    try:
        with ndjson.lines_of(file) as lines:
            if task is Task.TITLES:
                rows = titles.rows_of_table(io.TextIOWrapper(cast("BinaryIO", lines), "utf-8", newline=""))
            else:
                rows = labelled.rows_of(lines)
        if postings is not None:
            with ndjson.lines_of(postings) as lines:
                rows = labelled.joined(rows, lines)
    except ValueError as error:
        raise LabelledRowsError(f"{file}: {error}") from error
    if not rows:
        raise LabelledRowsError(f"{file} holds no rows")
    for number, row in enumerate(rows, 1):
        if _NEEDED[task] not in row:
            raise LabelledRowsError(f"{file}: row {number} has no {_NEEDED[task]!r}: these are no labelled {task}")
    return rows


def show(report: Report, console: Console, *, misses: bool) -> None:
    """Print the figures of all rows, those of groups of rows, the confusion of major groups, and what was missed."""
    console.print(f"{report.rows} rows of {report.task}, taxonomy {report.taxonomy}", highlight=False)
    console.print(_figures([figure for figure in report.figures if not figure.group]))
    for title, figures in _by_digits(report.figures).items():
        console.print(_pivot(title, figures))
    others = [figure for figure in report.figures if figure.group and not _pivots(figure)]
    if others:
        console.print(_figures(others))
    if report.confusion:
        console.print(_confusion(report))
    if misses:
        for row in report.misses[:MISSES]:
            console.print_json(data=row, indent=None, ensure_ascii=False)
        if len(report.misses) > MISSES:
            console.print(f"and {len(report.misses) - MISSES} more: --json gives all")


def _pivots(figure: Figure) -> bool:
    return bool(figure.group) and _DIGITS.match(figure.name) is not None


def _by_digits(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    """Gather the figures of groups that differ by their digits only, under what they share."""
    found: dict[str, list[Figure]] = {}
    for figure in figures:
        match = _DIGITS.match(figure.name)
        if figure.group and match:
            found.setdefault(f"{match.group(1)} by {figure.group.partition(' ')[0]}", []).append(figure)
    return found


def _figures(figures: Iterable[Figure]) -> Table:
    table = Table(title_justify="left")
    for heading in ("figure", "of"):
        table.add_column(heading, overflow="fold")
    for heading in ("value", "95 % interval", "rows"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in figures:
        table.add_row(escape(one.name), escape(one.group or "all"), _value(one), _interval(one), f"{one.n:,}")
    return table


def _pivot(title: str, figures: Iterable[Figure]) -> Table:
    table = Table(title=escape(title), title_justify="left")
    table.add_column("rows of", overflow="fold")
    for digits in "1234":
        table.add_column(f"{digits} digits" if digits != "1" else "1 digit", justify="right")
    table.add_column("rows", justify="right")
    groups: dict[str, list[Figure]] = {}
    for figure in figures:
        groups.setdefault(figure.group.partition(" ")[2], []).append(figure)
    for group, row in groups.items():
        table.add_row(escape(group), *(f"{_value(one)} {_interval(one)}" for one in row), f"{row[0].n:,}")
    return table


def _confusion(report: Report) -> Table:
    said = sorted({code for row in report.confusion.values() for code in row})
    table = Table(title="Major groups: rows by what coders said, columns by what Marsad said", title_justify="left")
    table.add_column("")
    for code in said:
        table.add_column(code, justify="right")
    for true, row in report.confusion.items():
        table.add_row(true, *(str(row.get(code, "")) for code in said))
    return table


def _value(one: Figure) -> str:
    return "–" if one.value is None else f"{one.value:.3f}"


def _interval(one: Figure) -> str:
    return "" if one.low is None or one.high is None else f"{one.low:.3f}–{one.high:.3f}"
