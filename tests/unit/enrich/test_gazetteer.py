import csv
import re
from pathlib import Path

from schemas import messages
from streams.enrich.gazetteer import names, rows, spellings
from streams.enrich.text import fold, is_arabic, tokens

REGIONS = Path(messages.__file__).parent / "reference" / "regions.tsv"


def test_the_reference_names_twelve_regions_in_three_languages() -> None:
    """Codes are MA-01 to MA-12, each with a French, an Arabic and an English name."""
    with REGIONS.open(encoding="utf-8", newline="") as lines:
        regions = list(csv.DictReader(lines, delimiter="\t"))
    assert [region["code"] for region in regions] == [f"MA-{number:02d}" for number in range(1, 13)]
    assert all(region["fr"] and region["en"] and is_arabic(fold(region["ar"])) for region in regions)


def test_every_region_is_found_by_its_reference_names() -> None:
    """The gazetteer reads each region's official names, in every language, as that region alone."""
    with REGIONS.open(encoding="utf-8", newline="") as lines:
        for region in csv.DictReader(lines, delimiter="\t"):
            for language in ("fr", "ar", "en"):
                found = names().find(tokens(region[language]))
                assert {code for _, _, name in found for code in name.regions} == {region["code"]}, region[language]


def test_rows_are_well_formed() -> None:
    """Each place has known regions and kind, a French name, and no name twice in its row."""
    table = rows("places.tsv")
    assert len(table) > 600
    for row in table:
        assert re.fullmatch(r"(0[1-9]|1[0-2])([+/](0[1-9]|1[0-2]))*", row["region"]), row
        assert row["kind"] in {"region", "city", "province", "town", "quarter", "site", "employer"}
        assert row["fr"].strip("!~")
        folded = [(tokens(name), mark) for name, mark in spellings(row)]
        assert len(folded) == len(set(folded)), row


def test_no_country_hides_a_moroccan_town() -> None:
    """A name of a Moroccan place that counts in running text is never read as abroad."""
    for row in rows("places.tsv"):
        if row["kind"] in {"region", "city", "province", "town"}:
            for name, mark in spellings(row):
                found = names().get(" ".join(tokens(name)))
                assert found is not None
                assert mark or found.kind != "abroad", name
