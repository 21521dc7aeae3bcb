"""The compiled kernel against the same formula, written out plainly."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.enrich.occupation import kernel, lexicon
from streams.enrich.occupation.confidence import Calibration
from streams.enrich.occupation.index import SOFT, Index, Known, index
from streams.enrich.occupation.rating import COMMON, Rater
from streams.enrich.occupation.weights import Weights

WEIGHTS = Weights()
LEXICON = index(lexicon.load())
RATER = Rater(LEXICON, WEIGHTS, Calibration())
TURNED = Counter(known.head for known in LEXICON.titles)
LEAVES = sorted({known.code for known in LEXICON.titles if len(known.code) == 4})


def weights_in(known: Known, lexicon: Index) -> dict[str, float]:
    """What each stem of a lexicon title weighs in it."""
    found = {one: lexicon.rarity[one] for one in known.stems}
    found[known.head] = WEIGHTS.head * max(found[known.head], WEIGHTS.head_least)
    if set(known.stems) <= SOFT:
        return found
    return {one: weight * (WEIGHTS.soft if one in SOFT else 1) for one, weight in found.items()}


HOLDERS = defaultdict(list)
for title in LEXICON.titles:
    weighed = weights_in(title, LEXICON)
    for stem in weighed:
        HOLDERS[stem].append((title, weighed))


WHOLE = defaultdict(list)
for title in LEXICON.titles:
    for run in {title.stems, title.stems[::-1]} if title.head == title.stems[-1] else {title.stems}:
        WHOLE[run].append(title.code)


def score(
    query: Mapping[str, float],
    context: Mapping[str, float],
    turn: tuple[str, ...],
    known: Known,
    weight: dict[str, float],
) -> float:
    """A lexicon title's share of stems found, less what it leaves unexplained."""
    found = sum(factor * weight.get(one, 0) for one, factor in (context | query).items())
    wanted = sum(
        factor * (0 if one in SOFT else LEXICON.rarity.get(one, 2.0))  # words that the lexicon does not know are rare
        for one, factor in query.items()
    )
    told = found / (sum(weight.values()) + WEIGHTS.unexplained * max(wanted - found, 0))
    level = bool(turn) and TURNED[turn[0]] >= COMMON
    return told * (WEIGHTS.headless if level and known.head != turn[0] else 1)


def masses(query: Mapping[str, float], context: Mapping[str, float], turn: tuple[str, ...]) -> list[float]:
    """The mass of each unit group."""
    scores: dict[str, float] = defaultdict(float)
    for one in query:
        for known, weight in HOLDERS.get(one, ()):
            scores[known.code] = max(scores[known.code], score(query, context, turn, known, weight))
    shortest = 1 if turn and TURNED[turn[0]] < COMMON else 2
    whole = next((WHOLE[turn[:n]] for n in range(len(turn), shortest - 1, -1) if turn[:n] in WHOLE), [])
    for code in whole:
        scores[code] += WEIGHTS.whole
    top = max(scores.values())
    mass = {code: math.exp(WEIGHTS.sharpness * (told - top)) for code, told in scores.items()}
    share = dict.fromkeys(LEAVES, 0.0) | {code: mass[code] for code in mass if len(code) == 4}
    within = WEIGHTS.within if len(query) > 1 or context else 0
    for code in sorted(code for code in mass if len(code) < 4 and mass[code] > kernel.SHARED):
        inside = {
            leaf: math.exp(within * scores.get(leaf, 0)) * (WEIGHTS.elsewhere if leaf[3] == "9" else 1)
            for leaf in LEAVES
            if leaf.startswith(code)
        }
        for leaf, part in inside.items():
            share[leaf] += mass[code] * part / sum(inside.values())
    total = sum(share.values())
    nameless = not any(known.head in query and known.head not in SOFT for known in LEXICON.titles)
    floor = WEIGHTS.floor + (WEIGHTS.anonymous if nameless else 0)
    known_mass = total / (total + math.exp(WEIGHTS.sharpness * (floor - top)))
    power = max(WEIGHTS.words * (1 - top), WEIGHTS.explained)
    factors = {one: factor * WEIGHTS.circumstance for one, factor in context.items()}
    factors |= {one: factor * (WEIGHTS.circumstance if one in SOFT else 1) for one, factor in query.items()}
    rows = list(LEXICON.rarity)
    number = {one: k for k, one in enumerate(rows)}
    likely = [0.0] * len(LEAVES)
    for one, factor in factors.items():
        if one in number:
            row = RATER._tables.likelihood[number[one]].tolist()
            likely = [have + factor * more for have, more in zip(likely, row, strict=True)]
    weighed = [
        (share[leaf] / total + kernel.UNSEEN) * math.exp(power * (told - max(likely)))
        for leaf, told in zip(LEAVES, likely, strict=True)
    ]
    return [known_mass * one / sum(weighed) for one in weighed]


KNOWN = st.sampled_from(sorted(LEXICON.rarity))
COMMON_STEMS = st.sampled_from(sorted(HOLDERS, key=lambda one: -len(HOLDERS[one]))[:80])
STEMS = st.one_of(KNOWN, COMMON_STEMS, st.sampled_from(["xyzzy", "qwrt"]))
FACTORS = st.sampled_from([1.0, 0.9, 0.7, 0.6, 0.35])


@st.composite
def queries(draw: st.DrawFn) -> tuple[dict[str, float], dict[str, float], tuple[str, ...]]:
    """A query that says a lexicon title, in part or whole, and other words; its context; where it turns."""
    stems = list(draw(st.sampled_from(LEXICON.titles)).stems[: draw(st.integers(1, 4))])
    others = draw(st.lists(STEMS, max_size=4))
    query = {one: draw(FACTORS) for one in [*stems, *others]}
    context = {one: draw(FACTORS) for one in draw(st.lists(st.one_of(KNOWN, COMMON_STEMS), max_size=3))}
    turn = draw(st.sampled_from([(), tuple(stems), tuple(stems[::-1]), tuple(stems[:1])]))
    return query, context, turn


@settings(max_examples=60, deadline=None)
@given(queries())
def test_the_kernel_gives_what_the_formula_says(
    asked: tuple[dict[str, float], dict[str, float], tuple[str, ...]],
) -> None:
    """For any query the masses are those of the plain formula, and the answer's are their sums by prefix."""
    query, context, turn = asked
    expected = masses(query, context, turn)
    numbers = RATER._asked(tuple(query.items()), tuple(context.items()), turn)
    assert numbers is not None
    assert kernel.masses(*numbers, RATER._tables).tolist() == pytest.approx(expected, rel=1e-4, abs=1e-7)
    rating = RATER.rate(tuple(query.items()), tuple(context.items()), turn)
    assert rating is not None
    assert rating.top == pytest.approx(max(expected), rel=1e-4)
    prefixes = [
        sum(mass for leaf, mass in zip(LEAVES, expected, strict=True) if leaf.startswith(rating.best[:digits]))
        for digits in (1, 2, 3, 4)
    ]
    assert rating.masses == pytest.approx(prefixes, rel=1e-4)
    ranks = dict(zip(LEAVES, expected, strict=True))
    if rating.top < WEIGHTS.unsure:
        sums: Counter[str] = Counter()
        for leaf, mass in zip(LEAVES, expected, strict=True):
            sums.update({leaf[:1]: mass, leaf[:2]: mass})
        ranks = {leaf: mass * math.sqrt(sums[leaf[:1]] * sums[leaf[:2]]) for leaf, mass in ranks.items()}
    assert ranks[rating.best] == pytest.approx(max(ranks.values()), rel=1e-4)


def test_no_query_leaves_a_trace() -> None:
    """The scratch is empty after each query, so that an answer depends on no other."""
    RATER.rate((("agent", 1.0), ("securit", 0.7)), (("banqu", 0.6),), ("agent",))
    assert (RATER._tables.total == kernel.UNTOUCHED).all()
