"""How many years of experience an ad asks for: at least, and at most where it says so. "No experience needed" is 0."""

import re
from functools import lru_cache

from schemas.messages import Posting
from streams.enrich.text import Anchored, Reading, fold

Years = tuple[float | None, float | None]

_NONE: Years = (None, None)
_LIMIT = 30
_N = r"(\d{1,2}(?:[.,]\d)?)"
_UNIT = r"(ans?|annees?|years?|yrs?|mois|months?|سنوات|سنه|اعوام|عام|اشهر|شهر)\b"
_RANGE = re.compile(rf"{_N}\s*(?:ans?|annees?|mois|years?)?\s*(?:-|a|et|to|and|/|الي|و)\s*{_N}\s*\+?\s*{_UNIT}")
_SINGLE = re.compile(rf"{_N}\s*\+?\s*{_UNIT}")
_LESS = re.compile(rf"(?:moins de|<|less than|up to|اقل من)\s*{_N}\s*{_UNIT}")
_FIRST = re.compile(
    r"debutant|etudiant|diplome|sans experience|pas ne?ccessaire|pas necessaire|entry level|fresh graduate"
    r"|بدون (?:خبره|تجربه)"
)
_WORD = Anchored(
    r"experiences?\b|experienced\b|خبره|تجربه|الخبره|التجربه|anciennete",
    *("experience", "خبره", "تجربه", "الخبره", "التجربه", "anciennete"),
)
_REACH = 70
_BOAST = re.compile(
    r"(?:fort|forte|forts|fortes) (?:de|d)|depuis|leader|notre experience|riche|since|with over|our"
    r"|avec plus de|societe de|existe|crees?\b"
)
_ASKED = re.compile(
    r"requis|souhait|exig|minimum|au moins|profil|vous (?:avez|justifi|possed)|candidat|justifi|required"
    r"|must have|at least|similaire"
)
_NO_EXPERIENCE = Anchored(
    r"debutants? acceptes?|debutante?s? bienvenu|sans experience|aucune experience|experience (?:non|n'est pas"
    r"|pas) (?:requise|exigee|necessaire|obligatoire)"
    r"|no experience (?:required|needed|necessary)|بدون (?:خبره|تجربه)",
    *("debutant", "sans experience", "aucune experience", "experience ", "no experience", "بدون"),
)


def experience(posting: Posting, reading: Reading) -> Years:
    """Return (least, most) years asked for: from the portal's field, else the title, else the description."""
    if posting.experience_raw:
        stated = _stated(posting.experience_raw[:400])
        if stated != _NONE:
            return stated
    for text in (reading.title, reading.body):
        if ("exp" in text or "خبر" in text or "تجرب" in text or "debutant" in text) and (
            found := _asked(text)
        ) != _NONE:
            return found
    return _NONE


@lru_cache(maxsize=1024)
def _stated(raw: str) -> Years:
    """Read a portal's field; several classes that are ticked make one range."""
    text = fold(raw).replace("d'", "")
    least: list[float] = []
    most: list[float | None] = []
    open_ended = "et plus" in text or "ou plus" in text
    for part in re.split(r" - | & | / |,|;", text):
        if match := _LESS.search(part):
            least.append(0)
            most.append(_years(match[1], match[2]))
        elif match := _RANGE.search(part):
            least.append(_years(match[1], match[3]))
            most.append(_years(match[2], match[3]))
        elif match := _SINGLE.search(part):
            least.append(_years(match[1], match[2]))
            most.append(None)
        elif _FIRST.search(part):
            least.append(0)
            most.append(0 if any(mark in text for mark in (" - ", "&", " / ")) else None)
    if not least:
        return _NONE
    upper = None if open_ended or None in most else max(value for value in most if value is not None)
    return (min(least), upper or None) if not upper or min(least) <= upper else _NONE


def _asked(text: str) -> Years:
    """Find the years near the word "experience" that are asked of the candidate, not boasted of by the company."""
    for match in _WORD.matches(text):
        start = max(0, match.start() - _REACH)
        before, after = text[start : match.start()], text[match.end() : match.end() + _REACH]
        before = before[before.rfind("\n") + 1 :]
        for near, where in ((_last(before), before), (_first(after), "")):
            if near is None:
                continue
            if where and _BOAST.search(where) and not _ASKED.search(where):
                continue
            return near
    return (0, None) if _NO_EXPERIENCE.search(text) else _NONE


def _last(text: str) -> Years | None:
    """Read the years that end a text: "3 à 5 ans d'" experience."""
    tail = text[-40:]
    found: Years | None = None
    end = -1
    for match in _SINGLE.finditer(tail):
        found, end = (_years(match[1], match[2]), None), match.end()
    if found is None or end < len(tail) - 22:
        return None
    for match in _LESS.finditer(tail):
        if match.end() == end:
            found = (0, found[0])
    for match in _RANGE.finditer(tail):
        if match.end() == end:
            found = (_years(match[1], match[3]), _years(match[2], match[3]))
    return _sane(found)


def _first(text: str) -> Years | None:
    """Read the years that follow: experience "de 3 ans", before the sentence ends."""
    head = re.split(r"\n|\.\s|;|•", text, maxsplit=1)[0]
    single = _SINGLE.search(head)
    if single is None or any(word in head[: single.start()] for word in ("age", "cdd", "contrat", "depuis")):
        return None
    ranged = _RANGE.search(head)
    if ranged is not None and ranged.end() == single.end():
        return _sane((_years(ranged[1], ranged[3]), _years(ranged[2], ranged[3])))
    return _sane((_years(single[1], single[2]), None))


def _years(number: str, unit: str) -> float:
    value = float(number.replace(",", "."))
    return round(value / 12, 2) if unit.startswith(("mois", "month", "شهر", "اشهر")) else value


def _sane(years: Years) -> Years | None:
    least, most = years
    if least is None or least > _LIMIT or (most is not None and (most > _LIMIT or most < least)):
        return None
    return years
