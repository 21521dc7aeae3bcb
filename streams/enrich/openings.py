"""How many positions an ad offers, where it says so."""

import re
from functools import lru_cache

from schemas.messages import Posting
from streams.enrich.text import Anchored, Reading, fold

HIGHEST = 5_000
"""A greater number is a reference or a telephone number."""

_WORDS = {
    "un": 1,
    "une": 1,
    "deux": 2,
    "trois": 3,
    "quatre": 4,
    "cinq": 5,
    "six": 6,
    "sept": 7,
    "huit": 8,
    "neuf": 9,
    "dix": 10,
}
_FIELD = re.compile(r"^\D{0,3}(\d{1,4})\s*-?\s*postes?\b")
_PROPOSED = re.compile(r"postes? proposes?\s*:\s*(\d{1,4})")
_STATED = Anchored(
    r"(?:nombre de postes?|postes? (?:a pourvoir|ouverts?|disponibles?|offerts?)|number of (?:positions"
    r"|vacancies|openings)|effectif"
    r"|عدد المناصب|عدد المقاعد|عدد الوظائف|عدد الاشخاص)[^\d\n]{0,12}(\d{1,4})\b"
    r"|\b(\d{1,4})\)?\s*(?:postes? (?:a pourvoir|ouverts?|disponibles?|offerts?|budgetaires?|de)|positions\b"
    r"|postes\b|vacancies\b|مناصب|منصبا|منصب)",
    *("nombre de poste", "poste", "number of", "effectif", "عدد"),
    digit=True,
)
_RECRUITS = Anchored(
    r"(?:recrut(?:e|ons|ement de|ent|er)|recherch(?:e|ons|ent)|cherch(?:e|ons|ent)|besoin(?: urgent)? (?:de|d')"
    r"|embauch(?:e|ons)|hiring|توظيف|بحاجه الي|مطلوب)"
    r"\s+(?:actuellement |urgemment )?(?:(un|une|deux|trois|quatre|cinq|six|sept|huit|neuf"
    r"|dix)\s*)?\(?\s*(\d{1,3})?\s*\)?\s+([^\W\d_]{4,})",
    *("recrut", "recherch", "cherch", "besoin", "embauch", "hiring", "توظيف", "بحاجه الي", "مطلوب"),
)
_NUMBERS = "deux|trois|quatre|cinq|six|sept|huit|neuf|dix"
_BOTH = re.compile(
    rf"\b(?:{_NUMBERS})\s?\(\s?0?(\d{{1,3}})\s?\)\s+([^\W\d_]{{4,}})|\b0?(\d{{1,3}})\s?\((?:{_NUMBERS})\)"
)
"""A number in words and in figures, as notices write it: "deux (2) techniciens"."""

_BRACKET = re.compile(rf"\((?:\s?0?\d{{1,3}}\s?|{_NUMBERS})\)")
"""What every match of `_BOTH` holds."""

_SPELT_WORDS = frozenset(_NUMBERS.split("|"))
_SPELT = re.compile(rf"^\W{{0,3}}({_NUMBERS})\s+([^\W\d_]{{4,}}s)\b")
_LEADING = re.compile(r"^\W{0,3}(\d{1,3})\s+([^\W\d_]{4,}s|[^\W\d_]{4,}\s+[^\W\d_]{3,}s)\b")
_BRACKETED = re.compile(r"\((\d{2,3})\s*(?:postes?|personnes|places)\)|\bx\s?(\d{1,3})$")
_NO_HEAD = re.compile(
    r"ans?$|annees?$|mois$|heures?$|jours?$|semaines?$|fois$|etoiles?$|dhs?$|months?$|years?$|days?$|weeks?$"
    r"|niveaux?$|personnes a|سنوات|اشهر|langues?$"
)


def openings(posting: Posting, reading: Reading) -> int | None:  # noqa: PLR0911 - one return a kind of evidence
    """Return the number of positions: from the portal's fields, else the title, else the description."""
    if posting.positions and (match := re.search(r"\d{1,5}", fold(posting.positions[:40]))):
        return _sane(int(match[0]))
    if posting.region_raw and "poste" in posting.region_raw and (number := _field(posting.region_raw[:80])):
        return number
    if posting.date_raw and "propos" in posting.date_raw and (match := _PROPOSED.search(fold(posting.date_raw[:200]))):
        return _sane(int(match[1]))
    title = reading.title
    if (
        not _SPELT_WORDS.isdisjoint(reading.title_words)
        and (match := _SPELT.match(title))
        and not _NO_HEAD.search(match[2])
    ):
        return _WORDS[match[1]]
    if any(map(str.isdigit, title)):
        if (match := _LEADING.match(title)) and not _NO_HEAD.search(match[2].split()[0]):
            return _sane(int(match[1]))
        if match := _BRACKETED.search(title):
            return _sane(int(match[1] or match[2]))
        if number := _announced(title):
            return number
    return _announced(reading.body[:1500]) if reading.body else None


@lru_cache(maxsize=1024)
def _field(raw: str) -> int | None:
    match = _FIELD.match(fold(raw))
    return _sane(int(match[1])) if match else None


def _announced(text: str) -> int | None:
    if (
        "poste" in text or "position" in text or "vacanc" in text or "عدد" in text or "منصب" in text or "مناصب" in text
    ) and (match := _STATED.search(text)):
        return _sane(int(match[1] or match[2]))
    bracketed = _BOTH.search(text) if "(" in text and _BRACKET.search(text) else None
    if bracketed and not (bracketed[2] and _NO_HEAD.search(bracketed[2])):
        return _sane(int(bracketed[1] or bracketed[3]))
    for match in _RECRUITS.matches(text):
        if match[2] and not _NO_HEAD.search(match[3]):
            return _sane(int(match[2]))
        if match[1] and match[1] not in {"un", "une"}:
            return _WORDS[match[1]]
    return None


def _sane(number: int) -> int | None:
    return number if 0 < number <= HIGHEST else None
