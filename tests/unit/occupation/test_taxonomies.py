from pathlib import Path

import pytest

from streams.enrich.occupation import Coder
from streams.enrich.occupation.lexicon import Entry, write
from streams.enrich.occupation.taxonomies import esco, language_of, national
from streams.enrich.taxonomy import taxonomy_version

KNOWN = frozenset(("7", "7212", "2654", "1113"))
ESCO = (
    "conceptType,iscoGroup,preferredLabel,altLabels\n"
    'Occupation,2654,directeur technique/directrice technique,"régisseur\nrégisseuse"\n'
    "Occupation,C7212,soudeur,\n"
)


def test_escos_table_gives_preferred_and_alternative_labels_by_gender() -> None:
    """Each label of a row is a title of its group; a label of two genders gives two; a line feed parts alternatives."""
    assert list(esco(ESCO.splitlines(keepends=True), "fr", KNOWN)) == [
        Entry("2654", "fr", "directeur technique"),
        Entry("2654", "fr", "directrice technique"),
        Entry("2654", "fr", "régisseur"),
        Entry("2654", "fr", "régisseuse"),
        Entry("7212", "fr", "soudeur"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a,b\n1,2\n", "iscoGroup"), (ESCO.replace("C7212", "9999"), "9999"), ("", "preferredLabel")],
)
def test_another_table_or_code_is_no_esco(text: str, reason: str) -> None:
    """A table without ESCO's columns, or with a code that ISCO-08 has not, is refused and says why."""
    with pytest.raises(ValueError, match=reason):
        list(esco(text.splitlines(keepends=True), "fr", KNOWN))


@pytest.mark.parametrize(
    ("name", "language"),
    [("occupations_fr.csv", "fr"), ("esco_v1.2_occupations_ar.csv", "ar"), ("skills_fr.csv", None)],
)
def test_escos_files_say_their_language(name: str, language: str | None) -> None:
    """The language of a file of occupations stands in its name; other files have none."""
    assert language_of(name) == language


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_national_nomenclature_is_a_table_of_label_language_and_code(delimiter: str) -> None:
    """Columns are known by name in French or English, in any order, with three delimiters and codes of any length."""
    rows = (("CITP", "Libellé", "Langue"), ("1113", "moqaddem", "FR"), ("7", "صانع", "ar"))
    lines = [delimiter.join(row) + "\n" for row in rows]
    assert list(national(["\ufeff" + lines[0], *lines[1:]], KNOWN)) == [
        Entry("1113", "fr", "moqaddem"),
        Entry("7", "ar", "صانع"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x,fr,9999", "line 2.*9999"),
        ("x,de,7212", "line 2.*'de'"),
        (",fr,7212", "line 2"),
        ("x" * 201 + ",fr,7212", "201"),
    ],
)
def test_a_broken_line_of_a_nomenclature_is_named(line: str, reason: str) -> None:
    """An unknown code or language and an empty or endless label stop the import and name the line."""
    with pytest.raises(ValueError, match=reason):
        list(national(["label,language,isco\n", line + "\n"], KNOWN))


def test_an_imported_title_is_coded_and_changes_the_taxonomys_name(tmp_path: Path) -> None:
    """What was imported counts beside the lexicon, and every record says that it did."""
    before = taxonomy_version(tmp_path)
    assert before == taxonomy_version()
    write(tmp_path / "own-1.tsv", [Entry("1113", "fr", "moqaddem zzyzx")])
    assert Coder.load(tmp_path).code("Moqaddem zzyzx").isco_best == "1113"
    assert taxonomy_version(tmp_path) != before
