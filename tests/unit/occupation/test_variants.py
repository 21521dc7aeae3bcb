"""A lexicon title and the same as an ad may write it are one job: `pytest -s` prints the share that keeps its code."""

import random
from collections.abc import Callable

import pytest

from streams.enrich.occupation import Coder
from streams.enrich.occupation.lexicon import load

TITLES = 300
FEMININES = (("teur", "trice"), ("eur", "euse"), ("ier", "ière"), ("ien", "ienne"), ("é", "ée"), ("ant", "ante"))

Variant = Callable[[str, str], str | None]
"""Writes a title, given as its first word and the rest, another way; None where that cannot be."""


def feminine(word: str) -> tuple[str, str] | None:
    """The feminine of a French word, and the ending that tells it."""
    for masculine, ending in FEMININES:
        if word.endswith(masculine):
            return word[: -len(masculine)] + ending, ending
    return None


def pair(form: str) -> Variant:
    """Both genders of the first word: `form` has {m}, {f} and {e}, the feminine's ending."""

    def write(first: str, rest: str) -> str | None:
        found = feminine(first)
        return found and f"{form.format(m=first, f=found[0], e=found[1])} {rest}"

    return write


def said(form: str) -> Variant:
    """The title within a sentence."""
    return lambda first, rest: form.format(f"{first} {rest}".strip())


def arabic(form: str) -> Variant:
    """The first word of an Arabic title with another ending: `form` has {m}."""

    def write(first: str, rest: str) -> str | None:
        return f"{form.format(m=first)} {rest}" if rest and len(first) > 3 and first[-1] not in "ةهياء" else None

    return write


VARIANTS: list[tuple[str, str, Variant]] = [
    *[
        ("fr", form, pair(form))
        for form in ("{m} / {f}", "{m}/{e}", "{m}({e})", "{m} ({f})", "{m} et {f}", "{m}s/{f}s")
    ],
    *[("fr", form, said(form)) for form in ("Bon {}", "{} avec permis B", "Société recrute {}", "{} (H/F) - Rabat")],
    *[("en", form, said(form)) for form in ("We're hiring: {}", "Senior {} (M/F)", "{} needed, Casablanca, Morocco")],
    *[("ar", form, arabic(form)) for form in ("{m}/ة", "{m}(ة)", "{m} / {m}ة", "{m} أو {m}ة", "{m}ي", "{m}ين")],
    *[("ar", form, said(form)) for form in ("مطلوب {}", "نبحث عن {}", "{} ذو خبرة بطنجة")],
]


@pytest.mark.parametrize(("language", "form", "variant"), VARIANTS, ids=[form for _, form, _ in VARIANTS])
def test_a_title_written_another_way_keeps_its_code(coder: Coder, language: str, form: str, variant: Variant) -> None:
    """Of the lexicon's own titles, drawn by seed, at least .97 keep their code at four digits."""
    titles = sorted({entry.title for entry in load() if entry.lang == language and len(entry.isco) == 4})
    random.Random(f"{form} 1").shuffle(titles)
    kept: list[bool] = []
    for title in titles:
        first, _, rest = title.partition(" ")
        written = variant(first, rest)
        best = coder.code(title).isco_best
        if written is not None and best is not None:
            kept.append(coder.code(written).isco_best == best)
        if len(kept) == TITLES:
            break
    share = sum(kept) / len(kept)
    print(f"{form}: {share:.3f} of {len(kept)}")
    assert share >= 0.97
