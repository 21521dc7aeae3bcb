import pytest

from streams.enrich.text import fold
from streams.match.notice import grade, skeleton


@pytest.mark.parametrize(
    ("french", "arabic"),
    [
        ("Khénifra", "خنيفرة"),
        ("Tiznit", "تزنيت"),
        ("Berkane", "بركان"),
        ("Settat", "سطات"),
        ("Kénitra", "القنيطرة"),
        ("Zagora", "زاكورة"),
    ],
)
def test_a_name_keeps_its_consonants_in_both_scripts(french: str, arabic: str) -> None:
    """Names that no table knows meet by the consonants of their two spellings."""
    assert skeleton(fold(french)) == skeleton(fold(arabic))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Administrateur 2ème grade - Echelle 11", "2/11"),
        ("متصرف من الدرجة الثانية - سلم 11", "2/11"),
        ("Inspecteur de 1er grade", "1/"),
        ("Technicien - échelle 9", "/9"),
        ("Technicien", None),
    ],
)
def test_grade_and_scale_read_alike_in_both_languages(title: str, expected: str | None) -> None:
    """Ordinals, digits and words of rank give one code."""
    assert grade(fold(title)) == expected
