from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import Signature
from streams.block import block_of
from streams.enrich.enricher import Enricher
from streams.match.keys import keys
from streams.match.pairs import SAME_TEXT, outline, overlap, same_vacancy
from tests.benchmarks import postings
from tests.unit.match.finding import finds

Sign = Callable[..., Signature]


def met(one: Signature, other: Signature) -> bool:
    """Whether each finds the other in the index, as both or neither must."""
    there, back = finds(one, other), finds(other, one)
    assert there == back
    return there


WORDS = st.lists(st.text("abc", min_size=5, max_size=7), min_size=1, max_size=4, unique=True)


@given(WORDS, st.lists(st.tuples(st.integers(1, 7), st.sampled_from(["", "a", "xy"])), min_size=4, max_size=4))
def test_titles_of_one_job_have_one_outline(words: list[str], slips: list[tuple[int, str]]) -> None:
    """So that an outline in a key parts no two ads that the pair test joins, whatever the slips of a word's letters."""
    slipped = [word[:at] + put + word[at + 1 :] for word, (at, put) in zip(words, slips, strict=False)]
    one, other = (
        Signature(source=source, title=tuple(title), company="zellij", places=("rabat",))
        for source, title in (("a", words), ("b", slipped))
    )
    assert outline(one.title) == outline(other.title) or not same_vacancy(one, other)


def test_a_large_employers_posts_in_other_towns_share_no_key(sign: Sign) -> None:
    """Its entry would grow with each town and job, and each new ad be compared with all of them."""
    ads = [
        sign("a", title=title, company="Zellij", city=city)
        for title in ("Chargé de portefeuille", "Chargé de clientèle", "Chargé")
        for city in ("Rabat", "Fès", "Agadir")
    ]
    for one, other in combinations(ads, 2):
        assert not met(one, other)


def test_short_texts_and_common_titles_make_no_keys(sign: Sign, long_text: Callable[[int, int], str]) -> None:
    """The pair test asks neither a text of less than forty words nor a common title without an employer."""
    assert keys(sign("a", title="Vendeur", city="Rabat", description=long_text(1, 20))) == ((), (), ())
    assert len(keys(sign("a", title="Vendeur", city="Rabat", description=long_text(1, 60))).entered) == 5


def test_one_text_in_all_towns_makes_no_entry_of_them_all(sign: Sign, long_text: Callable[[int, int], str]) -> None:
    """A chain's sentences under one title: a town's ad is compared with its own and with those that name no town."""
    text = long_text(1, 60)
    rabat, again, fes, nowhere = (
        sign(source, title="Vendeur", city=city, description=text)
        for source, city in (("a", "Rabat"), ("b", "Rabat"), ("b", "Fès"), ("c", None))
    )
    assert met(rabat, again)
    assert not met(rabat, fes)
    assert met(rabat, nowhere)
    assert met(fes, nowhere)
    assert not set(keys(rabat).entered) & set(keys(nowhere).entered)


def test_texts_that_share_one_hash_by_chance_do_not_meet() -> None:
    """A sentence that a portal puts under many ads gives them a hash; a text that is the other's gives two and more."""
    first, second, third = (
        Signature(source=source, title=("vendeur",), places=("rabat",), shingles=hashes, text_words=60)
        for source, hashes in (("a", tuple(range(20))), ("b", (0, *range(30, 49))), ("c", (0, 4, *range(50, 68))))
    )
    assert not met(first, second)
    assert met(first, third)
    assert not met(second, third)


def test_a_text_of_one_hash_meets_its_copy() -> None:
    """Words said again and again have one triple; a text that holds it among others is another text."""
    one, copy, other = (
        Signature(source=source, title=("vendeur",), shingles=hashes, text_words=60)
        for source, hashes in (("a", (7,)), ("b", (7,)), ("c", (7, 8)))
    )
    assert same_vacancy(one, copy)
    assert met(one, copy)
    assert not same_vacancy(one, other)
    assert not met(one, other)


def test_nearly_all_texts_that_overlap_enough_meet() -> None:
    """The worst there is: overlaps about the limit. Of such pairs drawn by seed 98 of 100 share two keys, and more."""
    draw = Random(1)
    joined = missed = 0
    for _ in range(20_000):
        drawn = sorted(draw.sample(range(1 << 24), 60))
        sides = [draw.choices(("ab", "a", "b"), (0.55, 0.225, 0.225))[0] for _ in drawn]
        a, b = (
            Signature(
                source=own,
                title=("vendeur",),
                shingles=tuple([one for one, side in zip(drawn, sides, strict=True) if own in side][:20]),
                text_words=60,
            )
            for own in "ab"
        )
        if (overlap(a, b) or 0) >= SAME_TEXT:
            joined += 1
            missed += not met(a, b)
    assert joined > 5_000
    assert missed < 0.02 * joined


def test_ads_of_one_vacancy_meet() -> None:
    """Of the simulated market's first ads, all pairs that the pair test joins, compared without an index."""
    enrich = Enricher.load()
    blocks: dict[str, list[Signature]] = defaultdict(list)
    for posting in postings.postings(1_500, seed=1):
        facts, signature = enrich(posting)
        blocks[block_of(posting.side, facts)].append(signature)
    pairs = [pair for ads in blocks.values() for pair in combinations(ads, 2) if same_vacancy(*pair)]
    assert len(pairs) > 200
    for one, other in pairs:
        assert met(one, other)
