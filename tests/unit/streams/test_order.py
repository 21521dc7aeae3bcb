"""The folds of `ads` and `market` together: what may not depend on order, batches, repeats or interleaving."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from schemas.messages import Posting
from streams import dedupe
from streams.aggregate import DAY, contributions
from streams.block import block_of
from tests.unit.streams.market_world import TOY, World, fold, real_world, stocks

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SEEDS = st.integers(0, 2**20)


def _posting(source: str, number: int, hours: float, event: str, content: dict[str, str | None]) -> Posting:
    return Posting(
        source=source,
        id=str(number),
        side="offer",
        observed_at=BEGIN + timedelta(hours=hours),
        event=event,  # type: ignore[arg-type]
        **content,  # type: ignore[arg-type]
    )


def _sightings(contents: st.SearchStrategy[dict[str, str | None]]) -> st.SearchStrategy[Posting]:
    return st.builds(
        _posting,
        source=st.sampled_from("ab"),
        number=st.integers(0, 8),
        hours=st.one_of(st.integers(0, 60), st.integers(0, 24 * 120)),  # many on one day, about midnight
        event=st.just("seen"),
        content=contents,
    )


toy_contents = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["x", "xx", "xxx", "xxxx"]),
        "company": st.sampled_from(["p", "q", None]),
        "city": st.sampled_from(["MA-01", "MA-02", None]),
        "positions": st.sampled_from([None, "2", "3"]),
        "url": st.sampled_from([None, "https://a.example/1"]),
    }
)

LONG = " ".join(
    f"{task} du dossier numero {n} et rendre compte au responsable de l'equipe"
    for n, task in enumerate(
        ["tenir la comptabilite", "preparer la paie", "suivre les stocks", "former le personnel"] * 5
    )
)
NOTICE = "ينظم مركز تكوين مباراة لتوظيف تقني من الدرجة الثالثة تخصص المعلوميات " * 4
real_contents = st.fixed_dictionaries(
    {
        "title": st.sampled_from(
            [
                "Comptable",
                "Comptable H/F",
                "Comptable senior",
                "Développeur Java",
                "Infirmier polyvalent",
                "Concours de recrutement de technicien de 3ème grade",
                "مباراة توظيف تقني من الدرجة الثالثة",
                "?",
            ]
        ),
        "company": st.sampled_from([None, "Atlas Conseil", "Atlas Conseil SARL", "Rif Logistique"]),
        "city": st.sampled_from([None, "Fès", "Rabat", "Casablanca et Rabat"]),
        "description": st.sampled_from([None, LONG, LONG.replace("paie", "TVA"), NOTICE]),
        "deadline_raw": st.sampled_from([None, "31/03/2026", "encore 3 jours"]),
        "contract_raw": st.sampled_from([None, "CDI", "Stage"]),
        "positions": st.sampled_from([None, "3 postes"]),
    }
)
"""Duplicates, near-duplicates, levels that differ, public notices in two languages, and what cannot be coded."""

postings = _sightings(toy_contents)
real_postings = _sightings(real_contents)


def _shuffled(sightings: Sequence[Posting], draw: random.Random) -> list[Posting]:
    """Any order of sightings; a removal comes after a sighting of its ad: that of an unknown ad is a reject."""
    mixed = list(sightings)
    draw.shuffle(mixed)
    known: set[tuple[str, str]] = set()
    waiting: dict[tuple[str, str], list[Posting]] = defaultdict(list)
    order: list[Posting] = []
    for posting in mixed:
        key = (posting.source, posting.id)
        if posting.event == "removed" and key not in known:
            waiting[key].append(posting)
            continue
        order.append(posting)
        known.add(key)
        order += waiting.pop(key, [])
    return order + [posting for late in waiting.values() for posting in late]


def _with_removals(sightings: list[Posting], removals: list[tuple[int, int]]) -> list[Posting]:
    """Sightings and removals: each of some sighting's ad, some hours off."""
    found = list(sightings)
    for n, hours in removals:
        if sightings:
            of = sightings[n % len(sightings)]
            found.append(_posting(of.source, int(of.id), 0, "removed", {}))
            found[-1] = msgspec.structs.replace(found[-1], observed_at=of.observed_at + timedelta(hours=hours))
    return found


removals = st.lists(st.tuples(st.integers(0, 40), st.integers(-50, 400)), max_size=6)


def _hold_any_order(world: World, sightings: list[Posting], gone: list[tuple[int, int]], number: int) -> None:
    draw = random.Random(number)
    all_of_them = _with_removals(sightings, gone)
    one = fold(_shuffled(all_of_them, draw), number, 5, world)
    other = fold(_shuffled(all_of_them, draw), number + 1, 20, world)
    assert one.vacancies == other.vacancies
    assert one.cells == other.cells


@seed(1)
@settings(max_examples=150, deadline=None, database=None)
@given(st.lists(postings, max_size=40), removals, SEEDS)
def test_any_order_and_any_batches_give_the_same_market(
    sightings: list[Posting], gone: list[tuple[int, int]], number: int
) -> None:
    """Vacancies, all of their facts, and counts of a set of sightings do not depend on order or batches."""
    _hold_any_order(TOY, sightings, gone, number)


@seed(2)
@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(real_postings, max_size=25), removals, SEEDS)
def test_any_order_gives_the_same_market_with_the_real_pair_test(
    sightings: list[Posting], gone: list[tuple[int, int]], number: int
) -> None:
    """The same with the production enricher, pair test and index keys, public notices and both scripts among them."""
    _hold_any_order(real_world(), sightings, gone, number)


@seed(3)
@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(postings, max_size=30), SEEDS)
def test_a_sighting_twice_equals_once(sightings: list[Posting], number: int) -> None:
    """Repeating every sighting changes no vacancy and no count, and every repeat is tallied as unchanged."""
    once, twice = fold(sightings, number, 5), fold([*sightings, *sightings], number, 5)
    assert once.vacancies == twice.vacancies
    assert once.cells == twice.cells
    assert twice.outcomes["unchanged"] == once.outcomes["unchanged"] + len(sightings)


@seed(4)
@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(postings, max_size=30), removals, SEEDS)
def test_an_ad_version_twice_equals_once(sightings: list[Posting], gone: list[tuple[int, int]], number: int) -> None:
    """When every enriched record comes twice, the second one makes no event, no vacancy and no count."""
    order = _shuffled(_with_removals(sightings, gone), random.Random(number))
    once, twice = fold(order, number, 5), fold(order, number, 5, repeats=True)
    assert [event.event for event in once.events] == [event.event for event in twice.events]
    assert once.vacancies == twice.vacancies
    assert once.cells == twice.cells


@seed(5)
@settings(max_examples=40, deadline=None, database=None)
@given(st.lists(postings, max_size=30), removals, SEEDS)
def test_the_folds_are_deterministic(sightings: list[Posting], gone: list[tuple[int, int]], number: int) -> None:
    """The same records in the same runs give the same bytes, outputs and rows alike."""
    order = _with_removals(sightings, gone)
    one, other = fold(order, number, 5), fold(order, number, 5)
    assert one.outputs == other.outputs
    for partition, state in one.market_states.items():
        assert state.rows == other.market_states[partition].rows
    for partition, state in one.ads_states.items():
        assert (state.rows, state.notes) == (other.ads_states[partition].rows, other.ads_states[partition].notes)


@seed(6)
@settings(max_examples=80, deadline=None, database=None)
@given(st.lists(postings, max_size=30), removals, SEEDS)
def test_the_stock_is_never_negative(sightings: list[Posting], gone: list[tuple[int, int]], number: int) -> None:
    """Opened minus closed up to the end of any window, after any number of sightings, is at least 0 and ends at 0."""
    order = _shuffled(_with_removals(sightings, gone), random.Random(number))
    for some in {len(order) // 3, len(order)}:
        market = fold(order[:some], number, 4)
        for grain in ("minute", "day"):
            for series, stock in stocks(market.cells, grain).items():
                assert min(stock) >= 0, series
                assert stock[-1] == 0, "every closing is known"


def _recount(world: World, sightings: Sequence[Posting]) -> tuple[Counter[tuple[object, ...]], set[frozenset[str]]]:
    """Cells and vacancies by brute force: each ad folded by hand, every pair of a block tested, no index, no rows."""
    ads: dict[tuple[str, str], list[Posting]] = defaultdict(list)
    for posting in sightings:
        ads[posting.source, posting.id].append(posting)
    blocks: dict[str, list[dict[str, object]]] = defaultdict(list)
    for (source, name), seen in ads.items():
        shown = [posting for posting in seen if posting.event == "seen"]
        times = [int(posting.observed_at.timestamp()) for posting in shown]
        gone = max((int(p.observed_at.timestamp()) for p in seen if p.event == "removed"), default=0)
        latest = max(shown, key=lambda p: (int(p.observed_at.timestamp()), dedupe.content_hash(p)))
        facts, signature = world.enrich(latest)
        last_day = max(times) // DAY * DAY
        if gone > max(times):
            close = gone
        else:
            until = facts.deadline_on and int(datetime.fromisoformat(facts.deadline_on).replace(tzinfo=UTC).timestamp())
            close = until + DAY - 60 if until and until >= last_day else last_day + 42 * DAY
        ad = {"name": f"{source}/{name}", "first": min(times), "close": max(close, min(times)), "facts": facts}
        blocks[block_of("offer", facts)].append({**ad, "signature": signature, "source": source, "id": name})
    cells: Counter[tuple[object, ...]] = Counter()
    vacancies: set[frozenset[str]] = set()
    for block, members in blocks.items():
        groups: list[list[dict[str, object]]] = []
        for ad in members:
            joined = [g for g in groups if any(_pair(world, ad, other) for other in g)]
            groups = [g for g in groups if g not in joined] + [[ad, *(other for g in joined for other in g)]]
        for group in groups:
            vacancies.add(frozenset(str(ad["name"]) for ad in group))
            _count(cells, block, group)
    return cells, vacancies


def _pair(world: World, a: dict[str, object], b: dict[str, object]) -> bool:
    overlap = a["first"] <= b["close"] and b["first"] <= a["close"]  # type: ignore[operator]
    return overlap and world.same(a["signature"], b["signature"]) is not None  # type: ignore[arg-type]


def _count(cells: Counter[tuple[object, ...]], block: str, group: list[dict[str, object]]) -> None:
    order: Callable[[dict[str, object]], tuple[object, ...]] = lambda ad: (ad["first"], ad["source"], ad["id"])  # noqa: E731
    facts = {str(ad["name"]): ad["facts"] for ad in group}
    coded = max(
        group,
        key=lambda ad: (
            ad["facts"].isco is not None,  # type: ignore[attr-defined]
            ad["facts"].isco_confidence,  # type: ignore[attr-defined]
            ad["facts"].isco or "",  # type: ignore[attr-defined]
            order(ad),
        ),
    )
    scopes = {f.scope for f in facts.values()}  # type: ignore[attr-defined]
    if "abroad" in scopes and "regional" not in scopes and "national" not in scopes:
        return
    regions = {region for f in facts.values() if f.scope == "regional" for region in f.regions}  # type: ignore[attr-defined]
    stated = [f.openings for f in facts.values() if f.openings is not None]  # type: ignore[attr-defined]
    amounts = contributions(
        isco=coded["facts"].isco,  # type: ignore[attr-defined]
        regions=sorted(regions),
        openings=max(stated, default=None),
        opened_at=min(ad["first"] for ad in group),  # type: ignore[type-var]
        close_at=max(ad["close"] for ad in group),  # type: ignore[type-var]
    )
    for cell, amount in amounts.items():
        for name, value in amount._asdict().items():
            cells[block, *cell, name] += value


def _as_recounted(cells: dict[bytes, tuple[int, int, int]]) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for key, values in cells.items():
        grain, block, isco, region, start = key.decode().split("\t")
        for name, value in zip(("opened", "closed", "openings"), values, strict=True):
            found[block, grain, isco, region, int(start), name] = value
    return found


def _hold_recount(world: World, sightings: list[Posting], gone: list[tuple[int, int]], number: int) -> None:
    order = _shuffled(_with_removals(sightings, gone), random.Random(number))
    market = fold(order, number, 6, world)
    cells, vacancies = _recount(world, order)
    assert +_as_recounted(market.cells) == +cells
    folded = {frozenset(f"{ad[0]}/{ad[1]}" for ad in v["ads"]) for v in market.vacancies.values()}  # type: ignore[attr-defined]
    assert folded == vacancies


@seed(7)
@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(postings, max_size=30), removals, SEEDS)
def test_a_brute_force_recount_equals_the_fold(
    sightings: list[Posting], gone: list[tuple[int, int]], number: int
) -> None:
    """Every cell and every vacancy is what testing all pairs of the final ads gives."""
    _hold_recount(TOY, sightings, gone, number)


@seed(8)
@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(real_postings, max_size=20), removals, SEEDS)
def test_a_brute_force_recount_equals_the_real_fold(
    sightings: list[Posting], gone: list[tuple[int, int]], number: int
) -> None:
    """The same with the production enricher and pair test: no index key loses a pair."""
    _hold_recount(real_world(), sightings, gone, number)


@seed(9)
@settings(max_examples=80, deadline=None, database=None)
@given(st.lists(postings, max_size=20), st.lists(postings, min_size=1, max_size=4), SEEDS)
@example(  # two vacancies that only the error joins
    [
        _posting("a", 1, 0, "seen", {"title": "x", "company": "p"}),
        _posting("b", 2, 1, "seen", {"title": "x", "company": "q"}),
    ],
    [_posting("a", 9, 2, "seen", {"title": "x", "company": None})],
    0,
)
def test_an_error_and_its_correction_leave_every_cell_as_before(
    sightings: list[Posting], errors: list[Posting], number: int
) -> None:
    """Ads that were read wrongly, and then right, count as if they had been right from the start."""
    wrong, right, corrected = [], [], []
    for n, error in enumerate(errors):
        ad = msgspec.structs.replace(error, source="c", id=str(n))
        mended = msgspec.structs.replace(ad, title="xx", company="p", city="MA-03")
        wrong.append(ad)
        right.append(mended)
        corrected.append(msgspec.structs.replace(mended, observed_at=ad.observed_at + timedelta(minutes=1)))
    order = [*sightings, *wrong]
    random.Random(number).shuffle(order)
    made = fold([*order, *corrected], number, 4)
    never = fold([*sightings, *right, *corrected], number + 1, 9)
    assert made.cells == never.cells
    assert made.vacancies == never.vacancies


def test_a_merge_made_in_error_is_split_again() -> None:
    """An ad joins two vacancies and is then edited: a split, and every cell but its own is as before."""
    two = [
        _posting("a", 1, 0, "seen", {"title": "x", "company": "p", "city": "MA-01"}),
        _posting("b", 2, 1, "seen", {"title": "x", "company": "q", "city": "MA-02"}),
    ]
    bridge = _posting("b", 9, 2, "seen", {"title": "x"})
    away = _posting("b", 9, 3, "seen", {"title": "xxxx"})
    before, joined, after = fold(two, 1, 1), fold([*two, bridge], 1, 1), fold([*two, bridge, away], 1, 1)
    assert len(joined.vacancies) == 1
    assert "merged" in [event.event for event in joined.events]
    assert "split" in [event.event for event in after.events]
    own = fold([bridge, away], 1, 1).cells
    assert {key for key in after.cells if after.cells[key] != before.cells.get(key)} <= own.keys()
    assert len(after.vacancies) == 3


@pytest.mark.parametrize(("title", "event"), [("xxx", "recoded"), ("xx", "moved")])
def test_a_recoded_vacancy_moves_its_counts(title: str, event: str) -> None:
    """A vacancy coded otherwise, in its block or in another one, leaves nothing under the old code."""
    ad = _posting("a", 1, 0, "seen", {"title": "x", "company": "p"})
    recoded = _posting("a", 1, 1, "seen", {"title": title, "company": "p"})
    back = _posting("a", 1, 2, "seen", {"title": "x", "company": "p"})
    there, again = fold([ad, recoded], 1, 1), fold([ad, recoded, back], 1, 1)
    assert there.cells == fold([msgspec.structs.replace(ad, title=title), recoded], 1, 1).cells
    assert again.cells == fold([ad, back], 1, 1).cells
    assert event in [change.event for change in there.events]


def test_a_new_address_reaches_the_vacancy() -> None:
    """An ad that only moved to another address is shown at that address, in whatever order its sightings came."""
    old = _posting("a", 1, 0, "seen", {"title": "x", "company": "p", "url": "https://a.example/old"})
    new = _posting("a", 1, 1, "seen", {"title": "x", "company": "p", "url": "https://a.example/new"})
    assert fold([old, new], 1, 1).vacancies == fold([new, old], 1, 1).vacancies


def test_a_deadline_is_told_from_the_latest_sighting_of_a_day() -> None:
    """Two sightings of one UTC day on two local days: "ten days from now" is the later one's, whichever came first."""
    early = _posting("a", 1, 12, "seen", {"title": "x", "company": "q"})
    late = _posting("a", 1, 23.5, "seen", {"title": "x", "company": "q"})
    one, other = fold([early, late], 1, 1), fold([late, early], 1, 1)
    assert one.cells == other.cells
    assert one.vacancies == other.vacancies
