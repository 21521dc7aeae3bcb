"""Which ISCO-08 groups a query's words speak for: the evidence for each unit group as one vector of masses.

A query is compared with every lexicon title that shares a stem with it (an inverted index from stem to titles): a
lexicon title scores the weighted share of its stems that were found, less what it leaves unexplained of the query (a
Tversky index). A group scores as its best title. Scores become masses; the mass of a group of one to three digits is
shared among the unit groups below it by their own scores; the probability of a prefix is the sum over its unit groups.
The arithmetic is in `kernel`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from streams.enrich.occupation import tables
from streams.enrich.occupation.confidence import Calibration, Coding
from streams.enrich.occupation.index import SOFT, Index, Known
from streams.enrich.occupation.likelihood import likelihood
from streams.enrich.occupation.weights import Weights

COMMON = 60
"""Lexicon titles that turn on a word from which it tells the level of a job, not its field ("chef", "technicien")."""

UNLIKELY = 0.002
"""Mass below which a unit group is no candidate."""

_UNKNOWN = 2.0
"""Rarity that counts for a word that the lexicon does not know: most are names."""

_NONE = np.zeros(0, np.int32)

Factors = tuple[tuple[str, float], ...]
"""Stems, each once, and what each counts."""


class Rating(NamedTuple):
    """What the lexicon says of a query: the likeliest group's mass, the best one's prefixes', the answer."""

    top: float
    best: str
    masses: tuple[float, ...]
    coding: Coding


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


class Rater:
    """The lexicon as numbers, and the rating of queries by it: stems with their factors, and where they turn.

    A query's stems that the lexicon does not know count as well; a context's are all known.
    """

    def __init__(self, index: Index, weights: Weights, calibration: Calibration) -> None:
        from streams.enrich.occupation import kernel  # noqa: PLC0415 - numba is loaded by those who rate

        self._kernel_rate, self._masses, self._compare = kernel.rate, kernel.masses, kernel.compare
        self._weights = weights
        self._calibration = calibration
        self._titles = index.titles
        codes = sorted({known.code[:n] for known in index.titles for n in range(1, len(known.code) + 1)})
        self._leaves = tuple(code for code in codes if len(code) == 4)
        broad = [code for code in codes if len(code) < 4]
        self._groups = {code: k for k, code in enumerate((*self._leaves, *broad))}
        below = {code: _inside(self._leaves, code) for code in codes}
        number = {one: k for k, one in enumerate(index.rarity)}
        heads = frozenset(known.head for known in index.titles) - SOFT
        self._stems = {
            one: (k, 0.0 if one in SOFT else rarity, one in heads)
            for k, (one, rarity) in enumerate(index.rarity.items())
        }
        turned = Counter(known.head for known in index.titles)
        self._common = {head: number[head] for head, count in turned.items() if count >= COMMON}
        self._whole: dict[tuple[str, ...], tuple[int, ...]] = {}
        for known in index.titles:
            for turn in _turns(known):
                self._whole[turn] = (*self._whole.get(turn, ()), self._groups[known.code])

        held = [
            (number[one], k, weight)
            for k, known in enumerate(index.titles)
            for one, weight in _weighed(known, index.rarity, weights)
        ]
        held.sort()
        count = np.bincount([stem for stem, _, _ in held], minlength=len(number))
        size = np.bincount([k for _, k, _ in held], [weight for _, _, weight in held], len(index.titles))
        stems = np.zeros(len(number), tables.STEM)
        stems["end"] = np.cumsum(count)
        stems["begin"] = stems["end"] - count
        stems["faint"] = [weights.circumstance if one in SOFT else 1 for one in number]
        holdings = [
            (k, weight, size[k], number[index.titles[k].head], self._groups[index.titles[k].code])
            for _, k, weight in held
        ]
        self._tables = tables.Tables(
            np.array(holdings, tables.HOLDING),
            stems,
            np.array([(int(c), weights.elsewhere if c[3] == "9" else 1) for c in self._leaves], tables.LEAF),
            np.array([below[code] for code in broad], tables.BROAD),
            likelihood(self._leaves, [(below[known.code], known.stems) for known in index.titles], number),
            np.full(len(index.titles), kernel.UNTOUCHED),
            *(getattr(weights, name) for name in tables.NUMBERS),
        )
        nothing = tables.Query(_NONE, np.zeros(0), 0, 0.0, -1, _NONE, 0.0, 0.0)
        self._kernel_rate(*nothing, *self._tables)  # compiled before postings wait

    def rate(self, query: Factors, context: Factors, turn: tuple[str, ...]) -> Rating | None:
        """Rate a query; None where the lexicon knows no word of it."""
        asked = self._asked(query, context, turn)
        if asked is None:
            return None
        leaf, top, *prefixes = self._kernel_rate(*asked, *self._tables)
        best, masses = self._leaves[leaf], tuple(prefixes)
        return Rating(top, best, masses, self._calibration.coding(best, masses))

    def candidates(self, query: Factors, context: Factors, turn: tuple[str, ...], count: int) -> tuple[Candidate, ...]:
        """Return the likeliest unit groups of a query, and the lexicon title that speaks most for each."""
        asked = self._asked(query, context, turn)
        if asked is None:
            return ()
        mass = self._masses(*asked, self._tables)
        scores, titles = self._compare(*asked[:5], self._tables)
        said = {one for one, _ in (*query, *context)}
        found: list[Candidate] = []
        for leaf in np.argsort(-mass, kind="stable")[:count].tolist():
            if mass[leaf] < UNLIKELY:
                break
            isco = self._leaves[leaf]
            groups = [self._groups[isco[:n]] for n in (4, 3, 2, 1) if isco[:n] in self._groups]
            speaks = max(groups, key=lambda group: scores[group])
            known = self._titles[titles[speaks]] if scores[speaks] else Known("", "", (), "")
            stems = tuple(one for one in known.stems if one in said)
            found.append(Candidate(isco, float(mass[leaf]), known.title, known.code, float(scores[speaks]), stems))
        return tuple(found)

    def _asked(self, query: Factors, context: Factors, turn: tuple[str, ...]) -> tables.Query | None:
        """Return a query as the kernel takes it."""
        stems: list[int] = []
        factors: list[float] = []
        wanted = 0.0
        named = False
        for one, factor in query:
            found = self._stems.get(one)
            if found is None:
                wanted += factor * _UNKNOWN
                continue
            number, rarity, head = found
            wanted += factor * rarity
            named = named or head
            stems.append(number)
            factors.append(factor)
        if not stems:
            return None
        asked = len(stems)
        if context:
            said = {one for one, _ in query}
            for one, factor in context:
                if one not in said:
                    stems.append(self._stems[one][0])
                    factors.append(factor)
        level = self._common.get(turn[0], -1) if turn else -1
        whole: tuple[int, ...] = ()
        for n in range(len(turn), 1 if level >= 0 else 0, -1):
            if whole := self._whole.get(turn[:n], ()):
                break
        weights = self._weights
        return tables.Query(
            np.array(stems, np.int32),
            np.array(factors),
            asked,
            wanted,
            level,
            np.array(whole, np.int32) if whole else _NONE,
            weights.within if len(query) > 1 or context else 0.0,
            weights.floor + (0 if named else weights.anonymous),
        )


def _inside(leaves: tuple[str, ...], prefix: str) -> tuple[int, int]:
    """Return where the unit groups below `prefix` stand in the sorted `leaves`."""
    inside = [k for k, leaf in enumerate(leaves) if leaf.startswith(prefix)]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _turns(known: Known) -> set[tuple[str, ...]]:
    """Return the runs from the word that a query turns on in which a title stands whole.

    That of an English title ("hr manager") may be read from its first word, where French titles turn.
    """
    return {known.stems, known.stems[::-1]} if known.head == known.stems[-1] else {known.stems}


def _weighed(known: Known, rarity: Mapping[str, float], weights: Weights) -> Iterable[tuple[str, float]]:
    """Yield a title's stems with what each weighs in it."""
    soft = SOFT if not SOFT.issuperset(known.stems) else frozenset()
    for one in known.stems:
        weight = weights.head * max(rarity[one], weights.head_least) if one == known.head else rarity[one]
        yield one, weight * weights.soft if one in soft else weight
