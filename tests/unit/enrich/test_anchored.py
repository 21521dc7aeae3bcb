"""Patterns that are only tried where a text makes it worth while find what they find when they are tried everywhere."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.enrich import education, experience, openings, text
from streams.enrich.occupation import coder
from streams.enrich.occupation import words as titles
from streams.match import signature

ANCHORED = {
    f"{module.__name__}.{name}": value
    for module in (education, experience, openings, coder, titles, signature)
    for name, value in vars(module).items()
    if isinstance(value, text.Anchored)
}
GUARDED = (
    (openings._BOTH, openings._BRACKET.search),
    (openings._SPELT, lambda found: not openings._SPELT_WORDS.isdisjoint(text.words(found))),
    (titles._BUYERS, lambda found: any(map(found.__contains__, titles._BUYING))),
    (titles._RESPONSIBILITY, lambda found: any(map(found.__contains__, titles._RESPONSIBLE))),
)
SAID = (
    "\n;(;);e;s;-;/;.;3;12;٣;0; a ;bac;+;un ;deux ;poste;postes ; de ;recrut;recherche;cherchons ;experience; non;ref;"
    ": a1234;technicien;مطلوب;_;d;  "
)
BITS = st.sampled_from(SAID.split(";"))


def test_there_are_anchored_patterns() -> None:
    """The tests below look at all of them."""
    assert len(ANCHORED) >= 8


@pytest.mark.parametrize("anchored", ANCHORED.values(), ids=ANCHORED)
@given(data=st.data())
def test_an_anchored_pattern_finds_what_its_pattern_finds(anchored: text.Anchored, data: st.DataObject) -> None:
    """It gives the same matches in the same order, and cuts the same out."""
    parts = data.draw(st.lists(BITS | st.from_regex(anchored.pattern), max_size=12))
    said = "".join(parts)
    wanted = list(anchored.pattern.finditer(said))
    assert [(found.span(), found.groups()) for found in anchored.matches(said)] == [
        (found.span(), found.groups()) for found in wanted
    ]
    assert anchored.cut(said) == anchored.pattern.sub("", said)
    first = anchored.search(said)
    assert (first and first.span()) == (wanted[0].span() if wanted else None)


@pytest.mark.parametrize(("pattern", "asked"), GUARDED, ids=lambda value: getattr(value, "pattern", "")[:20])
@given(data=st.data())
def test_what_is_asked_first_is_in_every_match(pattern: re.Pattern[str], asked: object, data: st.DataObject) -> None:
    """A text that has a match passes the quick test."""
    said = data.draw(st.from_regex(pattern))
    assert callable(asked)
    assert pattern.search(said) is None or asked(said)


SIGNS = st.sampled_from(
    [*'/|,;:()[]{}\n!?"*_•-.=> ', " ou ", " or ", "ou", "a", "b ", "c1", "->", "=>", " - ", "..", "é"]
)


@given(st.lists(SIGNS, max_size=60).map("".join))
@example("a or ou b ou - c")
def test_a_title_is_parted_as_by_its_separators(title: str) -> None:
    """The words of each part are the same, but for words that carry no evidence."""

    def told(parts: list[str]) -> list[list[str]]:
        said = [[word for word in text.words(part) if word not in titles.STOP] for part in parts]
        return [part for part in said if part]

    assert told(titles._parted(title)) == told(titles._SEPARATOR.split(title, maxsplit=4 * titles.SEGMENTS))


@given(st.text(max_size=60) | st.text(st.characters(max_codepoint=0x2200), max_size=60))
def test_words_by_tables_of_bytes_are_those_of_the_pattern(said: str) -> None:
    """Words are runs of letters and digits, whatever the text's code page."""
    assert text.words(said) == text._WORD.findall(said)
