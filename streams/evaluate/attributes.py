"""Attributes: what enrichment reads out of a posting against what two readers both say that it states.

A value counts as found when it is the readers' own, as false when they say another or none, as lost when they say one
and it is not said. Lists count value by value. What only one reader says is scored neither way. Of the skills only
tools and technologies with a name count: the readers were asked for no others.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from schemas.reports import Figure, Report
from streams import offline
from streams.enrich.skills import named, tools
from streams.evaluate.figures import Bootstrap, precision_recall
from streams.evaluate.labelled import Row, lines, question

ATTRIBUTES = (
    "contract", "isced", "experience_min", "experience_max", "salary_min", "salary_max", "salary_basis", "openings",
    "sector_isic", "remote", "languages", "published_on", "deadline_on", "skills",
)  # fmt: skip
LISTS = frozenset(("languages", "skills"))


class Counts(NamedTuple):
    """Values of one attribute of one row that were found, wrongly said, and lost."""

    found: int
    false: int
    lost: int


def measure(rows: Sequence[Row], enricher: offline.Enrich, taxonomy: str, draw: Bootstrap) -> Report:
    """Evaluate the rows with `attributes` and `attributes_unsure`; others are left out."""
    rows = [row for row in rows if "attributes" in row]
    answers = list(offline.enrich(lines(question(row) for row in rows), enricher))
    figures: list[Figure] = []
    misses: list[Row] = []
    for name in ATTRIBUTES:
        scored: list[Counts] = []
        for row, answer in zip(rows, answers, strict=True):
            true, said, unsure = _values(row, answer, name)
            if name in LISTS:
                said, true = said - unsure, true - unsure
            elif unsure:
                continue
            counts = Counts(len(true & said), len(said - true), len(true - said))
            scored.append(counts)
            if counts.false or counts.lost:
                misses.append(
                    {"hash": row["hash"], "attribute": name, "expected": sorted(map(str, true)),
                     "said": sorted(map(str, said)), "title": row.get("title")}
                )  # fmt: skip
        found, false, lost = zip(*scored, strict=True) if scored else ((), (), ())
        figures += precision_recall(draw, found, false, lost, f"attribute {name}")
    return Report("attributes", taxonomy, len(rows), tuple(figures), tuple(misses))


def _values(row: Row, answer: Mapping[str, Any], name: str) -> tuple[set[object], set[object], set[object]]:
    """Return what the readers say, what enrichment says, and what only one reader says."""
    true, said = _listed(row["attributes"].get(name)), _listed(answer.get(name))
    unsure = _listed((row.get("attributes_unsure") or {}).get(name))
    if name == "skills":
        return _tools(true), {skill for skill in said if skill in tools()}, _tools(unsure)
    return set(true), set(said), set(unsure)


def _listed(value: Any) -> Sequence[Any]:  # noqa: ANN401 - a field of a JSON object
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _tools(names: Sequence[str]) -> set[object]:
    """Return the readers' words as the lexicon's tools; a word that it does not know stands for itself."""
    found: set[object] = set()
    for name in names:
        known = named(name)
        found.update([skill for skill in known if skill in tools()] if known else [name])
    return found
