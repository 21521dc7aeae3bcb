import pytest

from schemas.messages import Enrichment
from streams.evaluate.figures import Bootstrap
from streams.evaluate.titles import measure, rows_of_table
from tests.unit.evaluate.conftest import Told

CODED = """\ufeffID,TITLE,TASKS,INDUSTRY,MANUAL_ISCO1,MANUAL_ISCO2
1,Welder,"joins metal, all day",Metal,7212,
2,Clerk,,Office,41,
3,Driver,,,8322,8332
"""


def test_a_table_gives_titles_with_four_digit_codes_and_their_context() -> None:
    """Columns are known by name, every code column counts, and rows without four digits are left out."""
    rows = rows_of_table(CODED.splitlines(keepends=True))
    assert [(row["title"], row["isco4"]) for row in rows] == [("Welder", ["7212"]), ("Driver", ["8322", "8332"])]
    assert rows[0]["context"] == {"sector_raw": "Metal", "description": "joins metal, all day"}


def test_a_taxonomy_is_asked_by_its_labels_alone() -> None:
    """A nomenclature's descriptions are no postings' and stay out; tab-separated tables read alike."""
    table = "conceptUri\tiscoGroup\tpreferredLabel\tdescription\nu\t7212\tsoudeur\tIl soude.\n"
    assert rows_of_table(table.splitlines(keepends=True)) == [{"title": "soudeur", "isco4": ["7212"], "context": {}}]


def test_a_table_without_titles_or_codes_is_refused() -> None:
    """A file of another kind names the columns that were looked for."""
    with pytest.raises(ValueError, match="preferredLabel"):
        rows_of_table(["a,b\n", "1,2\n"])


def test_figures_stand_by_major_group_and_with_context_beside(draw: Bootstrap) -> None:
    """A title is right when any accepted code shares the digits of its best code."""
    told = Told({"Welder": Enrichment(isco_best="7213"), "Driver": Enrichment(isco_best="8332")})
    report = measure(rows_of_table(CODED.splitlines(keepends=True)), told, "t", draw)
    assert report.value("accuracy, 4 digits") == 0.5
    assert report.value("accuracy, 3 digits") == 1.0
    assert report.value("accuracy, 4 digits", "major 8") == 1.0
    assert report.value("accuracy, 4 digits", "title, industry and tasks") == 0.5
    assert [miss["title"] for miss in report.misses] == ["Welder"]
