"""Names of persons in a text: where a contact is named, and where a first and a family name stand together. Pure.

A name is found by what stands before it (a title, an invitation to call somebody), by a telephone number or an address
beside it, or by being a usual Moroccan first name followed by a family name. What stands in the name of a street, a
school, a clinic or a firm stays, and so do the words of the posting's own employer and place.

The words are those of `persons.tsv`: `first` and `family` names; `title`s, of which `weak` ones are other words too
and `saint`s' are those of quarters and towns;
`contact` words, after which a known name is one, and `strong` ones, after which any two capitalised words are; what may
stand `between` them and the name; `particle`s of names; words of `place`s and firms that a name may follow, words that
a firm's name has `after` it; and `common` words that are no names.
"""

import re
import unicodedata
from enum import IntFlag, auto
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

MASK = "[nom]"
LONGEST = 5
"""Words that a name has at most, particles included."""

REACH = 6
"""Words that may stand between an invitation to contact somebody and the name."""

_WORD = re.compile(r"\[(?:tel|e-mail)\]|[^\W\d_]+(?:['’][^\W\d_]+)*")
_PAGE = "cp1252"
_LETTERS = bytes(
    byte if (letter := bytes([byte]).decode(_PAGE, "replace")) in "'’" or _WORD.fullmatch(letter) else 0x20
    for byte in range(256)
)
"""Bytes of the code page that stand in words as they are; any other parts two words."""

_ABBREVIATED = re.compile(r"\w[.&\-]$")
_MARKS = re.compile("[\u064b-\u0652\u0640\u0300-\u036f]")
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ئ": "ي"})
_PREFIXES = "بلو"
"""Arabic letters that are written onto the next word."""


class _Kind(IntFlag):
    FIRST = auto()
    FAMILY = auto()
    TITLE = auto()
    WEAK = auto()
    CONTACT = auto()
    STRONG = auto()
    BETWEEN = auto()
    PARTICLE = auto()
    PLACE = auto()
    AFTER = auto()
    COMMON = auto()
    MASKED = auto()
    PLAIN = auto()
    SAINT = auto()


# Plain integers: an IntFlag makes an object at each `&`, which took half of the time of a text.
_FIRST, _FAMILY, _TITLE, _WEAK = map(int, (_Kind.FIRST, _Kind.FAMILY, _Kind.TITLE, _Kind.WEAK))
_CONTACT, _STRONG, _BETWEEN = map(int, (_Kind.CONTACT, _Kind.STRONG, _Kind.BETWEEN))
_PARTICLE, _PLACE, _AFTER = map(int, (_Kind.PARTICLE, _Kind.PLACE, _Kind.AFTER))
_MASKED, _STRONG_TITLE, _SAINT = int(_Kind.MASKED), int(_Kind.PLAIN), int(_Kind.SAINT)
_USUAL = _FIRST | _FAMILY
_TELLING = _USUAL | _STRONG | _STRONG_TITLE
"""Kinds without one of which, or a title that is no other word, there is no name in a text: most ads have none."""

_INITIALS = frozenset({"M", "Me", "ME", "Pr", "PR"})
_NO_NAME = int(_Kind.COMMON) | _PLACE | _MASKED


class _Token(NamedTuple):
    text: str
    kind: int
    start: int
    end: int

    @property
    def arabic(self) -> bool:
        return "\u0600" <= self.text[0] <= "\u06ff"

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def nameable(self) -> bool:
        """Whether it can be part of a name at all."""
        return not self.kind & _NO_NAME and bool(self.kind & _USUAL or self.capital or self.arabic)


def fold(word: str) -> str:
    """Return a word without case, accents and the ways in which Arabic letters differ."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return _MARKS.sub("", unicodedata.normalize("NFC", _MARKS.sub("", decomposed)).translate(_ARABIC))


@cache
def _lexicon() -> dict[str, int]:
    """Kinds of each word of the file, folded."""
    found: dict[str, int] = {}
    for line in Path(__file__).with_name("persons.tsv").read_text("utf-8").splitlines():
        kind, words = line.split("\t")
        for word in map(fold, words.split()):
            found[word] = found.get(word, 0) | int(_Kind[kind.upper()])
    return found


@lru_cache(maxsize=100_000)
def _kind(text: str) -> int:
    """Kinds of a word as it is written; an Arabic one also without the letter that was written onto it."""
    if text[0] == "[":
        return _MASKED
    known, word = _lexicon(), fold(text)
    kind = known.get(word, 0)
    if "\u0600" <= text[0] <= "\u06ff" and word[:1] in _PREFIXES:
        rest = known.get(word[1:], 0) | (known.get("ا" + word[1:], 0) if word[1:2] == "ل" else 0)
        kind |= rest & (_TITLE | _PLACE)
    # A title that is no other word tells as much as a name.
    return kind | _STRONG_TITLE if kind & _TITLE and not kind & _WEAK else kind


@lru_cache(maxsize=100_000)
def _telling(word: bytes) -> bool:
    """Whether a word, as bytes of `_PAGE`, holds one that tells of a name. Words return: each is looked at once."""
    return _tells(word.decode(_PAGE))


def _tells(text: str) -> bool:
    return any(_kind(word) & _TELLING or word in _INITIALS for word in _WORD.findall(text))


def _may_name(text: str) -> bool:
    """Whether a text holds a word without which there is no name in it: most ads hold none.

    A text in Windows' Western letters, as most are, is taken apart as bytes: five times as fast (4 µs for 500
    characters).
    """
    try:
        words = text.encode(_PAGE).translate(_LETTERS).split()
    except UnicodeEncodeError:
        return _tells(text)
    return any(map(_telling, words)) and _tells(text)


def mask(text: str, keep: str = "") -> str:
    """`text` with names of persons as `[nom]`; the words of `keep`, its employer and place, are no names."""
    if not _may_name(text):
        return text
    tokens = [_Token(found[0], _kind(found[0]), *found.span()) for found in _WORD.finditer(text)]
    starts = _starts(tokens)
    if not starts:
        return text
    kept = frozenset(fold(word) for word in _WORD.findall(keep))
    parts, end, past = [], 0, -1
    for at in starts:
        last = _name_at(tokens, text, at) if at > past else None
        if last is None:
            continue
        past = last
        if all(fold(token.text) in kept or token.kind & _PARTICLE for token in tokens[at : last + 1]):
            continue
        parts += [text[end : tokens[at].start], MASK]
        end = tokens[last].end
    return "".join([*parts, text[end:]])


def _starts(tokens: list[_Token]) -> list[int]:
    """Return where names may begin: at a usual name, after a title, and after an invitation to contact somebody."""
    found: set[int] = set()
    for at, token in enumerate(tokens):
        kind = token.kind
        if kind & _USUAL:
            found |= {at, at - 1}  # a family name that nobody knows may stand before the first
            if at > 1 and tokens[at - 1].kind & _PARTICLE:
                found.add(at - 2)
        if kind & _TITLE:
            found.add(at + 1)
        if kind & _CONTACT:
            for following in range(at + 1, min(at + 1 + REACH, len(tokens))):
                found.add(following)
                if not tokens[following].kind & (_BETWEEN | _TITLE):
                    break
    return sorted(at for at in found if 0 <= at < len(tokens) and tokens[at].nameable)


def _name_at(tokens: list[_Token], text: str, at: int) -> int | None:
    """Return the last token of the name that begins at `at`, if one does."""
    if tokens[at].kind & _TITLE and not tokens[at].kind & _USUAL:
        return None
    before = _before(tokens, text, at)
    end = _extent(tokens, text, at, expected=bool(before))
    if _guarded(tokens, text, at, end):
        return None
    words = tokens[at : end + 1]
    first = any(word.kind & _FIRST for word in words)
    known = first or any(word.kind & _FAMILY for word in words)
    full = len(words) > 1 and all(word.kind & (_USUAL | _PARTICLE) for word in words)
    written = all(word.capital or word.arabic for word in words)
    found = {
        "title": True,
        "weak title": bool(words[0].kind & _FIRST),
        "strong contact": known or (len(words) > 1 and all(word.capital for word in words)),
        "contact": known,
        "": False,
    }[before]
    if all(len(word.text) < 3 and not word.kind & _USUAL for word in words):
        return None  # M.Sc., M.P.
    return end if found or (first and ((full and written) or _beside_contact(tokens, at, end))) else None


def _extent(tokens: list[_Token], text: str, at: int, *, expected: bool) -> int:
    """Return the last token of the words that a name beginning at `at` can be; `expected`: one must be there."""
    end = at
    while end + 1 < len(tokens) and end - at + 1 < LONGEST:
        last, following = tokens[end], tokens[end + 1]
        gap = text[last.end : following.start]
        initial = len(last.text) == 1 and gap.strip(" ") == "."
        if len(gap) > 2 or not (gap.strip(" \u00a0") in {"", "-"} or initial) or following.arabic != tokens[at].arabic:
            break
        if not following.kind & _PARTICLE:
            if not following.nameable or following.kind & (_TITLE | _AFTER):
                break
            unknown = following.arabic and not following.kind & _USUAL
            # Arabic has no capitals: of words that are no usual names, only the second can be one.
            if unknown and (end > at or not (expected or last.kind & _USUAL) or len(following.text) < 4):
                break
        end += 1
    while end > at and tokens[end].kind & _PARTICLE and not tokens[end].kind & _USUAL:
        end -= 1
    return end


def _before(tokens: list[_Token], text: str, at: int) -> str:
    """What stands before a name: a title, an invitation to contact somebody, or nothing of the kind."""
    for back in range(1, min(at, REACH) + 1):
        token = tokens[at - back]
        gap = text[token.end : tokens[at - back + 1].start]
        if len(gap) > 8 or any(stop in gap for stop in ";!?") or (back > 1 and any(stop in gap for stop in ".\n")):
            break
        if back == 1 and token.kind & _TITLE:
            if not _addresses(token, text, gap):
                break
            if token.kind & _SAINT:
                continue
            plain = token.capital and (gap.startswith(".") or token.text in {"M", "Me"})
            return "weak title" if token.kind & _WEAK and not plain else "title"
        if token.kind & _CONTACT:
            return "strong contact" if token.kind & _STRONG else "contact"
        if not token.kind & _BETWEEN:
            break
    return ""


def _addresses(title: _Token, text: str, gap: str) -> bool:
    """Whether a title, which `gap` parts from what follows, is one: that of (M/F), 5 M€ and G.M.A.O. is not."""
    if gap.strip(" \u00a0.:"):
        return False
    return len(title.text) > 2 or not _ABBREVIATED.search(text, max(0, title.start - 2), title.start)


def _guarded(tokens: list[_Token], text: str, at: int, end: int) -> bool:
    """Whether the words are part of the name of a place, a house or a firm."""
    for back in range(1, min(at, 3) + 1):
        token = tokens[at - back]
        gap = text[token.end : tokens[at - back + 1].start]
        if gap.strip(" \u00a0.'’") or "\n" in gap:
            break
        if token.kind & _PLACE:
            return True
        if not token.kind & (_TITLE | _PARTICLE) and not token.capital:
            break
    if end + 1 < len(tokens) and tokens[end + 1].kind & _AFTER:
        return text[tokens[end].end : tokens[end + 1].start].strip(" &") in {"", "et"}
    return False


def _beside_contact(tokens: list[_Token], at: int, end: int) -> bool:
    """Whether a telephone number or an e-mail address stands right before or after."""
    near = [(tokens[end], tokens[end + 1])] if end + 1 < len(tokens) else []
    near += [(tokens[at - 1], tokens[at])] if at else []
    return any((left.kind | right.kind) & _MASKED and right.start - left.end <= REACH for left, right in near)
