import re

import pytest

from dashboard.names import LANGUAGES, Language, read_names
from dashboard.wall import FOLDER, STATIC, read_wall

WALL = read_wall()
NAMES = read_names()
SCRIPT = (STATIC / "wall.js").read_text("utf-8")


def test_every_language_has_every_sentence() -> None:
    """The three languages have the same labels, with the same blanks to fill."""
    french = WALL.texts["fr"]
    for language in LANGUAGES:
        texts = WALL.texts[language]
        assert texts.keys() == french.keys()
        for name, sentence in texts.items():
            assert sentence.strip(), (language, name)
            assert sorted(re.findall(r"\{\w+\}", sentence)) == sorted(re.findall(r"\{\w+\}", french[name])), name


def test_every_label_of_the_page_and_script_exists() -> None:
    """The page and its script name no label that no language has."""
    used = set(re.findall(r'data-text="(\w+)"', WALL.template)) | set(re.findall(r"\btext\.(\w+)", SCRIPT))
    assert used <= WALL.texts["fr"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_carries_its_language_and_direction(language: Language) -> None:
    """The document says its language and direction from the first byte, and leaves no blank unfilled."""
    page = WALL.page(language)
    direction = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{direction}">' in page
    assert not re.search(r"\{\w+\}", page)


def test_the_page_runs_no_inline_code_and_loads_nothing_from_elsewhere() -> None:
    """A strict content policy holds: no inline script or style, no handler attribute, no address of another host."""
    for text in (
        WALL.template,
        (STATIC / "wall.css").read_text("utf-8"),
        SCRIPT.replace("http://www.w3.org/2000/svg", ""),
    ):
        assert not re.search(r"https?://|//cdn", text)
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", WALL.template)


def test_every_region_has_a_name_and_a_tile() -> None:
    """The twelve regions have names in each language and a place on the map, no two the same place."""
    tiles = dict(re.findall(r'"(MA-\d\d)": \[(\d, \d)\]', SCRIPT))
    regions = {code for code in NAMES["fr"].regions if code != "MA"}
    assert len(regions) == 12
    assert tiles.keys() == regions
    assert len(set(tiles.values())) == 12
    for language in LANGUAGES:
        assert all(NAMES[language].region(code) != code for code in regions)


def test_every_font_has_its_licence() -> None:
    """A font that is shipped is used, listed with its licence, and its licence stands beside it."""
    fonts = STATIC / "fonts"
    listed = (fonts / "README.md").read_text("utf-8")
    style = (STATIC / "wall.css").read_text("utf-8")
    for font in fonts.glob("*.woff2"):
        assert font.name in listed
        assert font.name in style
    assert len(list(fonts.glob("*-OFL.txt"))) == 2
    assert FOLDER.name == "wall"
