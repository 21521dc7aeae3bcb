"""Marsad's own table of places: Moroccan regions, provinces, towns, quarters and sites; countries and cities abroad.

`places.tsv`: region (two digits of ISO 3166-2:MA; `06/07` a homonym, likelier first; `11+12` both), kind, French
name, Arabic name, variants. `abroad.tsv`: country, kind, names. A name marked `!` is a common word or has a greater
namesake: it is a place only in a field that holds places. One marked `~` is a place in running text only when written
with its accents.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from streams.enrich.text import Phrases, fold, is_arabic, tokens

FOLDER = Path(__file__).parent

Kind = Literal["place", "quarter", "employer", "abroad", "morocco", "national"]


@dataclass(frozen=True)
class Name:
    """What one name stands for.

    `regions` are ISO 3166-2:MA codes, for a homonym the likeliest; `others` the regions of its namesakes. `accented`
    is the spelling that running text must hold for the name to count, `field_only` bars it there.
    """

    kind: Kind
    regions: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    field_only: bool = False
    accented: str = ""


MOROCCO = (
    "Maroc",
    "Morocco",
    "Marocco",
    "Marruecos",
    "المغرب",
    "المملكة المغربية",
    "Royaume du Maroc",
    "بالمغرب",
    "المغربية",
)

NATIONAL = (
    "tout le Maroc", "tous le Maroc", "partout au Maroc", "toutes les régions", "toute la région du Maroc",
    "toutes régions", "toutes les villes", "toutes villes", "plusieurs villes", "villes du Royaume",
    "différentes villes", "diverses villes", "à travers le Maroc", "à travers le Royaume", "échelle nationale",
    "niveau national", "territoire national", "national", "nationwide", "all Morocco", "across Morocco",
    "all over Morocco", "région indifférente", "autres régions Maroc", "ensemble du territoire",
    "tout le territoire", "tout le Royaume", "plusieurs régions", "وطني", "الصعيد الوطني", "المستوى الوطني",
    "كافة التراب الوطني", "التراب الوطني", "جميع المدن", "كل المدن", "جميع الجهات", "جميع جهات المملكة",
    "كل المغرب", "كافة المدن", "جميع أنحاء المغرب", "مدن المملكة", "جميع مدن المملكة", "عدة مدن",
)  # fmt: skip

_KINDS: dict[str, Kind] = {"quarter": "quarter", "employer": "employer"}
_PREFIXES = ("و", "ب", "ل", "ف", "وب", "ول")


def rows(file: str) -> list[dict[str, str]]:
    """Return the rows of one of the two tables."""
    with (FOLDER / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def spellings(row: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each name of a row with its mark (empty, `!` or `~`)."""
    for name in (row["fr"], row["ar"], *row["variants"].split(";")):
        if name:
            bare = name.lstrip("!~")
            yield bare, name[: len(name) - len(bare)]


def forms(name: str) -> Iterator[str]:
    """Yield the folded forms of a name that text holds: as written, in one word, behind an Arabic proclitic."""
    parts = tokens(name)
    yield " ".join(parts)
    if len(parts) > 1 and len(joined := "".join(parts)) > 6:
        yield joined
    if parts and is_arabic(parts[0]):
        head, tail = parts[0], parts[1:]
        for prefix in _PREFIXES:
            yield " ".join((prefix + head, *tail))
        if head.startswith("ال"):
            yield " ".join(("لل" + head[2:], *tail))


def _codes(cell: str) -> tuple[str, ...]:
    return tuple(f"MA-{code}" for code in cell.split("+"))


def _abroad() -> Iterator[tuple[str, Name]]:
    for row in rows("abroad.tsv"):
        for bare, mark in spellings(row):
            for form in forms(bare):
                yield form, Name("abroad", field_only=mark == "!")


@cache
def foreign() -> Phrases[Name]:
    """Return the countries and cities abroad that count in running text."""
    return Phrases({form: name for form, name in _abroad() if not name.field_only})


@cache
def names() -> Phrases[Name]:
    """Return every name of both tables as phrases."""
    table: dict[str, Name] = {}
    clear: dict[str, Name] = {}
    for row in rows("places.tsv"):
        likeliest, *namesakes = (_codes(cell) for cell in row["region"].split("/"))
        kind = _KINDS.get(row["kind"], "place")
        for bare, mark in spellings(row):
            name = Name(
                kind,
                likeliest,
                tuple(code for codes in namesakes for code in codes),
                field_only=mark == "!",
                accented=bare.casefold() if mark == "~" else "",
            )
            for form in forms(bare):
                (table if mark else clear).setdefault(form, name)
    for form, name in _abroad():
        table.setdefault(form, name)
    table |= {phrase: Name("morocco") for phrase in MOROCCO} | {phrase: Name("national") for phrase in NATIONAL}
    return Phrases(clear | {form: name for form, name in table.items() if form not in clear})


@cache
def towns() -> dict[str, tuple[str, ...]]:
    """Return the regions of the towns with a Latin name of five letters or more, for misspelt place fields."""
    return {
        " ".join(tokens(bare)): _codes(row["region"])
        for row in rows("places.tsv")
        if row["kind"] in {"city", "province", "town"} and "/" not in row["region"]
        for bare, mark in spellings(row)
        if not mark and not is_arabic(fold(bare)) and len(bare) > 4
    }
