"""Names of occupations and regions in French, Arabic and English, from `schemas/reference`."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from schemas.messages import NATION

Language = Literal["fr", "ar", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

REFERENCE = Path(__file__).parent.parent / "schemas" / "reference"

_NATION = {"fr": "Maroc", "ar": "المغرب", "en": "Morocco"}


@dataclass(frozen=True)
class Names:
    """Names of occupations and regions in one language, by code."""

    occupations: Mapping[str, str]
    regions: Mapping[str, str]

    def occupation(self, code: str) -> str:
        """Name an ISCO-08 code; the code itself where there is no name."""
        return self.occupations.get(code, code)

    def region(self, code: str) -> str:
        """Name a region; the code itself where there is no name."""
        return self.regions.get(code, code)


def read_names(reference: Path = REFERENCE) -> Mapping[Language, Names]:
    """Read the tables `isco08/*.tsv` and `regions.tsv` (columns code, fr, ar, en). Raises OSError without them."""
    occupations = [row for path in sorted((reference / "isco08").glob("*.tsv")) for row in _rows(path)]
    regions = _rows(reference / "regions.tsv")
    return {
        language: Names(
            {row["code"]: row[language] for row in occupations},
            {NATION: _NATION[language]} | {row["code"]: row[language] for row in regions},
        )
        for language in LANGUAGES
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
