"""The reference data is whole: regions, ISCO-08, three languages, and every code that a table of ours names."""

import re
from collections import Counter
from pathlib import Path

import pytest

import schemas
import streams

REFERENCE = Path(schemas.__file__).parent / "reference"
STREAMS = Path(streams.__file__).parent
LANGUAGES = ("fr", "ar", "en")
ARABIC, LATIN = re.compile(r"[\u0621-\u064a]"), re.compile(r"[A-Za-z]")


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a tab-separated file by its header; each has as many fields as that."""
    header, *lines = path.read_text("utf-8").splitlines()
    names = header.split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines if line and not line.startswith("#")]


REGION_ROWS = table(REFERENCE / "regions.tsv")
REGIONS = [row["code"] for row in REGION_ROWS]
OCCUPATION_ROWS = [row for path in sorted((REFERENCE / "isco08").glob("*.tsv")) for row in table(path)]
CODES = [row["code"] for row in OCCUPATION_ROWS]


def test_the_regions_are_the_twelve_of_2015() -> None:
    """ISO 3166-2:MA-01 to MA-12, each once, in order."""
    assert [f"MA-{number:02d}" for number in range(1, 13)] == REGIONS


def test_isco_08_is_whole() -> None:
    """10 major, 43 sub-major, 130 minor and 436 unit groups, each once."""
    assert Counter(map(len, CODES)) == {1: 10, 2: 43, 3: 130, 4: 436}
    assert len(set(CODES)) == len(CODES)


def test_every_group_has_its_parents_and_stands_in_its_major_groups_file() -> None:
    """No group hangs in the air, and none is in another major group's file."""
    known = set(CODES)
    assert all(code[:-1] in known for code in CODES if len(code) > 1)
    for path in (REFERENCE / "isco08").glob("*.tsv"):
        assert {row["code"][0] for row in table(path)} == {path.stem}


def test_every_group_above_the_unit_groups_has_children() -> None:
    """Each group of one to three digits is divided further."""
    parents = {code[:-1] for code in CODES}
    assert all(code in parents for code in CODES if len(code) < 4)


@pytest.mark.parametrize("path", sorted(REFERENCE.rglob("*.tsv")), ids=lambda path: path.stem)
def test_every_code_has_a_name_in_three_languages(path: Path) -> None:
    """French and English in Latin script, Arabic in Arabic script, none blank or with space around it."""
    for row in table(path):
        assert set(row) == {"code", *LANGUAGES}
        assert all(row[language] and row[language] == row[language].strip() for language in LANGUAGES), row
        assert ARABIC.search(row["ar"]), row
        assert not LATIN.search(row["ar"]), row
        assert all(LATIN.search(row[language]) and not ARABIC.search(row[language]) for language in ("fr", "en")), row


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_groups_of_a_level_share_a_name(language: str) -> None:
    """A name tells its group from all others of as many digits."""
    names = Counter((len(row["code"]), row[language].casefold()) for row in OCCUPATION_ROWS)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_occupation_of_the_lexicon_is_in_the_reference() -> None:
    """No title of ours is coded to a group that does not exist."""
    used = {row["isco"] for path in (STREAMS / "enrich" / "lexicon").glob("*.tsv") for row in table(path)}
    assert used
    assert used <= set(CODES)


def test_every_region_of_the_gazetteer_is_in_the_reference() -> None:
    """No place of ours lies in a region that does not exist, and every region has places."""
    used = {
        f"MA-{row['region']}"
        for row in table(STREAMS / "enrich" / "gazetteer" / "places.tsv")
        if row["region"].isdigit()
    }
    assert used == set(REGIONS)
