"""The arithmetic of `rating`, compiled: from the numbers of a query's stems to the mass of each unit group.

In numpy the same takes forty calls on short vectors, and most of its time is the calls. To `rate` the tables
are handed field by field: a call from Python then costs 3.1 µs, with the tuple 7.7.
"""

import math
from typing import Any

import numpy as np

from streams.compiled import compiled
from streams.enrich.occupation.tables import Doubles, Numbers, Tables

SHARED = 0.01
"""Mass of a broader group, against that of the best, from which it is shared among its unit groups."""

UNSEEN = 1e-6
"""Mass of every unit group besides that of its titles: the likelihood of the words may raise one that has none."""

UNTOUCHED = -1.0
"""What `Tables.total` holds for each title between two queries."""


@compiled
def compare(
    stems: Numbers, factors: Doubles, asked: int, wanted: float, turn: int, tables: Tables
) -> tuple[Doubles, Numbers]:
    """Return the score of each group's best title for a `Query` (a Tversky index; 0: none shares a stem), and titles.

    Only titles that share a stem are touched, also when `total` is emptied. A context adds to titles and finds none.
    """
    total, holdings = tables.total, tables.holdings
    for k in range(len(stems)):
        for at in range(tables.stems[stems[k]].begin, tables.stems[stems[k]].end):
            title = holdings[at].title
            before = total[title]
            if k < asked:
                total[title] = max(before, 0.0) + holdings[at].weight * factors[k]
            elif before >= 0:
                total[title] = before + holdings[at].weight * factors[k]
    groups = len(tables.leaves) + len(tables.broad)
    scores, best = np.zeros(groups), np.zeros(groups, np.int32)
    for k in range(asked):
        for at in range(tables.stems[stems[k]].begin, tables.stems[stems[k]].end):
            one = holdings[at]
            share = total[one.title]  # below 0 where another stem has led here: so is the score
            total[one.title] = UNTOUCHED
            score = share / (one.size + tables.unexplained * max(wanted - share, 0))
            if turn >= 0 and one.turn != turn:
                score *= tables.headless
            if score > scores[one.group]:
                scores[one.group] = score
                best[one.group] = one.title
    return scores, best


@compiled
def _spread(scores: Doubles, top: float, within: float, tables: Tables) -> Doubles:
    """Return the mass of each unit group by the groups' scores; a broader group's is shared by its unit groups' own."""
    leaves, broad = tables.leaves, tables.broad
    mass = np.zeros(len(leaves))
    for k in range(len(leaves)):
        if scores[k] > 0:
            mass[k] = math.exp(tables.sharpness * (scores[k] - top))
    share = np.empty(len(leaves))
    for k in range(len(broad)):
        score = scores[len(leaves) + k]
        above = math.exp(tables.sharpness * (score - top)) if score > 0 else 0.0
        if above > SHARED:
            first, last = broad[k].first, broad[k].last
            for leaf in range(first, last):
                share[leaf] = leaves[leaf].elsewhere
                if scores[leaf] > 0:
                    share[leaf] *= math.exp(within * scores[leaf])
            above /= share[first:last].sum()
            for leaf in range(first, last):
                mass[leaf] += above * share[leaf]
    return mass


@compiled
def _likelihood(stems: Numbers, factors: Doubles, asked: int, tables: Tables) -> Doubles:
    """Return how much likelier the words make each unit group, as a logarithm; 0 is the likeliest."""
    likely = np.zeros(len(tables.leaves))
    for k in range(len(stems)):
        factor = factors[k] * (tables.stems[stems[k]].faint if k < asked else tables.circumstance)
        row = tables.likelihood[stems[k]]
        for leaf in range(len(likely)):
            likely[leaf] += factor * row[leaf]
    likely -= likely.max()
    return likely


@compiled
def masses(  # noqa: PLR0913, PLR0917 - a query's fields, which cost less to hand over than the tuple
    stems: Numbers,
    factors: Doubles,
    asked: int,
    wanted: float,
    turn: int,
    whole: Numbers,
    within: float,
    floor: float,
    tables: Tables,
) -> Doubles:
    """Return the mass of each unit group for a `Query`; what is missing to one is what the lexicon does not know."""
    scores, _ = compare(stems, factors, asked, wanted, turn, tables)
    for k in range(len(whole)):
        scores[whole[k]] += tables.whole
    top = scores.max()
    mass = _spread(scores, top, within, tables)
    total = mass.sum()
    known = total / (total + math.exp(tables.sharpness * (floor - top)))
    power = max(tables.words * (1 - top), tables.explained)
    likely = _likelihood(stems, factors, asked, tables)
    for leaf in range(len(mass)):
        mass[leaf] = (mass[leaf] / total + UNSEEN) * math.exp(power * likely[leaf])
    mass *= known / mass.sum()
    return mass


@compiled
def rate(  # noqa: PLR0913, PLR0917 - same
    stems: Numbers,
    factors: Doubles,
    asked: int,
    wanted: float,
    turn: int,
    whole: Numbers,
    within: float,
    floor: float,
    *fields: Any,  # noqa: ANN401 - those of `Tables`
) -> tuple[int, float, float, float, float, float]:
    """Return the best unit group's number, the mass of the likeliest, and those of the best one's four prefixes."""
    tables = Tables(*fields)
    mass = masses(stems, factors, asked, wanted, turn, whole, within, floor, tables)
    codes = tables.leaves["code"]
    best = int(mass.argmax())
    top = mass[best]
    if top < tables.unsure:
        majors, sub_majors = np.zeros(10), np.zeros(100)
        for k in range(len(codes)):
            majors[codes[k] // 1000] += mass[k]
            sub_majors[codes[k] // 100] += mass[k]
        highest = -1.0
        for k in range(len(codes)):
            rank = mass[k] * math.sqrt(majors[codes[k] // 1000] * sub_majors[codes[k] // 100])
            if rank > highest:
                best, highest = k, rank
    one = two = three = 0.0
    for k in range(len(codes)):
        if codes[k] // 1000 == codes[best] // 1000:
            one += mass[k]
            if codes[k] // 100 == codes[best] // 100:
                two += mass[k]
                if codes[k] // 10 == codes[best] // 10:
                    three += mass[k]
    return best, top, one, two, three, mass[best]
