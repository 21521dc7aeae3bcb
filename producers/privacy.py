"""What may be known of a person, taken out of what reaches Kafka: contacts of offers, all but seekers' trade. Pure.

E-mail addresses and telephone numbers here, names of persons in `producers.persons`.
"""

import hashlib
import hmac
import re

import phonenumbers

from producers import persons

_DIGITS = {ord(digit): str(value) for row in ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹") for value, digit in enumerate(row)}
_GAP = "[\\s.\\-/()_\u200b-\u200f\u202a-\u202e\u2066-\u2069]{0,5}"
_DATE = r"(?!\d{1,2}[/.\-]\d{1,2}[/.\-](?:19|20)\d{2})"

# Mobile, landline and short-code ranges of the Moroccan plan begin with 5 to 8 after the trunk 0 or country code 212.
_PHONE = re.compile(
    rf"(?<!\d)(?:{_DATE}(?:(?:(?:\+|00){_GAP})?2{_GAP}1{_GAP}2{_GAP}0?|0){_GAP}[5-8](?:{_GAP}\d){{8}}"
    rf"|(?<!\w)\+{_GAP}[1-9](?:{_GAP}\d){{7,14}})(?!\d)"
)
_ABROAD = re.compile(rf"(?<![\d+])00{_GAP}[1-9](?:{_GAP}\d){{7,13}}(?!\d)")
_TOLD = re.compile(
    rf"(?i)(?:\bt[eé]l(?:[eé]phone)?|\bgsm|\bportable|\bwhats\s?app|\bfax|\bmobile|هاتف|الهاتف|واتساب|النمرة|نمرة)"
    rf"[\s.:°º\-]{{0,4}}(?:n[°o][\s.:]{{0,2}})?(\d(?:{_GAP}\d){{7,13}})(?!\d)"
)
"""A number that calls itself one needs no prefix."""

_AT = r"(?:[@＠]|[(\[{]\s{0,3}(?:at|arobase|arobas|@)\s{0,3}[)\]}])"
_DOT = r"(?:\.|[(\[{]\s{0,3}(?:dot|point|\.)\s{0,3}[)\]}])"
_EMAIL = re.compile(
    rf"(?<![\w.+\-])[\w.+\-]++\s{{0,3}}{_AT}\s{{0,3}}[\w\-]+(?:\s{{0,3}}{_DOT}\s{{0,3}}[\w\-]+)+", re.IGNORECASE
)
_SPELT = re.compile(
    r"(?<![\w.+\-])[\w.+\-]++ (?:arobase|arobas|at) [\w\-]+(?: ?(?:point|dot|\.) ?[\w\-]+){0,2} ?(?:point|dot|\.) ?"
    r"(?:com|ma|fr|net|org|example|info)\b",
    re.IGNORECASE,
)

_BRACKETED = re.compile(r"[(\[{]\s{0,3}(?:at|arob)", re.IGNORECASE)
_SAID = re.compile(r" (?:arobase|arobas|at) [\w\-]+ ?(?:point|dot|\.)", re.IGNORECASE)
_FIGURES = re.compile(rf"\d(?:{_GAP}\d){{7}}")
"""What a text must hold for the search for addresses and numbers to be worth its time: most texts hold none.

The shortest telephone number that is looked for has eight digits.
"""

_ESCAPED = re.compile(r"[\w.+\-]+%40[\w\-]+(?:\.[\w\-]+)+", re.IGNORECASE)
_TOGETHER = re.compile(r"\+?\d+(?:([\-._])\d\d(?:\1\d\d){3})?")
"""A telephone number in an address: all digits together, or in the usual pairs."""

_MADE = re.compile("[cus]:[0-9a-f]{32}")
_AGES = re.compile(r"(\d{2})\s*(?:(?:-|–|à|a|to|إلى)\s*(\d{2})|\+)?(?:\s*(?:ans|years|سنة))?")
BANDS = ((15, 24, "15-24"), (25, 34, "25-34"), (35, 44, "35-44"), (45, 54, "45-54"), (55, 99, "55+"))
KEY_BYTES = 16


def scrub(text: str) -> str:
    """`text` with e-mail addresses as `[e-mail]` and telephone numbers, in Western or Arabic digits, as `[tel]`."""
    if "@" in text or "＠" in text or (_has_bracket(text) and _BRACKETED.search(text)):
        text = _EMAIL.sub("[e-mail]", text)
    if _SAID.search(text):
        text = _SPELT.sub("[e-mail]", text)
    return _numberless(text) if _FIGURES.search(text) else text


def scrub_link(url: str) -> str:
    """`url` without e-mail addresses, escaped ones too, and telephone numbers that are written as one.

    A portal's own numbers in it, with a hyphen somewhere, make no telephone number: the link would lead nowhere.
    """
    if "@" in url or "%40" in url:
        url = _ESCAPED.sub("[e-mail]", _EMAIL.sub("[e-mail]", url))
    return _numberless(url, _TOGETHER) if _FIGURES.search(url) else url


def _numberless(text: str, form: re.Pattern[str] | None = None) -> str:
    """`text` without telephone numbers, those of a `form` only where one is given."""
    western = text.translate(_DIGITS)  # one character for one: spans hold in both
    spans = [found.span() for found in _PHONE.finditer(western)]
    if "00" in western:
        spans += [found.span() for found in _ABROAD.finditer(western) if _possible(found[0])]
    spans += [found.span(1) for found in _TOLD.finditer(western)]
    parts, end = [], 0
    for first, last in sorted(spans):
        if first >= end and (form is None or form.fullmatch(western, first, last)):
            parts += [text[end:first], "[tel]"]
            end = last
    return "".join([*parts, text[end:]])


def _has_bracket(text: str) -> bool:
    return "(" in text or "[" in text or "{" in text


def _possible(number: str) -> bool:
    """Whether a number with 00 before it can be one: references begin with zeros, too."""
    digits = "".join(letter for letter in number if letter.isdigit())[2:]
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return False


def contactless(text: str, keep: str = "") -> str:
    """`text` without e-mail addresses, telephone numbers and names of persons; `keep` are its employer and place."""
    return persons.mask(scrub(text), keep)


def bare_id(identity: str) -> str:
    """Return an identity that is no e-mail address or telephone number: one that is becomes `s:` and its hash.

    A hash that we made is neither, whatever digits stand in it.
    """
    if _MADE.fullmatch(identity) or scrub(identity) == identity:
        return identity
    return "s:" + hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()


def age_band(told: str) -> str | None:
    """Return the band of an age or of a range of ages (`25-34`); None for what is neither, a date of birth included."""
    found = _AGES.fullmatch(told.translate(_DIGITS).strip().casefold())
    if not found:
        return None
    low, high = int(found[1]), int(found[2] or found[1])
    bands = [name for floor, ceiling, name in BANDS if floor <= (low + high) // 2 <= ceiling]
    return bands[0] if bands else None


def pseudonym(key: bytes, source: str, identity: str) -> str:
    """Return the name under which a job seeker is known: the same for the same, and nobody's without the key."""
    told = f"{source}\t{identity}".encode()
    return "p:" + hmac.new(key, told, hashlib.sha256).hexdigest()[: 2 * KEY_BYTES]
