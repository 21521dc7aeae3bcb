"""Which ISCO-08 group a posting names: its fields are read into a query, stems with factors, which `rating` rates.

The words of the title make the query, those of the sector field and the employer's name its context; the description
is asked only where they leave doubt.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Self

from streams.enrich.occupation import words as titles
from streams.enrich.occupation.confidence import Calibration, Coding
from streams.enrich.occupation.index import SOFT, index
from streams.enrich.occupation.lexicon import Entry
from streams.enrich.occupation.lexicon import load as load_lexicon
from streams.enrich.occupation.rating import Candidate, Factors, Rater, Rating
from streams.enrich.occupation.weights import Weights
from streams.enrich.occupation.words import Segment, Title
from streams.enrich.text import TITLE_LIMIT, Anchored, fold, plain, words

DESCRIBED = 300
"""Characters of a description whose words count as context."""

DESCRIPTION_READ = 1_500
"""Characters of a description that are read for what it seeks."""

TURN = 4
"""Words from the one that a title turns on that are looked for as one lexicon title."""

ALSO = 3
"""Further occupations of an ad that are listed."""

CANDIDATES = 5
"""Unit groups that an explanation shows."""

REMEMBERED = 8_192
"""Titles, employers, words and answers kept: two titles of five say the same words as one before."""

_SOUGHT = Anchored(
    r"(?:recherch\w*|recrut\w*|cherch\w*|hiring|looking for|seeking|en tant que|en qualite de|as an?|poste de|role of)"
    r" (?:(?:activement|actuellement|pour|son|sa|ses|notre|nos|leur|client|une?|des|le|la|d'une?|an?|the|e|\(n?e\)"
    r"|\d+|:) ?)*"
    r"([^.\n,;:!()]{3,80})",
    *("recherch", "recrut", "cherch", "hiring", "looking for", "seeking"),
    *("en tant que", "en qualite de", "as a", "poste de", "role of"),
)


class Asked(NamedTuple):
    """What was read of a posting: stems with their factors, those of its context, those where the title turns.

    `rating` is None where no occupation was stated.
    """

    read: Title
    query: Factors
    context: Factors
    turn: tuple[str, ...]
    rating: Rating | None


class _Titled(NamedTuple):
    """What a title alone makes of a query; `nameless` when none of its words names a job by itself."""

    read: Title
    query: Factors
    turn: tuple[str, ...]
    nameless: bool


class Coder:
    """The lexicon, compiled: `Coder.load()` reads the files, `code` answers for one posting.

    Immutable but for the answers that it remembers.
    """

    def __init__(
        self, entries: Iterable[Entry], weights: Weights | None = None, calibration: Calibration | None = None
    ) -> None:
        self._weights = weights or Weights()
        known = index(entries)
        self._rater = Rater(known, self._weights, calibration or Calibration())
        self._rarity = known.rarity
        self._openers = known.openers
        self._closers = known.closers
        self._heads = frozenset(title.head for title in known.titles) - SOFT
        self._near_by = _deletions(known.rarity)
        self._exact = {frozenset(title.stems): title.code for title in known.titles if len(title.code) == 4}
        self._bare = frozenset(title.head for title in known.titles if len(title.stems) == 1 and len(title.code) < 3)
        self._rated = lru_cache(maxsize=REMEMBERED)(self._rater.rate)
        self._known = lru_cache(maxsize=REMEMBERED)(self._find)
        self._named = lru_cache(maxsize=REMEMBERED)(self._employer)
        self._titled = lru_cache(maxsize=REMEMBERED)(self._entitled)
        self._around = lru_cache(maxsize=REMEMBERED)(self._context)

    @classmethod
    def load(cls, imported: Path | None = None) -> Self:
        """Compile the lexicon's files and a folder of imported taxonomies. Raises ValueError for a broken one."""
        return cls(load_lexicon(imported=imported))

    def code(
        self,
        title: str | None,
        *,
        sector: str | None = None,
        description: str | None = None,
        company: str | None = None,
        contract: str | None = None,
    ) -> Coding:
        """Return the occupation of one posting, `Coding()` where it states none.

        The arguments are the raw fields. Never raises; the cost is bounded by the text limits.
        """
        asked = self.weigh(title, sector=sector, description=description, company=company, contract=contract)
        if asked.rating is None:
            return Coding()
        coding = asked.rating.coding
        if coding.isco_best is None or len(asked.read.segments) == 1:
            return coding
        exact = (self._exact.get(frozenset(segment.core)) for segment in asked.read.segments)
        also = dict.fromkeys(code for code in exact if code and code != coding.isco_best)
        return coding._replace(isco_also=tuple(also)[:ALSO])

    def weigh(
        self,
        title: str | None,
        *,
        sector: str | None = None,
        description: str | None = None,
        company: str | None = None,
        contract: str | None = None,
    ) -> Asked:
        """Read the fields into a query and rate it; the description is asked only where the rest leaves doubt."""
        company = company[:TITLE_LIMIT] if company else None
        read, query, turn, nameless = self._titled(title[:TITLE_LIMIT] if title else "", self._named(company))
        if read.responsibility or read.unnamed:
            return Asked(read, (), (), (), None)
        if nameless and (read.several or (contract and titles.opens_responsibility(contract))):
            return Asked(read, query, (), turn, None)
        context = self._around(sector[:TITLE_LIMIT] if sector else None, company) if query else ()
        rating = self._rated(query, context, turn)
        if description and (rating is None or rating.top < self._weights.unsure):
            sought = self._sought(description, alone=not query)
            if sought:
                if query:
                    context = tuple((dict(context) | sought).items())
                else:
                    query = tuple(sought.items())
                rating = self._rater.rate(query, context, turn)
        return Asked(read, query, context, turn, rating)

    def candidates(self, asked: Asked, count: int = CANDIDATES) -> tuple[Candidate, ...]:
        """Return the likeliest unit groups of what was asked, and the lexicon title that speaks most for each."""
        return self._rater.candidates(asked.query, asked.context, asked.turn, count)

    def known_as(self, word: str) -> str | None:
        """Return the lexicon's stem for a stem that was read, None where it has none."""
        known = self._known(word)
        return known if known in self._rarity else None

    def _employer(self, company: str | None) -> frozenset[str]:
        """Return the words of an employer's name that are no words of the lexicon."""
        if not company:
            return frozenset()
        return frozenset(word for word in words(fold(company)) if titles.stem(word) not in self._rarity)

    def _entitled(self, title: str, employer: frozenset[str]) -> _Titled:
        """Read a title into a query; the words of `employer` count as noise."""
        read = titles.read(title, employer)
        if read.responsibility or read.unnamed:
            return _Titled(read, (), (), nameless=True)
        query, turn = self._query(read)
        return _Titled(read, tuple(query.items()), turn, self._heads.isdisjoint(query))

    def _query(self, read: Title) -> tuple[dict[str, float], tuple[str, ...]]:
        """Return the stems to look for, each with its factor, unknown ones too, and those where the title turns.

        Empty where only noise was said.
        """
        query: dict[str, float] = {}
        if max([len(one) for segment in read.segments for one in segment.core], default=0) < 2:
            return query, ()  # letters alone name nothing
        rarity, known = self._rarity, self._known
        segments = [[one if one in rarity else known(one) for one in segment.core] for segment in read.segments]
        for run in segments:
            if run and run[0][-1] == "ي" and run[0] not in self._heads and run[0][:-1] in self._heads:
                run[0] = run[0][:-1]  # a plural before what it governs, though another title holds it otherwise
        headed = [not self._heads.isdisjoint(run) for run in segments]
        if True in headed:
            main = headed.index(True)
        else:
            main = next((k for k, run in enumerate(segments) if any(one in rarity for one in run)), 0)
        bare = len(segments[main]) == 1 and segments[main][0] in self._bare
        for k, (segment, run) in enumerate(zip(read.segments, segments, strict=True)):
            if k == main or (bare and k == main + 1):
                factor = 1.0
            else:
                factor = self._weights.later if headed[k] else self._weights.qualifier
            self._add(query, segment, run, factor)
        return query, self._turn(segments[main])

    def _turn(self, run: list[str]) -> tuple[str, ...]:
        """Return the word that a title turns on and its neighbours, nearest first.

        The first word if it opens French or Arabic titles, else the last if it closes English ones.
        """
        known = [one for one in run if one in self._rarity]
        if known and run[0] in self._openers:
            return tuple(known[:TURN])
        return tuple(known[: -TURN - 1 : -1]) if known and run[-1] in self._closers else ()

    def _add(self, query: dict[str, float], segment: Segment, run: list[str], factor: float) -> None:
        previous = ""
        fading = self._weights.fading
        last = len(run) - 1
        backwards = last > 0 and run[0] not in self._openers and run[last] in self._closers
        for k, one in enumerate(run):
            near = fading[min(last - k if backwards else k, len(fading) - 1)]
            query[one] = max(factor * near, query.get(one, 0.0))
            if previous and previous + one in self._rarity:
                query.setdefault(previous + one, factor)
            previous = one
        for one in segment.soft:
            if one in self._rarity:
                query.setdefault(one, factor)

    def _find(self, one: str) -> str:
        """Return the lexicon's stem for `one`: itself, less an Arabic particle or plural, or one edit away; else `one`.

        An Arabic plural loses its last letter before what it governs: مهندسين, but مهندسي مبيعات. A slip of the pen
        spares a word's first letter: "murator" is no "curator".
        """
        if one in self._rarity:
            return one
        if one[-1] in "يو" and len(one) > 4 and one[:-1] in self._rarity:
            return one[:-1]
        if one[0] in "بلوكف" and len(one) > 3:
            bare = titles.stem(one[1:])
            if bare in self._rarity:
                return bare
        if 5 <= len(one) <= 24:
            for k in range(len(one) + 1):
                near = self._near_by.get(one[:k] + one[k + 1 :])
                if near is not None and near[0] == one[0]:
                    return near
        return one

    def _context(self, sector: str | None, company: str | None) -> tuple[tuple[str, float], ...]:
        """Return the stems of the sector field and of the employer's name ("clinique", "assurances"), as items."""
        context: dict[str, float] = {}
        for text, factor in ((company, self._weights.employer), (sector, self._weights.sector)):
            if text:
                run = titles.stems(word for word in words(fold(plain(text, TITLE_LIMIT))) if word not in titles.CITIES)
                context.update((one, factor) for one in run if one in self._rarity and one not in SOFT)
        return tuple(context.items())

    def _sought(self, description: str, *, alone: bool) -> dict[str, float]:
        """Return the stems of what a text says is sought ("recherche un comptable"), in its first two such phrases.

        With them its first words, unless they would stand `alone`, without a title.
        """
        folded = fold(plain(description, DESCRIPTION_READ))
        found: dict[str, float] = {}
        for k, match in enumerate(_SOUGHT.matches(folded)):
            for segment in titles.read(match.group(1)).segments[:1]:
                found.update((one, self._weights.sought) for one in segment.core[:6] if one in self._rarity)
            if k == 1:
                break
        for one in () if alone else titles.stems(words(folded[:DESCRIBED])):
            if one in self._rarity and one not in SOFT:
                found.setdefault(one, self._weights.described)
        return found


def _deletions(vocabulary: Iterable[str]) -> dict[str, str]:
    """Map each stem of five letters or more, and it less any one letter, to it: one-edit neighbours share a key."""
    long = [one for one in vocabulary if 5 <= len(one) <= 24]
    out: dict[str, str] = {}
    for one in long:
        for k in range(len(one)):
            out.setdefault(one[:k] + one[k + 1 :], one)
    out.update((one, one) for one in long)
    return out
