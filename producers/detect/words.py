"""What fields are called in French, Arabic and English, and what their values look like. Pure.

A portal that nobody knows is read by these two alone; neither decides by itself.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

from producers.identity import normal_text
from producers.shape import Field

GENERIC = frozenset(
    {"name", "nom", "label", "libelle", "value", "text", "title", "titre", "display", "en", "fr", "ar", "html", "raw"}
    | {"formatted", "main"}
)
"""Last steps of a path that say nothing beside the one before: `company.name` is a company."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def tokens(text: str) -> tuple[str, ...]:
    """Return the words of a name, without accents and case: `datePosted` and `date_posted` are date, posted."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    return tuple(_WORD.findall(_CAMEL.sub(" ", plain).replace("’", "'").casefold()))


@lru_cache(maxsize=1)
def names() -> Mapping[Field, Sequence[str]]:
    """Return the names of each field in `names.tsv`, those that say most first."""
    table = (Path(__file__).parent / "names.tsv").read_text("utf-8")
    return {cast(Field, field): listed.split("|") for field, listed in (row.split("\t") for row in table.splitlines())}


@lru_cache(maxsize=1)
def _phrases() -> dict[Field, tuple[tuple[tuple[str, ...], float], ...]]:
    return {
        field: tuple((tokens(name), 1 - 0.2 * rank / len(listed)) for rank, name in enumerate(listed))
        for field, listed in names().items()
    }


@lru_cache(maxsize=1 << 16)
def named(field: Field, path: tuple[str, ...]) -> float:
    """Return how surely a path of names (outermost first) names `field`: 0 to 1, 1 where a step is the field's name."""
    steps = [found for step in path if (found := tokens(step))]
    if len(steps) > 1 and len(steps[-1]) == 1 and steps[-1][0] in GENERIC:
        steps.pop()
    if not steps:
        return 0.0
    best = 0.0
    for words, weight in _phrases()[field]:
        for depth, step in enumerate(reversed(steps[-3:])):
            near = 0.75**depth
            if step == words or "".join(step) == "".join(words):
                best = max(best, weight * near)
            elif len(words) <= len(step) and _within(words, step):
                best = max(best, weight * near * (0.55 + 0.35 * len(words) / len(step)))
    return best


def _within(words: tuple[str, ...], step: tuple[str, ...]) -> bool:
    return any(step[start : start + len(words)] == words for start in range(len(step) - len(words) + 1))


_MONTHS = (
    r"janv(?:ier)?|f[ée]vr(?:ier)?|mars|avr(?:il)?|mai|juin|juil(?:let)?|ao[ûu]t|sept(?:embre)?|oct(?:obre)?|nov(?:embre)?"
    r"|d[ée]c(?:embre)?|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?"
    r"|october|november|december|dec|يناير|فبراير|مارس|أبريل|ابريل|ماي|مايو|يونيو|يوليوز|يوليو|غشت|أغسطس|شتنبر|سبتمبر|أكتوبر"
    r"|اكتوبر|نونبر|نوفمبر|دجنبر|ديسمبر"
)
_AGO_FR = r"il y a (?:\d+|une?) (?:minutes?|heures?|jours?|semaines?|mois|h|j)"
_AGO_EN = r"(?:\d+|an?) (?:minutes?|hours?|days?|weeks?|months?) ago"
_DAYS = r"aujourd['’]hui|hier|today|yesterday|اليوم|أمس|البارحة|منذ (?:\d+ )?[^\W\d_]+"
DATES: tuple[str, ...] = (
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?",
    r"\d{4}/\d{1,2}/\d{1,2}",
    r"\d{1,2}[/.\-]\d{1,2}[/.\-](?:19|20)?\d{2}",
    rf"(?i)\d{{1,2}}(?:er|st|nd|rd|th)?[ .\-]+(?:{_MONTHS})\.?[ ,.\-]*(?:\d{{4}})?",
    rf"(?i)(?:{_MONTHS})\.?[ ]+\d{{1,2}}(?:st|nd|rd|th)?,?(?: +\d{{4}})?",
    rf"(?i)(?:{_AGO_FR})|(?:{_AGO_EN})|{_DAYS}",
)
"""Regular expressions of the dates that portals write, the surest first."""

_DATE = tuple(re.compile(pattern) for pattern in DATES)
_EPOCH = re.compile(r"1[2-9]\d{8}(?:\d{3})?")
_RFC822 = re.compile(r"(?:\w{3}, )?\d{1,2} \w{3} \d{4} \d{2}:\d{2}")


def date_in(text: str) -> str | None:
    """Return the pattern by which `text` holds a date; None when it holds none."""
    return next((pattern for pattern, known in zip(DATES, _DATE, strict=True) if known.search(text)), None)


def is_date(text: str) -> float:
    """Return how much of `text` is a date: 1 when it is one and nothing else of note."""
    if _EPOCH.fullmatch(text) or _RFC822.match(text):
        return 1.0
    for known in _DATE:
        if found := known.search(text):
            rest = len(text) - len(found[0])
            if rest > 3 and known.search(text, found.end()):
                return 0.3  # two dates, of which one is another field's
            return 1.0 if rest <= 3 else 0.9 if rest <= 20 else 0.4 if rest <= 60 else 0.0
    return 0.0


@lru_cache(maxsize=1)
def _places() -> re.Pattern[str]:
    table = (Path(__file__).parent / "places.tsv").read_text("utf-8")
    names = {
        folded
        for line in table.splitlines()
        for cell in line.split("\t")
        for name in cell.split(";")
        if (folded := _folded(name))
    }
    ordered = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:ب|ال|و)?(?:{'|'.join(map(re.escape, ordered))})(?!\w)")


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", normal_text(text))
    return "".join(mark for mark in plain if not unicodedata.combining(mark)).replace("-", " ")


def has_place(text: str) -> bool:
    """Whether `text` holds a place that is known here."""
    return bool(_places().search(_folded(text)))


def is_place(text: str) -> float:
    """Return how much `text` is a place: 1 when it is short and holds one that is known here."""
    if len(text) > 80 or not (found := _places().search(_folded(text))):
        return 0.0
    share = len(found[0]) / max(1, len(text))
    return 1.0 if share >= 0.5 else 0.85 if share >= 0.25 else 0.4


_TRADES = re.compile(
    r"(?i)\b(?:ing[ée]nieur|technicien|comptable|responsable|chef|agent|assistant|d[ée]veloppeu|commercial|directeu|directrice"
    r"|charg[ée]|conseill|op[ée]rateu|chauffeur|infirmi|m[ée]canicien|[ée]lectricien|manager|engineer|developer|accountant|nurse"
    r"|driver|sales|analyst|technician|officer|consultant|ouvri|vendeu|serveu|cuisini|caissi|secr[ée]taire|professeur|enseignant"
    r"|teacher|m[ée]decin|pharmacien|soudeur|ma[çc]on|plombier|magasinier|logisti|t[ée]l[ée]conseill|graphiste|architecte|coordinat"
    r"|stagiaire|superviseu|auditeu|juriste|h/f|f/h|m/f)|مهندس|تقني|محاسب|مسؤول|سائق|ممرض|عامل|أستاذ|مدير|مساعد|كاتب|بائع|طباخ|نادل"
    r"|مطور|مستشار|لحام|كهربائي|ميكانيكي|توظيف|مباراة|حارس|خياط|طبيب|صيدلي|بناء|نجار|تقنية|ممثل"
)
_CONTRACT = re.compile(
    r"(?i)\b(?:cdi|cdd|anapec|stage|int[ée]rim|freelance|full[ _-]?time|part[ _-]?time|permanent|temporary)\b"
)
_NUMBERISH = re.compile(r"[\W\d_]+")
_MONEY = re.compile(r"(?i)\d[\d .,]*\s*(?:mad|dhs?|dirhams?|€|eur|درهم)")


def has_trade(text: str) -> bool:
    """Whether `text` holds a word of a job's title."""
    return bool(_TRADES.search(text))


def is_title(text: str) -> float:
    """Return how much `text` looks like a job's title."""
    if not 4 <= len(text) <= 180 or _NUMBERISH.fullmatch(text) or text.startswith("http"):
        return 0.0
    if is_date(text) >= 0.9 or is_place(text) == 1.0 or _MONEY.search(text):
        return 0.05
    known = 1.0 if has_trade(text) else 0.55
    return known if len(text) <= 110 else known * 0.6


def is_url(text: str) -> float:
    """Return whether `text` is an address."""
    return 1.0 if re.match(r"(?:https?://|/)\S+$", text) else 0.0


def is_text(text: str) -> float:
    """Return how much `text` is a text of some length."""
    return min(1.0, len(text) / 200)


def is_id(text: str) -> float:
    """Return how much `text` is an identifier."""
    if re.fullmatch(r"[\w.:/\-]{1,80}", text):
        return 1.0 if re.search(r"\d", text) else 0.4
    return 0.0


def is_count(text: str) -> float:
    """Return whether `text` is a number of openings."""
    found = re.search(r"\d+", text)
    return 1.0 if found and len(text) <= 25 and 1 <= int(found[0][:9]) <= 5000 else 0.0


def is_contract(text: str) -> float:
    """Return how much `text` is a kind of contract."""
    return 1.0 if len(text) <= 60 and _CONTRACT.search(text) else 0.2 if len(text) <= 60 else 0.0


def is_money(text: str) -> float:
    """Return how much `text` is a salary."""
    return 1.0 if _MONEY.search(text) else 0.5 if re.search(r"\d{3}", text) else 0.2


def is_short(text: str) -> float:
    """Return whether `text` is a word or a few."""
    return 0.6 if len(text) <= 90 and not text.startswith("http") and is_date(text) < 0.9 else 0.0


LOOKS: Mapping[Field, Callable[[str], float]] = {
    "title": is_title,
    "company": is_short,
    "city": is_place,
    "region_raw": is_place,
    "date_raw": is_date,
    "deadline_raw": is_date,
    "contract_raw": is_contract,
    "salary_raw": is_money,
    "sector_raw": is_short,
    "education_raw": is_short,
    "experience_raw": is_short,
    "positions": is_count,
    "description": is_text,
    "skills_raw": is_short,
    "url": is_url,
    "source_id": is_id,
    "lang_portal": is_short,
}
"""How a value of each field looks, 0 to 1."""
