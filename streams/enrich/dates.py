"""When an ad says it was published and until when it is open, as ISO dates.

Reads the forms of French, English and Arabic portals, absolute or relative to the sighting, with the Moroccan names
of months.
"""

import re
from calendar import monthrange
from datetime import date, datetime, timedelta
from functools import lru_cache

from streams.enrich.text import fold

_MONTHS = {
    "jan": 1, "janv": 1, "janvier": 1, "january": 1, "يناير": 1,
    "fev": 2, "fevr": 2, "fevrier": 2, "feb": 2, "february": 2, "فبراير": 2,
    "mar": 3, "mars": 3, "march": 3, "مارس": 3,
    "avr": 4, "avril": 4, "apr": 4, "april": 4, "ابريل": 4, "افريل": 4,
    "mai": 5, "may": 5, "ماي": 5, "مايو": 5,
    "juin": 6, "jun": 6, "june": 6, "يونيو": 6, "يونيه": 6, "جوان": 6,
    "juil": 7, "juillet": 7, "jul": 7, "july": 7, "يوليوز": 7, "يوليو": 7, "جويليه": 7,
    "aou": 8, "aout": 8, "aug": 8, "august": 8, "غشت": 8, "اغسطس": 8, "اوت": 8,
    "sep": 9, "sept": 9, "septembre": 9, "september": 9, "شتنبر": 9, "سبتمبر": 9,
    "oct": 10, "octobre": 10, "october": 10, "اكتوبر": 10,
    "nov": 11, "novembre": 11, "november": 11, "نونبر": 11, "نوفمبر": 11,
    "dec": 12, "decembre": 12, "december": 12, "دجنبر": 12, "ديسمبر": 12,
}  # fmt: skip
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?!\d)")
_PERIOD = re.compile(r"\bau\s+(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)")
_NAMED = re.compile(
    r"(?<!\d)(\d{1,2})(?:er|st|nd|rd|th)?[\s.,-]+(?:de |of )?([^\W\d_]{3,9})\.?(?:[\s.,-]+(\d{4})(?!\d))?"
)
_MONTH_FIRST = re.compile(r"([^\W\d_]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\d)")
_AGO = re.compile(r"(?:il y a|depuis|منذ|قبل)\s+(\d{1,3}|une?)?\s*([^\W\d_]+)|(?<![\d+])(\d{1,3}|an?)\s+([a-z]+)\s+ago")
_UNITS = {
    "minute": 0, "minutes": 0, "min": 0, "heure": 0, "heures": 0, "h": 0, "hour": 0, "hours": 0, "دقيقه": 0,
    "دقائق": 0, "ساعه": 0, "ساعات": 0, "seconde": 0, "secondes": 0, "jour": 1, "jours": 1, "j": 1, "day": 1,
    "days": 1, "يوم": 1, "ايام": 1, "يوما": 1, "semaine": 7, "semaines": 7, "week": 7, "weeks": 7, "اسبوع": 7,
    "اسابيع": 7, "يومين": 2, "اسبوعين": 14,
}  # fmt: skip
_MONTH_UNITS = {"mois": 1, "month": 1, "months": 1, "شهر": 1, "شهرين": 2, "اشهر": 1, "شهور": 1}
_DAYS_BACK = (
    (re.compile(r"avant-?\s?hier"), 2),
    (re.compile(r"\bhier\b|yesterday|امس|البارحه"), 1),
    (re.compile(r"aujourd'?hui|today|اليوم|just now|a l'instant|just posted"), 0),
)
LOCAL = timedelta(hours=1)  # Africa/Casablanca; Ramadan's hour moves a date only for sightings in one hour of the day


def published_on(raw: str | None, observed_at: datetime) -> str | None:
    """Return the day of publication (ISO): never after the sighting's own; "30+ days ago" is no date."""
    return _told(raw[:200], _day(observed_at), past=True) if raw else None


def deadline_on(raw: str | None, observed_at: datetime) -> str | None:
    """Return the last day to apply (ISO)."""
    return _told(raw[:200], _day(observed_at), past=False) if raw else None


def period_end(raw: str | None) -> str | None:
    """Return the second date (ISO) of a publication period: "du 11/02/2022 au 11/04/2022"."""
    if not raw or " au " not in raw or not (match := _PERIOD.search(fold(raw[:200]))):
        return None
    found = _day_first(match[1], match[2], match[3])
    return found.isoformat() if found is not None else None


def _day(observed_at: datetime) -> date:
    return (observed_at + LOCAL).date()


@lru_cache(maxsize=4_096)
def _told(raw: str, day: date, *, past: bool) -> str | None:
    found = _dated(raw, day, past=past)
    return None if found is None or (past and found > day + timedelta(days=1)) else found.isoformat()


def _dated(raw: str, day: date, *, past: bool) -> date | None:
    if len(raw) == 10:  # the two commonest forms, without a regular expression
        head, middle, tail = raw[:4], raw[4:5], raw[5:]
        if middle == "-" and head.isdecimal() and tail[2:3] == "-":
            return _valid(head, tail[:2], tail[3:])
        if raw[2] == raw[5] and raw[2] in "/-." and raw[6:].isdecimal():
            return _day_first(raw[:2], raw[3:5], raw[6:])
    text = fold(raw).strip()
    return _absolute(text, day, past=past) or _relative(text, day)


def _absolute(text: str, day: date, *, past: bool) -> date | None:
    if match := _ISO.search(text):
        return _valid(match[1], match[2], match[3])
    if match := _NUMERIC.search(text):
        year = match[3] if len(match[3]) == 4 else f"20{match[3]}"
        return _day_first(match[1], match[2], year)
    for match in _NAMED.finditer(text):
        month = _MONTHS.get(match[2])
        if month:
            return _valid(match[3], month, match[1]) if match[3] else _nearest(month, int(match[1]), day, past=past)
    if (match := _MONTH_FIRST.search(text)) and (month := _MONTHS.get(match[1])):
        return _valid(match[3], month, match[2])
    return None


def _relative(text: str, day: date) -> date | None:
    for pattern, days in _DAYS_BACK:
        if pattern.search(text):
            return day - timedelta(days=days)
    if not (match := _AGO.search(text)):
        return None
    number, unit = match[1] or match[3] or "1", match[2] or match[4]
    count = int(number) if number.isdigit() else 1
    if unit in _UNITS:
        return day - timedelta(days=count * _UNITS[unit])
    if unit in _MONTH_UNITS:
        year, month = divmod(day.year * 12 + day.month - 1 - count * _MONTH_UNITS[unit], 12)
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    return None


def _day_first(day: str, month: str, year: str) -> date | None:
    return _valid(year, month, day) or _valid(year, day, month)


def _valid(year: str | int, month: str | int, day: str | int) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def _nearest(month: int, day_of_month: int, day: date, *, past: bool) -> date | None:
    """Choose the year that a date leaves out: the last one not after the sighting, or the first not long before it."""
    years = (day.year, day.year - 1) if past else (day.year, day.year + 1)
    for year in years:
        found = _valid(year, month, day_of_month)
        if found and ((past and found <= day + timedelta(days=1)) or (not past and found >= day - timedelta(days=60))):
            return found
    return None
