"""Text as portals send it becomes readable, and readable text stays as it is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.text import plain, repair

FRENCH_AND_ARABIC = st.text(alphabet="abcdeéèàùçôÀÉÙœ’«» \u00a0€المغربوظيفةشغل0123456789,.()", max_size=60)


@given(st.text(alphabet="abcéèàçôûœ’«»€المغربوظيفة ", max_size=60))
def test_double_encoding_is_undone(text: str) -> None:
    """Text that was read as cp1252 and written as UTF-8 again comes back."""
    broken = text.encode().decode("cp1252", "replace")
    if "\ufffd" not in broken and "Ø" not in broken and "Ù" not in broken:
        assert repair(broken) == text


@given(FRENCH_AND_ARABIC)
def test_good_text_is_left_alone(text: str) -> None:
    """French and Arabic text, capitals and no-break spaces included, is never repaired."""
    assert repair(text) == text


@pytest.mark.parametrize(
    ("broken", "good"),
    [
        ("dÃ©veloppeur", "développeur"),
        ("dâ\x80\x99emploi", "d’emploi"),
        ("Ø§Ù„Ù…ØºØ±Ø¨", "المغرب"),
        ("Ãƒ©", "é"),
        ("OÙ\u00a0aller", "OÙ\u00a0aller"),
    ],
)
def test_known_breakage(broken: str, good: str) -> None:
    """The breakage seen on real portals is put right."""
    assert repair(broken) == good


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Bonjour&nbsp;<b>D</b>ev</p><p>ok</p>", "Bonjour Dev\nok"),
        ("&lt;p&gt;Bonjour&lt;/p&gt;", "Bonjour"),
        ("a<script>alert(1)</script>b<br>c", "ab\nc"),
        ("CA < 5 M€ et > 3", "CA < 5 M€ et > 3"),
        ("R&amp;D   et\n\n\n plus", "R&D et\nplus"),
        ("وظيفة <b>محاسب</b>", "وظيفة محاسب"),
    ],
)
def test_markup_goes_and_words_stay(markup: str, text: str) -> None:
    """HTML is taken off without joining or splitting words."""
    assert plain(markup) == text


HOSTILE = 2_000_000


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * HOSTILE,
        "<p " * HOSTILE,
        "&lt;p " * HOSTILE,
        "&" * HOSTILE,
        "\n " * HOSTILE,
        "x" * HOSTILE,
        "â€" * HOSTILE,
    ],
    ids=["nested", "unclosed", "escaped", "entities", "lines", "word", "broken"],
)
def test_hostile_text_takes_time_in_proportion(text: str) -> None:
    """Megabytes made to be slow are read in seconds, not in hours."""
    started = time.process_time()
    plain(repair(text))
    assert time.process_time() - started < 20
