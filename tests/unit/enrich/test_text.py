import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.text import _TABLE, TEXT_LIMIT, Phrasebook, Phrases, fold, is_arabic, leftmost, plain, tokens, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Aïn Sebaâ (H/F)", "ain sebaa (h/f)"),
        ("l’Œuvre « Été »", 'l\'oeuvre " ete "'),
        ("السـّـلطات الإقليمية", "السلطات الاقليميه"),
        ("ﻟﻠﻤﻐﺮﺏ ٢٠٢٤", "للمغرب 2024"),
        ("𝗖𝗼𝗺𝗽𝘁𝗮𝗯𝗹𝗲\u200f", "comptable"),
        ("e\u0301te\u0301", "ete"),
        ("a\x00b\tc\u2028d", "a b c\nd"),
        ("Straße", "strasse"),
    ],
)
def test_one_form_for_all_spellings(text: str, folded: str) -> None:
    """Accents, marks, presentation forms, bold type, digits and controls fold to one form."""
    assert fold(text) == folded


@given(st.text(), st.text())
def test_folding_is_character_by_character(left: str, right: str) -> None:
    """Folding a text is folding its parts, so no run of marks can make it slow."""
    assert fold(left + right) == fold(left) + fold(right)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """Folded text is its own folded form."""
    once = fold(text)
    assert fold(once) == once


@given(st.text())
def test_words_hold_no_mark_and_no_space(text: str) -> None:
    """Words are runs of letters and digits."""
    assert all(
        word and not any(letter.isspace() or letter in "()/,.;:!?\"'-_" for letter in word) for word in tokens(text)
    )


@pytest.mark.parametrize(
    "hostile", ["a\u0301\u0323" * 100_000, "<" * 300_000, "&" * 300_000, "\u0651" * 300_000, "ﷺ" * 50_000]
)
def test_hostile_text_is_cheap(hostile: str) -> None:
    """Zalgo, unclosed tags and ligatures of eighteen letters cost what their length costs."""
    started = time.process_time()
    words(fold(plain(hostile, 300_000)))
    assert time.process_time() - started < 1.0


def test_plain_drops_tags_and_resolves_references() -> None:
    """Tags become spaces, references their characters, escapes nothing; beyond the limit nothing is read."""
    assert words(plain(r"<p>CDI&nbsp;&amp; <b>prime</b> 16\.000</p>")) == ["CDI", "prime", "16", "000"]
    assert len(plain("x" * 100_000)) == TEXT_LIMIT


def test_arabic_is_recognised() -> None:
    """One Arabic letter makes a text Arabic."""
    assert is_arabic(fold("Agent سائق"))
    assert not is_arabic(fold("Réception – 5 €"))


@given(
    st.text(st.one_of(st.characters(max_codepoint=255), st.sampled_from("’‘“”–—…•€œŒ™šŽŸ‚„†ˆ‰‹›ƒ˜ßæ\x01\x02\x81\x9d")))
)
def test_tables_of_bytes_fold_as_the_table_of_characters(text: str) -> None:
    """Folding by a code page is folding character by character."""
    assert fold(text) == text.translate(_TABLE)


def test_phrases_match_the_longest_from_the_left() -> None:
    """Of phrases that begin alike the longest counts, and matches do not overlap."""
    table = Phrases({"Sala Al Jadida": 1, "El Jadida": 2, "Sala": 3})
    assert table.find(tokens("Technopolis, Sala al-Jadida / Sala")) == [(1, 4, 1), (4, 5, 3)]
    assert table.find(()) == []
    assert table.get("el jadida") == 2


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_phrases_find_lies_inside_the_text(text: list[str]) -> None:
    """Matches are ordered, apart and inside the text."""
    found = Phrases({"a": 1, "a b": 2, "b c a": 3}).find(text)
    ends = [0, *(end for _, end, _ in found)]
    assert all(
        0 <= start < end <= len(text) and start >= before for (start, end, _), before in zip(found, ends, strict=False)
    )


PHRASES = st.dictionaries(
    st.lists(st.sampled_from(["a", "bb", "ccc", "dd"]), min_size=1, max_size=4).map(" ".join),
    st.integers(0, 9),
    max_size=12,
)


@given(st.lists(PHRASES, max_size=3), st.lists(st.sampled_from(["a", "bb", "ccc", "dd", "e"]), max_size=30))
def test_tables_that_are_looked_for_at_once_find_what_each_finds(tables: list[dict[str, int]], text: list[str]) -> None:
    """A phrasebook's matches, longest from the left, are those of each table, also in the text's first words alone."""
    phrases = [Phrases(table) for table in tables]
    found = Phrasebook(phrases).find(text)
    for table in phrases:
        for limit in (None, 0, 7):
            assert leftmost(found.get(table, []), limit) == table.find(text[:limit])
