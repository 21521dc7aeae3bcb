"""Titles alone: the labels of a taxonomy, or a list of coded titles, asked of the coder as postings of that title.

A test of the lexicon's breadth: nomenclatures name jobs that postings seldom do, and every major group counts alike.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence

from schemas.reports import Figure, Report
from streams import offline
from streams.evaluate.figures import Bootstrap
from streams.evaluate.labelled import Row, lines

TITLES = ("title", "preferredLabel", "TITLE", "title_fr", "label")
"""Columns that hold a title, the first present counts."""

CODES = ("isco4", "iscoGroup", "isco08_codes", "MANUAL_ISCO1", "MANUAL_ISCO2", "MANUAL_ISCO3", "isco")
"""Columns that hold accepted codes."""

CONTEXT = {"INDUSTRY": "sector_raw", "TASKS": "description", "sector": "sector_raw", "description": "description"}
"""Columns that say more of the job, and the field of a posting that says it; a nomenclature's own are no postings'."""

_CODE = re.compile(r"\b\d{4}\b")


def rows_of_table(text: Iterable[str]) -> list[Row]:
    """Read a CSV or TSV with a header into rows of `title`, `isco4` and `context`; rows without a code are left out.

    Raises ValueError where no column holds titles or codes.
    """
    kept = iter(text)
    header = next(kept, "").lstrip("\ufeff")
    table = csv.DictReader([header, *kept], delimiter="\t" if "\t" in header else ",")
    named = set(table.fieldnames or ())
    title = next((name for name in TITLES if name in named), None)
    codes = [name for name in CODES if name in named]
    if title is None or not codes:
        raise ValueError(f"no column of titles ({', '.join(TITLES)}) or of codes ({', '.join(CODES)})")
    fields = {} if "conceptUri" in named else {name: CONTEXT[name] for name in CONTEXT if name in named}
    rows: list[Row] = []
    for line in table:
        accepted = [code for name in codes for code in _CODE.findall(line[name] or "")]
        if accepted and (line[title] or "").strip():
            context = {field: line[name] for name, field in fields.items() if line[name]}
            rows.append({"title": line[title].strip(), "isco4": accepted, "context": context})
    return rows


def measure(rows: Sequence[Row], enricher: offline.Enrich, taxonomy: str, draw: Bootstrap) -> Report:
    """Evaluate the best code of each title alone by digits and by major group; with its context beside, if any has."""
    alone = _answers([{"title": row["title"]} for row in rows], enricher)
    figures = list(_figures(draw, rows, alone))
    if any(row.get("context") for row in rows):
        told = _answers([{"title": row["title"]} | row["context"] for row in rows], enricher)
        figures += [
            draw.mean(f"accuracy, {digits} digits", _right(rows, told, digits), "title, industry and tasks")
            for digits in (1, 2, 3, 4)
        ]
    misses = tuple(
        {"title": row["title"], "expected": row["isco4"], "said": said}
        for row, said in zip(rows, alone, strict=True)
        if said not in row["isco4"]
    )
    return Report("titles", taxonomy, len(rows), tuple(figures), misses)


def _answers(postings: Sequence[Mapping[str, str]], enricher: offline.Enrich) -> list[str]:
    return [str(answer.get("isco_best") or "") for answer in offline.enrich(lines(postings), enricher)]


def _right(rows: Sequence[Row], said: Sequence[str], digits: int) -> list[bool]:
    return [
        bool(best) and any(best[:digits] == code[:digits] for code in row["isco4"])
        for row, best in zip(rows, said, strict=True)
    ]


def _figures(draw: Bootstrap, rows: Sequence[Row], said: Sequence[str]) -> Iterable[Figure]:
    majors = [row["isco4"][0][0] for row in rows]
    groups = ["", *(f"major {major}" for major in sorted(set(majors)))]
    for group in groups:
        for digits in (1, 2, 3, 4):
            right = _right(rows, said, digits)
            chosen = [good for good, major in zip(right, majors, strict=True) if group in {"", f"major {major}"}]
            yield draw.mean(f"accuracy, {digits} digits", chosen, group)
