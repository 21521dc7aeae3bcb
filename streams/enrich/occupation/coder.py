"""Which ISCO-08 group a title names: the lexicon as an index, and the evidence for each group as one vector.

A title's stems are compared with every lexicon title that shares one (an inverted index from stem to titles, in
numpy): a lexicon title scores the weighted share of its stems that were found, less what it leaves unexplained of the
query (a Tversky index). A group scores as its best title. Scores become masses; the mass of a group of one to three
digits is shared among the unit groups below it by their own scores; the probability of a prefix is the sum over its
unit groups.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from streams.enrich.occupation import words as titles
from streams.enrich.occupation.confidence import Calibration, Coding
from streams.enrich.occupation.lexicon import Entry
from streams.enrich.occupation.lexicon import load as load_lexicon
from streams.enrich.occupation.likelihood import Likelihood
from streams.enrich.occupation.words import Segment, Title
from streams.enrich.text import TITLE_LIMIT, fold, plain, words

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.intp]


class Weights(NamedTuple):
    """What each kind of evidence weighs.

    Chosen by reasoning and checked on three sets (coded postings, two taxonomies' labels, English titles): none of them
    moves a figure by .02 when it is changed by a third.
    """

    head: float = 1.1
    """Factor of the word that a title turns on: the first in French and Arabic, the last in English."""
    head_least: float = 2.0
    """Least rarity that counts for a head: "technicien" stands everywhere and decides the major group."""
    whole: float = 0.05
    """Added to the score of a lexicon title that the query holds whole where it turns: "directeur commercial" in
    "directeur commercial secteur nettoyage"."""
    headless: float = 0.7
    """Factor of the score of a lexicon title that turns on another word than the title read."""
    soft: float = 0.3
    """Factor, in a lexicon title, of a word that is noise in most titles."""
    unexplained: float = 0.4
    """Cost of a query's words that a lexicon title leaves unexplained, against its own words not found."""
    later: float = 0.35
    """Factor of the segments around the one that names the job, where they name another."""
    qualifier: float = 0.7
    """The same where they name none, and so say more of the first."""
    sector: float = 0.6
    """Factor of the words of the sector field."""
    employer: float = 0.6
    """Factor of the words of the employer's name."""
    described: float = 0.6
    """Factor of the first words of the description."""
    sought: float = 0.7
    """Factor of the words of the description that say who is sought."""
    sharpness: float = 12.0
    """How fast a group's mass grows with its score."""
    floor: float = 0.42
    """Score at which a group weighs as much as all that the lexicon does not know."""
    anonymous: float = 0.2
    """How much higher that score is for words of which none names a job by itself."""
    within: float = 7.0
    """How fast a unit group's share in the mass of the groups above it grows with its own score."""
    words: float = 0.5
    """How much the likelihood of the words counts where no lexicon title explains any of the query."""
    explained: float = 0.05
    """The same where one explains all of it: many titles share a word with it ("agent"), and weigh together."""
    circumstance: float = 0.3
    """Factor, in that likelihood, of the words around a title, and of words that are noise in most titles."""
    fading: tuple[float, ...] = (1.0, 1.0, 0.9, 0.8, 0.7, 0.6)
    """Factor of a segment's words by their distance from the one that it turns on: what comes late qualifies."""
    elsewhere: float = 1.5
    """How much likelier "not elsewhere classified" is where a title names no more than the group."""


DESCRIBED = 300
"""Characters of a description whose words count as context."""

DESCRIPTION_READ = 1_500
"""Characters of a description that are read for what it seeks."""

UNSURE = 0.6
"""Probability of the best unit group below which the description is asked."""

COMMON = 60
"""Lexicon titles that turn on a word from which it tells the level of a job, not its field ("chef", "technicien")."""

TURN = 4
"""Words from the one that a title turns on that are looked for as one lexicon title."""

ALSO = 3
"""Further occupations of an ad that are listed."""

CANDIDATES = 5
"""Unit groups that an explanation shows, as far as they have the mass `UNLIKELY`."""

UNLIKELY = 0.002

REMEMBERED = 8_192
"""Titles, employers, words and answers kept: two titles of five say the same words as one before."""

_UNKNOWN = 2.0
"""Rarity that counts for a word that the lexicon does not know: most are names."""

_SOUGHT = re.compile(
    r"(?:recherch\w*|recrut\w*|cherch\w*|hiring|looking for|seeking|en tant que|en qualite de|as an?|poste de|role of)"
    r" (?:(?:activement|actuellement|pour|son|sa|ses|notre|nos|leur|client|une?|des|le|la|d'une?|an?|the|e|\(n?e\)"
    r"|\d+|:) ?)*"
    r"([^.\n,;:!()]{3,80})"
)


class Rating(NamedTuple):
    """What the lexicon says of a query: the likeliest group's mass, the best one's prefixes', the answer."""

    top: float
    best: str
    masses: tuple[float, ...]
    coding: Coding


class Asked(NamedTuple):
    """What was read of a posting: stems with their factors, those of its context, those where the title turns.

    `rating` is None where no occupation was stated.
    """

    read: Title
    query: dict[str, float]
    context: dict[str, float]
    turn: tuple[str, ...]
    rating: Rating | None


class Candidate(NamedTuple):
    """A unit group, its share of the mass, and the lexicon title that speaks most for it.

    `code` is that title's own, which may be broader, `score` its score, `found` its stems that were read.
    """

    isco: str
    mass: float
    title: str
    code: str
    score: float
    found: tuple[str, ...]


class Coder:
    """The lexicon, compiled: `Coder.load()` reads the files, `code` answers for one posting.

    Immutable but for the answers that it remembers.
    """

    def __init__(
        self, entries: Iterable[Entry], weights: Weights | None = None, calibration: Calibration | None = None
    ) -> None:
        self._weights = weights or Weights()
        self._calibration = calibration or Calibration()
        self._soft = frozenset(titles.stem(word) for word in titles.NOISE)
        found: dict[tuple[str, frozenset[str]], tuple[tuple[str, ...], str]] = {}
        written: dict[tuple[str, frozenset[str]], str] = {}
        openers: set[str] = set()
        closers: set[str] = set()
        decided: set[frozenset[str]] = set()
        for entry in sorted(entries, key=lambda entry: not entry.decides):
            run, head = _lexicon_stems(entry)
            bag = frozenset(run)
            if entry.decides:
                decided.add(bag - self._soft)
            elif bag - self._soft in decided:
                continue
            if run:
                found.setdefault((entry.isco, bag), (run, head))
                written.setdefault((entry.isco, bag), entry.title)
                (closers if entry.lang == "en" else openers).add(head)
        self._openers = frozenset(openers)
        self._closers = frozenset(closers)
        ordered = sorted(found.items(), key=lambda item: (item[0][0], item[1]))
        self._codes = tuple(sorted({code[:n] for (code, _), _ in ordered for n in range(1, len(code) + 1)}))
        self._leaves = tuple(code for code in self._codes if len(code) == 4)
        self._range = {code: _inside(self._leaves, code) for code in self._codes}
        broad = [code for code in self._codes if len(code) < 4]
        self._broad = tuple(self._range[code] for code in broad)
        position = {code: k for k, code in enumerate((*self._leaves, *broad))}
        self._major = np.array([int(code[0]) for code in self._leaves], np.intp)
        self._sub_major = np.array([int(code[:2]) for code in self._leaves], np.intp)
        self._elsewhere = np.array([self._weights.elsewhere if c[3] == "9" else 1.0 for c in self._leaves], np.float32)
        self._alone = tuple(np.add.reduce(self._elsewhere[first:last]) for first, last in self._broad)

        spread: dict[str, set[str]] = defaultdict(set)
        for (code, bag), _ in ordered:
            for one in bag:
                spread[one].add(code[:3])
        self._idf = {one: math.log(180 / (len(groups) + 0.5)) for one, groups in spread.items()}
        self._heads = frozenset(head for _, (_, head) in ordered) - self._soft
        self._near_by = _deletions(self._idf)
        self._exact = {bag: code for (code, bag), _ in ordered if len(code) == 4}
        self._bare = frozenset(run[0] for (code, _), (run, _) in ordered if len(run) == 1 and len(code) < 3)
        self._entries = tuple((code, run) for (code, _), (run, _) in ordered)
        self._titles = tuple(written[key] for key, _ in ordered)
        self._whole: dict[tuple[str, ...], tuple[int, ...]] = {}
        for (code, _), (run, head) in ordered:
            for turn in {run} if head == run[0] else {run[::-1]} if head == run[-1] else ():
                self._whole[turn] = (*self._whole.get(turn, ()), position[code])
        self._rated = lru_cache(maxsize=REMEMBERED)(self._rate)
        self._known = lru_cache(maxsize=REMEMBERED)(self._find)
        self._named = lru_cache(maxsize=REMEMBERED)(self._employer)
        self._around = lru_cache(maxsize=REMEMBERED)(self._context)
        self._scaled = lru_cache(maxsize=REMEMBERED)(self._scale)
        self._likelihood = Likelihood(self._leaves, [(self._range[code], run) for code, run in self._entries])
        self._index(ordered, position)

    def _index(
        self,
        ordered: list[tuple[tuple[str, frozenset[str]], tuple[tuple[str, ...], str]]],
        position: Mapping[str, int],
    ) -> None:
        """Build the inverted index: stem to the titles that hold it and its weight in each."""
        postings: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        size = np.zeros(len(ordered), np.float32)
        for k, ((_, bag), (run, head)) in enumerate(ordered):
            all_soft = bag <= self._soft
            for one in run:
                weight = (
                    self._weights.head * max(self._idf[one], self._weights.head_least)
                    if one == head
                    else self._idf[one]
                )
                if one in self._soft and not all_soft:
                    weight *= self._weights.soft
                size[k] += weight
                ids, weights = postings[one]
                ids.append(k)
                weights.append(weight)
        self._size = size
        turned = Counter(head for _, (_, head) in ordered)
        number = {head: k for k, head in enumerate(turned)}
        turns = np.array([number[head] for _, (_, head) in ordered], np.int32)
        headless = np.float32(self._weights.headless)
        self._common = {
            head: np.where(turns == number[head], np.float32(1), headless)
            for head, count in turned.items()
            if count >= COMMON
        }
        self._group = np.array([position[code] for (code, _), _ in ordered], np.intp)
        self._postings = {one: (np.array(i, np.intp), np.array(w, np.float32)) for one, (i, w) in postings.items()}
        self._spare: list[Floats] = []

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
        read = titles.read(title or "", self._named(company))
        if read.responsibility or read.unnamed:
            return Asked(read, {}, {}, (), None)
        query, turn = self._query(read)
        nameless = self._heads.isdisjoint(query)
        if nameless and (read.several or (contract and titles.opens_responsibility(contract))):
            return Asked(read, query, {}, turn, None)
        context = dict(self._around(sector[:TITLE_LIMIT] if sector else None, company)) if query else {}
        rating = self._rated(tuple(query.items()), tuple(context.items()), turn)
        if description and (rating is None or rating.top < UNSURE):
            sought = self._sought(description, alone=not query)
            if sought:
                (context if query else query).update(sought)
                rating = self._rate(tuple(query.items()), tuple(context.items()), turn)
        return Asked(read, query, context, turn, rating)

    def candidates(self, asked: Asked, count: int = CANDIDATES) -> tuple[Candidate, ...]:
        """Return the likeliest unit groups of what was asked, and the lexicon title that speaks most for each."""
        mass = self._masses(asked.query, asked.context, asked.turn)
        if mass is None:
            return ()
        share, entries = self._shares(asked.query, asked.context, asked.turn)
        titles_read = [(float(s), *self._entries[k], self._titles[k]) for s, k in zip(share, entries, strict=True)]
        known = asked.query.keys() | asked.context.keys()
        found: list[Candidate] = []
        for leaf in np.argsort(-mass, kind="stable")[:count].tolist():
            if mass[leaf] < UNLIKELY:
                break
            isco = self._leaves[leaf]
            above = [told for told in titles_read if isco.startswith(told[1])]
            score, code, run, title = max(above, key=lambda told: (told[0], len(told[1])), default=(0.0, "", (), ""))
            found.append(Candidate(isco, float(mass[leaf]), title, code, score, tuple(w for w in run if w in known)))
        return tuple(found)

    def known_as(self, word: str) -> str | None:
        """Return the lexicon's stem for a stem that was read, None where it has none."""
        known = self._known(word)
        return known if known in self._idf else None

    def _rate(
        self, query: tuple[tuple[str, float], ...], context: tuple[tuple[str, float], ...], turn: tuple[str, ...]
    ) -> Rating | None:
        """Rate a query, given as its items; None where the lexicon knows no word of it."""
        mass = self._masses(dict(query), dict(context), turn)
        if mass is None:
            return None
        top = float(np.maximum.reduce(mass))
        rank = mass
        if top < UNSURE:
            majors, sub_majors = np.bincount(self._major, mass), np.bincount(self._sub_major, mass)
            rank = mass * np.sqrt(majors[self._major] * sub_majors[self._sub_major])
        best = self._leaves[int(rank.argmax())]
        wider = [np.add.reduce(mass[slice(*self._range[best[:digits]])]) for digits in (1, 2, 3)]
        masses = (*map(float, wider), float(mass[self._range[best][0]]))
        return Rating(top, best, masses, self._calibration.coding(best, masses))

    def _employer(self, company: str | None) -> frozenset[str]:
        """Return the words of an employer's name that are no words of the lexicon."""
        if not company:
            return frozenset()
        return frozenset(word for word in words(fold(company)) if titles.stem(word) not in self._idf)

    def _query(self, read: Title) -> tuple[dict[str, float], tuple[str, ...]]:
        """Return the stems to look for, each with its factor, unknown ones too, and those where the title turns.

        Empty where only noise was said.
        """
        query: dict[str, float] = {}
        if not any(len(one) > 1 for segment in read.segments for one in segment.core):
            return query, ()  # letters alone name nothing
        segments = [[self._known(one) for one in segment.core] for segment in read.segments]
        main = next((k for k, run in enumerate(segments) if not self._heads.isdisjoint(run)), None)
        if main is None:
            main = next((k for k, run in enumerate(segments) if any(one in self._idf for one in run)), 0)
        bare = len(segments[main]) == 1 and segments[main][0] in self._bare
        for k, (segment, run) in enumerate(zip(read.segments, segments, strict=True)):
            if k == main or (bare and k == main + 1):
                factor = 1.0
            else:
                factor = self._weights.qualifier if self._heads.isdisjoint(run) else self._weights.later
            self._add(query, segment, run, factor)
        return query, self._turn(segments[main])

    def _turn(self, run: list[str]) -> tuple[str, ...]:
        """Return the word that a title turns on and its neighbours, nearest first.

        The first word if it opens French or Arabic titles, else the last if it closes English ones.
        """
        known = [one for one in run if one in self._idf]
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
            if previous and previous + one in self._idf:
                query.setdefault(previous + one, factor)
            previous = one
        for one in segment.soft:
            if one in self._idf:
                query.setdefault(one, factor)

    def _find(self, one: str) -> str:
        """Return the lexicon's stem for `one`: itself, less an Arabic particle, or one edit away; else `one`.

        A slip of the pen spares a word's first letter: "murator" is no "curator".
        """
        if one in self._idf:
            return one
        if one[0] in "بلوكف" and len(one) > 3:
            bare = titles.stem(one[1:])
            if bare in self._idf:
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
                context.update((one, factor) for one in run if one in self._idf and one not in self._soft)
        return tuple(context.items())

    def _sought(self, description: str, *, alone: bool) -> dict[str, float]:
        """Return the stems of what a text says is sought ("recherche un comptable"), in its first two such phrases.

        With them its first words, unless they would stand `alone`, without a title.
        """
        folded = fold(plain(description, DESCRIPTION_READ))
        found: dict[str, float] = {}
        for k, match in enumerate(_SOUGHT.finditer(folded)):
            for segment in titles.read(match.group(1)).segments[:1]:
                found.update((one, self._weights.sought) for one in segment.core[:6] if one in self._idf)
            if k == 1:
                break
        for one in () if alone else titles.stems(words(folded[:DESCRIBED])):
            if one in self._idf and one not in self._soft:
                found.setdefault(one, self._weights.described)
        return found

    def _scores(self, query: Mapping[str, float], context: Mapping[str, float], turn: tuple[str, ...]) -> Floats:
        """Return the best score of a title in each group, 0 where none shares a stem."""
        scores = np.zeros(len(self._codes), np.float32)
        share, entries = self._shares(query, context, turn)
        if not len(entries):
            return scores
        np.maximum.at(scores, self._group.take(entries), share)
        for size in range(1 if turn and turn[0] not in self._common else 2, len(turn) + 1):
            for group in self._whole.get(turn[:size], ()):
                scores[group] += self._weights.whole
        return scores

    def _shares(
        self, query: Mapping[str, float], context: Mapping[str, float], turn: tuple[str, ...]
    ) -> tuple[Floats, Ids]:
        """Return the scores of the lexicon titles that share a stem with the query, and these titles' numbers.

        Only titles that share a stem are touched, also when the vector of sums is emptied for the next query.
        """
        touched: list[Ids] = []
        weights: list[Floats] = []
        wanted = 0.0
        for one, factor in query.items():
            known = self._postings.get(one)
            if known is None:
                wanted += factor * _UNKNOWN
                continue
            if one not in self._soft:
                wanted += factor * self._idf[one]
            touched.append(known[0])
            weights.append(known[1] if factor == 1 else self._scaled(one, factor))
        if not touched:
            return self._size[:0], self._group[:0]
        counted = sum(map(len, touched))
        for one, factor in context.items():
            if one not in query:
                touched.append(self._postings[one][0])
                weights.append(self._scaled(one, factor))
        if len(touched) == 1:
            entries, share = touched[0], weights[0].copy()
        else:
            every = np.concatenate(touched)
            entries = every[:counted]
            found = self._spare.pop() if self._spare else np.zeros(len(self._size), np.float32)
            np.add.at(found, every, np.concatenate(weights))
            share = found.take(entries)
            found[every] = 0
            self._spare.append(found)
        cost = np.float32(wanted) - share
        np.maximum(cost, 0, out=cost)
        cost *= np.float32(self._weights.unexplained)
        cost += self._size.take(entries)
        share /= cost
        turned = self._common.get(turn[0]) if turn else None
        if turned is not None:
            share *= turned.take(entries)
        return share, entries

    def _scale(self, one: str, factor: float) -> Floats:
        """Return the weights of a stem in the titles that hold it, times a factor."""
        return self._postings[one][1] * np.float32(factor)

    def _masses(self, query: Mapping[str, float], context: Mapping[str, float], turn: tuple[str, ...]) -> Floats | None:
        """Return the mass of each unit group, None where the lexicon knows no word of the query.

        What is missing to one is what the lexicon does not know.
        """
        scores = self._scores(query, context, turn)
        top = float(np.maximum.reduce(scores))
        if not top:
            return None
        weight = scores - np.float32(top)
        weight *= np.float32(self._weights.sharpness)
        np.exp(weight, out=weight)
        weight[scores == 0] = 0
        leaves = len(self._leaves)
        mass, broad = weight[:leaves], weight[leaves:]
        share, sums = self._elsewhere, self._alone
        if len(query) > 1 or context:
            share = scores[:leaves] * np.float32(self._weights.within)
            np.exp(share, out=share)
            share *= self._elsewhere
            sums = ()
        for k in (broad > 0.01).nonzero()[0].tolist():
            first, last = self._broad[k]
            inside = share[first:last]
            part = mass[first:last]
            part += broad[k] / (sums[k] if sums else np.add.reduce(inside)) * inside
        floor = self._weights.floor + (self._weights.anonymous if self._heads.isdisjoint(query) else 0)
        other = math.exp(self._weights.sharpness * (floor - top))
        total = float(np.add.reduce(mass))
        known = np.float32(total / (total + other))
        power = max(self._weights.words * (1 - top), self._weights.explained)
        mass = self._reweighed(mass / np.float32(total), power, query, context)
        normed: Floats = mass * (known / np.add.reduce(mass))
        return normed

    def _reweighed(
        self, mass: Floats, power: float, query: Mapping[str, float], context: Mapping[str, float]
    ) -> Floats:
        """Multiply `mass` by the likelihood of the words, so raised."""
        faint = self._weights.circumstance
        said = {one: factor * faint if one in self._soft else factor for one, factor in query.items()}
        weight = self._likelihood.weigh(said, {one: factor * faint for one, factor in context.items()})
        found: Floats = np.exp(np.float32(power) * (weight - np.maximum.reduce(weight))) * (mass + np.float32(1e-6))
        return found


def _inside(leaves: tuple[str, ...], prefix: str) -> tuple[int, int]:
    """Return where the unit groups below `prefix` stand in the sorted `leaves`."""
    inside = [k for k, leaf in enumerate(leaves) if leaf.startswith(prefix)]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _lexicon_stems(entry: Entry) -> tuple[tuple[str, ...], str]:
    """Return a lexicon title's stems and the one that it turns on."""
    folded = titles.normal(entry.title)
    run = titles.stems(word for word in words(folded) if not word.isdigit())
    if not run:
        return (), ""
    if entry.lang != "en":
        return run, run[0]
    lead = titles.stems(words(re.split(r" (?:of|for|in|to|and|with|at) |[,(-]", folded)[0]))
    return run, lead[-1] if lead else run[-1]


def _deletions(vocabulary: Iterable[str]) -> dict[str, str]:
    """Map each stem of five letters or more, and it less any one letter, to it: one-edit neighbours share a key."""
    long = [one for one in vocabulary if 5 <= len(one) <= 24]
    out: dict[str, str] = {}
    for one in long:
        for k in range(len(one)):
            out.setdefault(one[:k] + one[k + 1 :], one)
    out.update((one, one) for one in long)
    return out
