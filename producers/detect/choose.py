"""Which candidate is which field: by what it is called, what its values look like, and how many items have it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Generic, TypeVar

from producers.detect.words import LOOKS, named
from producers.shape import Field
from producers.sources import Pick

Key = TypeVar("Key")


@dataclass(frozen=True)
class Candidate(Generic[Key]):
    """A place in an item: how the source would name it (`key`), the words around it, and its value in each item.

    `bonus` is added for fields that this place is likely to hold whatever it is called: a heading is a title.
    """

    key: Key
    names: tuple[tuple[str, ...], ...]
    values: tuple[str | None, ...]
    bonus: Mapping[Field, float] = field(default_factory=dict)
    order: int = 0

    @property
    def filled(self) -> list[str]:
        """The values that there are."""
        return [value for value in self.values if value]


ORDER: tuple[Field, ...] = (
    "url",
    "title",
    "date_raw",
    "deadline_raw",
    "city",
    "company",
    "contract_raw",
    "salary_raw",
    "positions",
    "source_id",
    "region_raw",
    "description",
    "sector_raw",
    "education_raw",
    "experience_raw",
    "skills_raw",
    "lang_portal",
)

NEEDS_NAME = frozenset(name for name in ORDER if name not in {"url", "title", "date_raw", "city"})
"""Fields that are taken only where something says that they are them: their values look like much else."""

LOOKS_WEIGH: Mapping[Field, float] = {"date_raw": 0.7, "deadline_raw": 0.65, "city": 0.6}
"""How much of a field's worth its values' looks are, where that is not half."""

_RIVALS: Mapping[Field, tuple[Field, ...]] = {"city": (), "date_raw": ("deadline_raw",), "deadline_raw": ("date_raw",)}
"""Fields whose names speak against one that its values speak for: a place is one whatever it is called."""

LEAST: Mapping[Field, float] = {"title": 0.45, "city": 0.36, "date_raw": 0.5}


def merit(field_: Field, candidate: Candidate[Key]) -> float:
    """Return how well a candidate would do as a field: 0 when it cannot be it."""
    filled = candidate.filled
    if not filled:
        return 0.0
    coverage = len(filled) / len(candidate.values)
    looks = fmean(LOOKS[field_](value) for value in filled[:40])
    name = called(field_, candidate)
    distinct = len(set(filled)) / len(filled)
    if not _possible(field_, filled, looks, name, distinct):
        return 0.0
    rivals = _RIVALS.get(field_, ORDER) if looks >= 0.7 else ORDER
    rival = max((called(other, candidate) for other in rivals if other != field_), default=0.0)
    if rival > name + 0.15:
        name, looks = name / 2, looks / 2
    weight = LOOKS_WEIGH.get(field_, 0.5)
    worth = weight * looks + (1 - weight) * name + candidate.bonus.get(field_, 0.0)
    if field_ == "title":
        worth += 0.2 * distinct
    return worth * (0.25 + 0.75 * coverage)


def _possible(field_: Field, filled: Sequence[str], looks: float, name: float, distinct: float) -> bool:
    """Whether values may be a field's at all, however they are called."""
    if field_ in NEEDS_NAME and name < 0.45:
        return False
    possible = True
    match field_:
        case "date_raw" | "deadline_raw" | "positions":
            possible = looks >= 0.35
        case "url" | "source_id":
            possible = looks >= 0.35 and distinct >= 0.9
        case "city":
            possible = looks >= 0.3 or (name >= 0.55 and not _other(filled))
        case "title":
            possible = looks >= 0.2 and distinct >= 0.3
        case "description":
            possible = fmean(map(len, filled)) >= 40
    return possible


def called(field_: Field, candidate: Candidate[Key]) -> float:
    """Return how surely what stands around a candidate names a field."""
    return max((named(field_, names) for names in candidate.names), default=0.0)


def _other(filled: Sequence[str]) -> bool:
    """Whether what is called a place is plainly something else: an address, a date, a long text."""
    return fmean(map(len, filled)) > 90 or any(value.startswith("http") for value in filled)


def choose(candidates: Sequence[Candidate[Key]], known: Sequence[Field] = ()) -> dict[Field, Candidate[Key]]:
    """Return the best candidate of each field but the `known` ones; none serves as two, but for the address.

    Where two dates stand in an item and nothing names them, the first is its publication.
    """
    chosen: dict[Field, Candidate[Key]] = {}
    taken: set[int] = set()
    for name in ORDER:
        if name in known:
            continue
        rated = [
            (merit(name, candidate), -candidate.order, -index)
            for index, candidate in enumerate(candidates)
            if index not in taken
        ]
        if not rated:
            continue
        worth, _, place = max(rated)
        index = -place
        if worth >= LEAST.get(name, 0.4):
            chosen[name] = candidates[index]
            taken.add(index)
    return chosen


BRACKETS = r"\(([^()]+)\)\s*$"
"""What stands in brackets at the end of a text."""


NEAR = r"(?:\bà|\bin|في|ب(?=ال)) *([^\s,.|()-]+(?:[ -][A-ZÀ-Þ][\w-]+)*)"
"""A name after a word for "in"."""


def parted(pick: Pick) -> bool:
    """Whether `pick` takes the first or last part of a text, or what stands in brackets behind it."""
    return pick.pattern == BRACKETS or (bool(pick.split) and not pick.pattern and pick.part in {0, -1})


def without(pick: Pick) -> str:
    """Return the pattern that leaves out of a text what `pick` takes of it: its first or last part, or brackets."""
    if pick.pattern:
        return r"^(.+?)\s*\([^()]*\)\s*$"
    separator = re.escape(pick.split)
    return f"^(.+){separator}" if pick.part == -1 else f"^.*?{separator}(.+)$"
