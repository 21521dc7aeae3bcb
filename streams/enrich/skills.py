"""Which skills an ad names, by our own lexicon of French, Arabic and English names (`skills.tsv`).

Its columns: skill, names, and kind: `tool` where the skill is a language, program or platform with a name of its own.
"""

import csv
from functools import cache
from pathlib import Path

from schemas.messages import Posting
from streams.enrich.text import TITLE_LIMIT, Match, Phrases, Reading, fold, words

MOST = 40
"""Skills kept of one ad, in the order in which it names them."""

_SIGNS = {"c++": "cpp", "c#": "csharp", ".net": "dotnet"}
"""Names that are no words: looked for as they stand."""

_NOT = ("sage femme", "sages femmes", "excel at", "excel in", "you excel", "personne agile", "esprit agile")
"""Phrases that hold the name of a skill and are none."""


@cache
def lexicon() -> Phrases[str]:
    """Return name → skill."""
    names = {name: row["skill"] for row in _rows() for name in row["names"].split(";")}
    return Phrases(names | dict.fromkeys(_NOT, ""))


@cache
def tools() -> frozenset[str]:
    """Return the skills that are tools and technologies with a name."""
    return frozenset(row["skill"] for row in _rows() if row["kind"] == "tool")


def _rows() -> list[dict[str, str]]:
    with (Path(__file__).parent / "skills.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def skills(posting: Posting, reading: Reading) -> tuple[str, ...]:
    """Return the ids of the skills that the title, the description and the portal's list name."""
    found = _found(reading.title, reading.entitled(lexicon()))
    if posting.skills_raw:
        found += named(posting.skills_raw[: 2 * TITLE_LIMIT])
    if reading.body:
        found += _found(reading.body, reading.find(lexicon()))
    return tuple(dict.fromkeys(found))[:MOST]


def named(text: str) -> tuple[str, ...]:
    """Return the ids of the skills that a text names."""
    folded = fold(text)
    return tuple(dict.fromkeys(_found(folded, lexicon().find(words(folded)))))


def _found(text: str, named: list[Match[str]]) -> list[str]:
    found = [skill for _, _, skill in named if skill]
    if "+" in text or "#" in text or "." in text:
        found += [skill for sign, skill in _SIGNS.items() if sign in text]
    return found
