"""The words of the simulated market, read from its own tables (`words/*.tsv`)."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, cast

WORDS = Path(__file__).parent / "words"

Lang = Literal["fr", "ar", "en"]
Side = Literal["offer", "seeker"]


@dataclass(frozen=True)
class Occupation:
    """An ISCO-08 unit group as this market knows it: how often it is offered and sought, and its titles by language."""

    isco: str
    weights: dict[Side, int]
    sector: str
    education: int
    pay: tuple[int, int]
    titles: dict[Lang, tuple[str, ...]]


@dataclass(frozen=True)
class City:
    """A town, its region (ISO 3166-2:MA) and how it is written."""

    region: str
    weight: int
    fr: str
    ar: str
    other: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """All tables."""

    occupations: tuple[Occupation, ...]
    cities: tuple[City, ...]
    employers: tuple[str, ...]
    sentences: dict[tuple[str, Lang], tuple[str, ...]]

    @classmethod
    def load(cls) -> Self:
        """Read the tables."""
        heads = [row["head"] for row in _rows("employers")]
        trades = [row["trade"] for row in _rows("trades")]
        sentences: dict[tuple[str, Lang], tuple[str, ...]] = {}
        for row in _rows("sentences"):
            key = (row["part"], _lang(row["lang"]))
            sentences[key] = (*sentences.get(key, ()), row["text"])
        return cls(
            occupations=tuple(_occupation(row) for row in _rows("occupations")),
            cities=tuple(
                City(row["region"], int(row["weight"]), row["fr"], row["ar"], tuple(row["other"].split("|")))
                for row in _rows("cities")
            ),
            employers=tuple(f"{head} {trade}" for head in heads for trade in trades),
            sentences=sentences,
        )


def _occupation(row: dict[str, str]) -> Occupation:
    return Occupation(
        isco=row["isco"],
        weights={"offer": int(row["offers"]), "seeker": int(row["seekers"])},
        sector=row["sector"],
        education=int(row["education"]),
        pay=(int(row["pay_min"]), int(row["pay_max"])),
        titles={
            "fr": tuple(row["fr"].split("|")),
            "ar": tuple(row["ar"].split("|")),
            "en": tuple(row["en"].split("|")),
        },
    )


def _lang(name: str) -> Lang:
    if name not in {"fr", "ar", "en"}:
        raise ValueError(f"no language of the market: {name}")
    return cast(Lang, name)


def _rows(name: str) -> list[dict[str, str]]:
    with (WORDS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
