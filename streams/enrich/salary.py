"""What an ad says it pays, in MAD a month.

Only amounts that are stated count: "à discuter", "SMIG" and "selon profil" are unknown (the statutory minimum changes
by decree and by sector, so a number in its place would be ours). A yearly amount is divided by twelve; an hourly or
daily one, a bonus and an amount in another currency are not read.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from schemas.messages import Posting
from streams.enrich.text import Reading, fold


class Salary(NamedTuple):
    """MAD a month; either end may be open. `basis` only where the ad says net or gross."""

    least: int | None = None
    most: int | None = None
    basis: Literal["net", "gross"] | None = None


UNKNOWN = Salary()
LOWEST, HIGHEST = 1_000, 300_000
"""MAD a month: an amount outside is a bonus, a turnover or an error."""

_AMOUNT = (
    r"(\d{1,3}(?:[ .,\u202f]\d{3}){1,2}|\d{3,7}|\d{1,3}(?:[.,]\d)?(?=\s*k|\s?(?:-|a|et|to)\s?\d{1,3}\s?k))"
    r"\s*(?:[.,]0{1,2}(?!\d))?\s*(k)?"
)
_MONEY = r"(?:drhs?|dhs?|mad|dirhams?|dh?s|درهما?|kdhs?|kmad)"
_RANGE = re.compile(
    rf"{_AMOUNT}\s*{_MONEY}?\s*(?:net|brut)?\s*(?:-|a|au|et|to|and|jusqu'a|/|الي)\s*{_AMOUNT}\s*(?:\+\s*)?{_MONEY}?(?!\w)"
)
_SINGLE = re.compile(rf"{_AMOUNT}\s*(?:\+\s*)?({_MONEY})?(?!\w)")
_CURRENCY = re.compile(rf"(?:\d|\bk)\s*\+?\s*{_MONEY}(?!\w)|{_MONEY}\s*\d")
_CUE = re.compile(
    r"salaires?|remuneration|salary|paie\b|payes? |revenus?|fixe|package|الاجر|الراتب|اجره|راتب|\brem\b|gain"
)
_BONUS = re.compile(
    r"primes?|bonus|commissions?|challenges?|bienvenue|variable|indemnite|ticket|capital|chiffre|ca\b|منحه"
)
_MORE = re.compile(r"(?:plus de|a partir de|minimum|au moins|from|min|more than|superieur a|ابتداء من|>)\s*$")
_LESS = re.compile(r"(?:jusqu'a|maximum|up to|max|pouvant atteindre|pouvant aller jusqu'a|atteindre)\s*$")
_YEARLY = re.compile(r"\bpar an\b|/\s*an\b|annuel|a year|per year|yearly|per annum|سنويا")
_SHORT = re.compile(
    r"/\s*h\b|\bpar heure|heure\b|/\s*jour|par jour|tjm|per hour|per day|a day|/\s*j\b|journalier|لليوم|للساعه"
)
_NET = re.compile(r"\bnets?\b|\bnette\b|صافي")
_GROSS = re.compile(r"\bbruts?\b|\bgross\b|خام")


def salary(posting: Posting, reading: Reading) -> Salary:
    """Return what an ad pays: from the portal's field, else the title, else the description."""
    if posting.salary_raw:
        stated = _stated(posting.salary_raw[:200])
        if stated.least or stated.most:
            return stated
    for text in (reading.title, reading.body):
        if (
            "dh" in text or "mad" in text or "dirham" in text or "drh" in text or "درهم" in text or "salair" in text
        ) and (found := _offered(text, titled=text is reading.title)) != UNKNOWN:
            return found
    return UNKNOWN


@lru_cache(maxsize=1024)
def _stated(raw: str) -> Salary:
    """Read a portal's field, where a number is a salary; several classes that are ticked make one range."""
    text = fold(raw).replace("\\", "")
    least: list[int | None] = []
    most: list[int | None] = []
    for part in re.split(r"\s/\s|;|\bou\b", text):
        found = _amounts(part, 0)
        if found is not None:
            least.append(found[0])
            most.append(found[1])
    if not least or _SHORT.search(text):
        return UNKNOWN
    lower = None if None in least else min(value for value in least if value is not None)
    upper = None if None in most else max(value for value in most if value is not None)
    return _finish(lower, upper, text)


def _offered(text: str, *, titled: bool) -> Salary:
    """Find an amount that a text announces as pay; in a title the currency is announcement enough."""
    for match in _SINGLE.finditer(text):
        before = text[max(0, match.start() - 45) : match.start()]
        before = before[before.rfind("\n") + 1 :]
        after = text[match.end() : match.end() + 25].split("\n", 1)[0]
        cued = _CUE.search(before)
        if not match[3] and not (cued and _CURRENCY.search(text[match.start() : match.end() + 25])):
            continue
        bonus = [hit.end() for hit in _BONUS.finditer(before)]
        if bonus and (cued is None or max(bonus) > cued.end()):
            continue
        if re.match(r"\s*(?:de |d')?(?:primes?|bonus|de bienvenue|commission)", after):
            continue
        if not cued and not titled:
            continue
        if _SHORT.search(text[match.start() : match.end() + 15]):
            continue
        found = _amounts(text[max(0, match.start() - 30) : match.end() + 25], min(match.start(), 30))
        if (
            found is not None
            and (salary := _finish(*found, before + text[match.start() : match.end() + 30])) != UNKNOWN
        ):
            return salary
    return UNKNOWN


def _amounts(text: str, start: int) -> tuple[int | None, int | None] | None:
    """Read the range or the amount that begins at or after `start`."""
    single = _SINGLE.search(text, start)
    if single is None:
        return None
    ranged = _RANGE.match(text, single.start())
    if ranged is not None:
        upper = _number(ranged[3], ranged[4])
        lower = _number(ranged[1], ranged[2] or (ranged[4] if len(ranged[1]) < 4 else None))
        return (lower, upper) if lower <= upper else None
    value = _number(single[1], single[2])
    before = text[: single.start()]
    if _MORE.search(before) or re.match(r"\s*(?:\+|et plus|minimum|ou plus)", text[single.end() :]):
        return value, None
    if _LESS.search(before):
        return None, value
    return value, value


def _number(digits: str, thousand: str | None) -> int:
    if thousand:
        return round(float(re.sub(r"\s", "", digits).replace(",", ".")) * 1000)
    return int(re.sub(r"\D", "", digits))


def _finish(lower: int | None, upper: int | None, around: str) -> Salary:
    """Bring to a month, refuse what is no salary, and read net or gross."""
    months = 12 if _YEARLY.search(around) else 1
    ends = [None if value is None else round(value / months) for value in (lower, upper)]
    if all(value is None for value in ends) or any(
        value is not None and not LOWEST <= value <= HIGHEST for value in ends
    ):
        return UNKNOWN
    basis: Literal["net", "gross"] | None = "net" if _NET.search(around) else "gross" if _GROSS.search(around) else None
    return Salary(ends[0], ends[1], basis)
