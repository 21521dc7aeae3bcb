"""The one normal form in which Marsad compares text: every other module of `enrich` and `match` reads through it.

`fold` maps each character on its own, so it is linear in the length of the text whatever the text is, and
`fold(a + b) == fold(a) + fold(b)`. (`unicodedata.normalize` sorts runs of combining marks and is quadratic on them.)
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from schemas.messages import Posting

T = TypeVar("T")

TITLE_LIMIT = 400
"""Characters of a title, a company or another short field that are read."""

TEXT_LIMIT = 6_000
"""Characters of a description that are read."""

# Characters outside these stay as they are.
_RANGES = (
    (0x0000, 0x052F),  # Latin, Greek, Cyrillic, combining marks
    (0x0600, 0x08FF),  # Arabic and its supplements
    (0x1D00, 0x1EFF),  # phonetic and additional Latin
    (0x2000, 0x24FF),  # punctuation, super- and subscripts, letterlike, enclosed
    (0x3000, 0x303F),  # wide punctuation
    (0xFB00, 0xFEFF),  # Latin ligatures, Arabic presentation forms
    (0xFF00, 0xFFEF),  # full-width forms
    (0x1D400, 0x1D7FF),  # mathematical letters, which some advertisers use as bold type
)

_LETTERS = {
    "ى": "ي", "ة": "ه", "ٱ": "ا", "ی": "ي", "ک": "ك", "گ": "ك", "ڭ": "ك", "ݣ": "ك", "ڤ": "ف", "پ": "ب", "ە": "ه",
    "œ": "oe", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "µ": "u", "¼": " ", "½": " ", "¾": " ",
    "’": "'", "‘": "'", "ʼ": "'", "ʻ": "'", "`": "'", "´": "'", "′": "'", "“": '"', "”": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "−": "-",
    "ـ": "", "،": ",", "؛": ";", "؟": "?", "٫": ".", "٬": "",
}  # fmt: skip


def _fold_character(character: str) -> str:
    """Return one character's compatibility form without marks, case, format characters or variants."""
    out: list[str] = []
    for part in unicodedata.normalize("NFKD", _LETTERS.get(character, character)).casefold():
        kind = unicodedata.category(part)
        if kind in {"Mn", "Me", "Cf"}:
            continue
        if kind == "Nd":
            out.append(str(unicodedata.digit(part)))
        elif kind in {"Cc", "Zs", "Zl", "Zp"}:
            out.append("\n" if part in "\n\u2028\u2029" else " ")
        else:
            folded = _LETTERS.get(part, part)
            out.append("".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c)))
    return "".join(out)


class _Table(dict[int, str]):
    """Translation table; a character outside its ranges stays as it is."""

    def __missing__(self, code: int) -> str:
        return chr(code)


_TABLE = _Table((code, _fold_character(chr(code))) for low, high in _RANGES for code in range(low, high + 1))


class _Codec(NamedTuple):
    """Folding by tables of bytes; letters that fold to several pass through marks, bytes that no folded text holds."""

    encoding: str
    table: bytes
    dropped: bytes
    marks: dict[str, str]


def _codec(encoding: str) -> _Codec:
    table = bytearray(256)
    dropped = bytearray()
    marks: dict[str, str] = {}
    for byte in range(256):
        folded = _TABLE[ord(bytes([byte]).decode(encoding, "replace"))]
        if len(folded) > 1:
            folded = marks.setdefault(folded, chr(len(marks) + 1))
        if folded:
            table[byte] = folded.encode(encoding, "replace")[0]
        else:
            dropped.append(byte)
    return _Codec(encoding, bytes(table), bytes(dropped), {mark: folded for folded, mark in marks.items()})


_CODECS = (_codec("latin-1"), _codec("cp1252"))
"""Nine fields of ten are Latin-1, of the others nineteen of twenty Windows-1252: typographic quotes, dashes, bullets.
For these a table of bytes folds ten and five times as fast as one of characters (21 ns a character)."""

_ARABIC = re.compile("[\u0620-\u064a]")
_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"\d")
_SPACES = bytes(c if chr(c).isalnum() else 32 for c in range(128)) + bytes(range(128, 256))
_SPACES_1252 = bytes(c if bytes([c]).decode("cp1252", "replace").isalnum() else 32 for c in range(256))


def fold(text: str) -> str:
    """Return `text` without case, accents, tatweel, vowel marks, direction marks and presentation forms.

    Alef, ya, waw and ta marbuta take one form, Moroccan and Persian letters their Arabic neighbour's, digits are
    Western, quotes and dashes plain, every space but the line feed a space. Linear in the length of `text`.
    """
    for codec in _CODECS:
        try:
            data = text.encode(codec.encoding)
        except UnicodeEncodeError:
            continue
        folded = data.translate(codec.table, codec.dropped).decode(codec.encoding)
        for mark, letters in codec.marks.items():
            if mark in folded:
                folded = folded.replace(mark, letters)
        return folded
    return text.translate(_TABLE)


def words(folded: str) -> list[str]:
    """Split a folded text into its words: runs of letters and digits."""
    if folded.isascii():
        return folded.encode().translate(_SPACES).decode().split()
    try:
        return folded.encode("cp1252").translate(_SPACES_1252).decode("cp1252").split()
    except UnicodeEncodeError:
        return _WORD.findall(folded)


def tokens(text: str) -> tuple[str, ...]:
    """Fold and split: `tokens("Aïn Sebaâ (H/F)") == ("ain", "sebaa", "h", "f")`."""
    return tuple(words(fold(text)))


def plain(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return the first `limit` characters of `text` without tags and escapes, its references resolved."""
    text = text[:limit]
    if "\\" in text:
        text = text.replace("\\", "")  # Markdown that a portal escaped
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "&" in text:
        text = html.unescape(text)
    return text


def is_arabic(folded: str) -> bool:
    """Whether a folded text has an Arabic letter."""
    return not folded.isascii() and _ARABIC.search(folded) is not None


class Anchored:
    """A pattern that is tried only where one of its heads stands: each of its matches begins with one of them.

    Most texts hold few heads or none, and a search for literal text is many times as fast as for a choice of them.
    """

    def __init__(self, pattern: str, *heads: str, digit: bool = False) -> None:
        """Compile `pattern`; with `digit` a match may also begin with a digit of any script."""
        self.pattern = re.compile(pattern)
        self._heads = heads
        self._digit = digit

    def matches(self, text: str) -> list[re.Match[str]]:
        """Return what the pattern's `finditer` yields."""
        found: list[re.Match[str]] = []
        free = 0
        for start in self._starts(text):
            if start >= free and (match := self.pattern.match(text, start)):
                free = match.end()
                found.append(match)
        return found

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match."""
        for start in self._starts(text):
            if match := self.pattern.match(text, start):
                return match
        return None

    def cut(self, text: str) -> str:
        """Return `text` without the matches."""
        kept: list[str] = []
        free = 0
        for match in self.matches(text):
            kept.append(text[free : match.start()])
            free = match.end()
        return "".join((*kept, text[free:])) if free else text

    def _starts(self, text: str) -> list[int]:
        starts = [found.start() for found in _DIGIT.finditer(text)] if self._digit else []
        for head in self._heads:
            at = text.find(head)
            while at >= 0:
                starts.append(at)
                at = text.find(head, at + 1)
        if len(starts) > 1:
            starts.sort()
        return starts


Match = tuple[int, int, T]
"""Where a phrase stands in a text: its first word, the word after its last, and the phrase's value."""


class Phrases(Generic[T]):
    """A table of phrases, each a sequence of folded words, that is matched against a text in one pass.

    The cost of `find` is one dictionary look-up a word, and a few more where a phrase may begin.
    """

    def __init__(self, table: Mapping[str, T]) -> None:
        """Build from phrase → value; the phrases are folded here. Of two that fold alike the first counts."""
        self.values: dict[str, T] = {}
        self._longest: dict[str, int] = {}
        for phrase, value in table.items():
            parts = tokens(phrase)
            if parts:
                self.values.setdefault(" ".join(parts), value)
                self._longest[parts[0]] = max(self._longest.get(parts[0], 0), len(parts))
        self._begins = frozenset(self._longest)

    def touches(self, text: Sequence[str]) -> bool:
        """Whether some word of the text may begin a phrase: a quick test before `find`."""
        return not self._begins.isdisjoint(text)

    def find(self, text: Sequence[str]) -> list[Match[T]]:
        """Return the longest matches from the left, none overlapping."""
        begins = self._begins.intersection(text)
        if not begins:
            return []
        longest, values = self._longest, self.values
        found: list[Match[T]] = []
        free = 0
        for start in [k for k, word in enumerate(text) if word in begins]:
            if start < free:
                continue
            word = text[start]
            for end in range(min(start + longest[word], len(text)), start, -1):
                value = values.get(word if end == start + 1 else " ".join(text[start:end]))
                if value is not None:
                    found.append((start, end, value))
                    free = end
                    break
        return found

    def get(self, phrase: str) -> T | None:
        """Return the value of exactly this phrase: folded words joined by single spaces."""
        return self.values.get(phrase)


class Phrasebook:
    """Tables of phrases that are looked for at once: a text is asked once for all words by which they are known.

    A phrase is known by its longest word, which few texts have: first words are often "de", "en" or "poste". Its
    others are only joined and looked up where the one beside that word is right.
    """

    def __init__(self, tables: Iterable[Phrases[Any]]) -> None:
        self._values: dict[str, list[tuple[Phrases[Any], Any]]] = {}
        shapes: dict[str, dict[tuple[int, int], set[str]]] = {}
        for table in tables:
            for phrase, value in table.values.items():
                self._values.setdefault(phrase, []).append((table, value))
                parts = phrase.split()
                longest = max(range(len(parts)), key=lambda k: len(parts[k]))
                known = shapes.setdefault(parts[longest], {})
                if len(parts) > 1:
                    beside = parts[longest - 1 if longest else 1]
                    known.setdefault((longest, len(parts) - longest), set()).add(beside)
        self._shapes = {
            word: (
                self._values.get(word, ()),
                tuple((-1 if before else 1, before, after, frozenset(near)) for (before, after), near in known.items()),
            )
            for word, known in shapes.items()
        }
        self.title = lru_cache(maxsize=1 << 12)(self._title)

    def find(self, text: Sequence[str]) -> dict[Phrases[Any], list[Match[Any]]]:
        """Return all places where a phrase of a table stands, overlapping ones too, in no order."""
        found: dict[Phrases[Any], list[Match[Any]]] = {}
        shapes = self._shapes
        last = len(text) - 1
        for k in [k for k, word in enumerate(text) if word in shapes]:
            alone, longer = shapes[text[k]]
            for table, value in alone:
                found.setdefault(table, []).append((k, k + 1, value))
            for side, before, after, beside in longer:
                if 0 <= k + side <= last and text[k + side] in beside:
                    first, end = k - before, k + after
                    if first >= 0 and end <= last + 1:
                        for table, value in self._values.get(" ".join(text[first:end]), ()):
                            found.setdefault(table, []).append((first, end, value))
        return found

    def _title(self, title: str) -> "Heading":
        """Fold a title and find its phrases. As `title` it is remembered: two titles of five are another ad's."""
        folded = fold(title)
        parts = words(folded)
        return Heading(folded, parts, self.find(parts))


def leftmost(found: list[Match[T]], limit: int | None = None) -> list[Match[T]]:
    """Keep the longest matches from the left, none overlapping, that end by word `limit`: as `Phrases.find` does."""
    if len(found) == 1:
        return found if limit is None or found[0][1] <= limit else []
    kept: list[Match[T]] = []
    free = 0
    for match in sorted(found, key=lambda match: (match[0], -match[1])):
        if match[0] >= free and (limit is None or match[1] <= limit):
            kept.append(match)
            free = match[1]
    return kept


Found = Mapping[Phrases[Any], list[Match[Any]]]
"""Of tables that were looked for at once, all matches of each that has one."""


class Heading(NamedTuple):
    """A title folded, its words, and what was found in it."""

    text: str
    words: list[str]
    phrases: Found


class Reading(NamedTuple):
    """The texts of a posting, folded once for all modules: of the title, and of the description with the profile.

    `title_phrases`, `phrases`: what was found in the title and in the body of the tables that were looked for at once.
    """

    title: str
    title_words: list[str]
    body: str
    body_words: list[str]
    title_phrases: Found | None = None
    phrases: Found | None = None

    def entitled(self, table: Phrases[T]) -> list[Match[T]]:
        """Find a table's phrases in the title."""
        if self.title_phrases is None:
            return table.find(self.title_words)
        found = self.title_phrases.get(table)
        return leftmost(found) if found else []

    def find(self, table: Phrases[T], limit: int | None = None) -> list[Match[T]]:
        """Find a table's phrases in the first `limit` words of the body."""
        if self.phrases is None:
            return table.find(self.body_words[:limit])
        found = self.phrases.get(table)
        return leftmost(found, limit) if found else []


def read(posting: Posting, book: Phrasebook | None = None) -> Reading:
    """Fold a posting's title and the first `TEXT_LIMIT` characters of its description and of its profile.

    A `book` is looked for in them at once; without it each table is when it is asked for.
    """
    title = (posting.title or "")[:TITLE_LIMIT]
    parts = [plain(part) for part in (posting.description, posting.profile) if part]
    body = fold("\n".join(parts)) if parts else ""
    body_words = words(body) if body else []
    if book is None:
        folded = fold(title)
        return Reading(folded, words(folded), body, body_words)
    heading = book.title(title)
    return Reading(heading.text, heading.words, body, body_words, heading.phrases, book.find(body_words))
