"""What is news in a reading: new and changed ads once, a sighting an event day, removals that can be believed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.checkpoint import Checkpoint, Page
from producers.listing import Batch, Sweep
from producers.novelty import Verdict, changes, conclude, judge, settle
from producers.shape import Reject
from schemas.messages import Posting

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ad(identity: str, title: str = "Comptable", *, at: datetime = NOW, removed: bool = False) -> Posting:
    """Make a sighting of an ad of portal `p`."""
    event = "removed" if removed else "seen"
    return Posting(source="p", id=identity, side="offer", observed_at=at, title=title, event=event)


class Portal:
    """A portal of one page after the other, as its source's task reads it."""

    def __init__(self) -> None:
        self.memory = Checkpoint()

    def read(
        self, *pages: list[Posting | Reject], at: datetime = NOW, full: bool = True, complete: bool = True
    ) -> tuple[list[Posting], Verdict]:
        """Read the portal once; return the postings told and the verdict on the sweep."""
        told: list[Posting] = []
        for number, items in enumerate(pages):
            news = changes(self.memory, items, at.date().isoformat(), last_wins=True)
            told += news.postings
            settle(self.memory, Batch(f"page {number}", tuple(items), Page()), news, keep_ids=True)
        names = frozenset(f"page {number}" for number in range(len(pages)))
        sweep = Sweep(names, full=full, complete=complete, atomic=len(pages) == 1)
        verdict = judge(self.memory, sweep, source="p", now=at)
        conclude(self.memory, sweep, verdict, at)
        return told, verdict


def ids(postings: tuple[Posting, ...] | list[Posting]) -> list[str]:
    """Name the ads."""
    return [posting.id for posting in postings]


def test_an_unchanged_ad_is_told_once_a_day() -> None:
    """Polls of one day tell an ad once, the first of the next day tells it again."""
    portal = Portal()
    assert ids(portal.read([ad("1")])[0]) == ["1"]
    assert ids(portal.read([ad("1", at=NOW + HOUR)], at=NOW + HOUR)[0]) == []
    assert ids(portal.read([ad("1", at=NOW + 12 * HOUR)], at=NOW + 12 * HOUR)[0]) == ["1"]


def test_a_changed_ad_is_told() -> None:
    """A change of content is told at once."""
    portal = Portal()
    portal.read([ad("1")])
    assert ids(portal.read([ad("1", "Chef comptable")])[0]) == ["1"]


def test_two_items_of_one_id_are_one_view() -> None:
    """A feed that shows an id twice tells its last item, and not again at each poll."""
    portal = Portal()
    assert [one.title for one in portal.read([ad("1", "a"), ad("1", "b")])[0]] == ["b"]
    assert portal.read([ad("1", "a"), ad("1", "b")])[0] == []


def test_rows_of_a_file_are_events() -> None:
    """In a file every change of an ad is told, in order, its removal included, and a removal once."""
    rows = [ad("1", "a"), ad("1", "b"), ad("1", removed=True), ad("1", removed=True), ad("1", "b")]
    news = changes(Checkpoint(), rows, "2026-05-04", last_wins=False)
    assert [(one.title, one.event) for one in news.postings] == [
        ("a", "seen"),
        ("b", "seen"),
        ("Comptable", "removed"),
        ("b", "seen"),
    ]


def test_a_reject_is_told_once() -> None:
    """A bad item that stays in a feed is one reject, not one a poll."""
    portal = Portal()
    bad = Reject("wrong_type", b"{}")
    first = changes(portal.memory, [bad, bad], "2026-05-04", last_wins=True)
    assert len(first.rejects) == 1
    settle(portal.memory, Batch("page 0", (bad,), Page()), first, keep_ids=True)
    assert changes(portal.memory, [bad], "2026-05-04", last_wins=True).rejects == ()


def test_an_ad_that_leaves_a_listing_is_removed() -> None:
    """A listing in one document that no longer shows an ad removes it, once."""
    portal = Portal()
    portal.read([ad(str(number)) for number in range(10)])
    _, verdict = portal.read([ad(str(number)) for number in range(9)], at=NOW + HOUR)
    assert [(one.id, one.event, one.observed_at) for one in verdict.removed] == [("9", "removed", NOW + HOUR)]
    assert portal.read([ad(str(number)) for number in range(9)], at=NOW + 2 * HOUR)[1].removed == ()


def test_an_ad_that_slips_between_pages_is_not_removed() -> None:
    """A listing of several pages must leave an ad out twice; the removal then counts from the first time."""
    portal = Portal()
    both = [ad(str(number)) for number in range(5)], [ad(str(number)) for number in range(5, 10)]
    portal.read(*both)
    without = both[0], both[1][1:]
    assert portal.read(*without, at=NOW + HOUR)[1].removed == ()
    portal.read(*both, at=NOW + 2 * HOUR)
    assert portal.read(*without, at=NOW + 3 * HOUR)[1].removed == ()
    _, verdict = portal.read(*without, at=NOW + 4 * HOUR)
    assert [(one.id, one.observed_at) for one in verdict.removed] == [("5", NOW + 3 * HOUR)]


@given(st.integers(5, 40), st.integers(0, 40))
def test_a_sweep_under_four_fifths_is_not_believed(usual: int, shown: int) -> None:
    """What a listing leaves out is gone only if it shows at least 0.8 of the usual."""
    portal = Portal()
    ads = [ad(str(number)) for number in range(usual)]
    for _ in range(3):
        portal.read(ads)
    _, verdict = portal.read(ads[:shown], at=NOW + HOUR)
    assert verdict.believed is (min(shown, usual) >= 0.8 * usual)
    assert len(verdict.removed) == (max(0, usual - shown) if verdict.believed else 0)
    assert verdict.expected == usual


def test_three_low_sweeps_over_a_day_are_believed() -> None:
    """A portal that really shrank is believed when three sweeps agree over a day, and its new size is the usual."""
    portal = Portal()
    ads = [ad(str(number)) for number in range(20)]
    portal.read(ads)
    for hours in (1, 2, 3, 23):
        assert portal.read(ads[:5], at=NOW + hours * HOUR)[1].removed == ()
    assert len(portal.read(ads[:5], at=NOW + 25 * HOUR)[1].removed) == 15
    assert portal.read(ads[:5], at=NOW + 26 * HOUR)[1].believed


@pytest.mark.parametrize("options", [{"full": False}, {"complete": False}])
def test_what_is_no_full_listing_removes_nothing(options: dict[str, bool]) -> None:
    """A feed of the latest ads, or a sweep with failures, says nothing about those it does not show."""
    portal = Portal()
    portal.read([ad(str(number)) for number in range(10)])
    assert portal.read([ad(str(number)) for number in range(9)], at=NOW + HOUR, **options)[1].removed == ()


def test_an_ad_that_became_unreadable_is_still_shown() -> None:
    """A listed item that is now rejected is not thereby removed."""
    portal = Portal()
    ads: list[Posting | Reject] = [ad(str(number)) for number in range(10)]
    portal.read(ads)
    assert portal.read([*ads[:9], Reject("wrong_type", b"{}", id="9")], at=NOW + HOUR)[1].removed == ()


def test_a_page_that_broke_shows_what_it_showed() -> None:
    """A page of which nothing can be read any more keeps its ads until it can be, or is gone."""
    portal = Portal()
    pages: list[list[Posting | Reject]] = [[ad(str(number))] for number in range(10)]
    portal.read(*pages)
    broken: list[Posting | Reject] = [Reject("malformed_jsonld", b"{")]
    for hours in (1, 2, 3):
        assert portal.read(*pages[:9], broken, at=NOW + hours * HOUR)[1].removed == ()
    for hours in (4, 5):
        _, verdict = portal.read(*pages[:9], [], at=NOW + hours * HOUR)
    assert ids(verdict.removed) == ["9"]


def test_what_a_feed_no_longer_shows_is_forgotten_in_time() -> None:
    """The memory of a source does not grow for ever: what it has not shown for 60 days is forgotten."""
    portal = Portal()
    portal.read([ad("1")], full=False)
    portal.read([ad("2", at=NOW + 61 * 24 * HOUR)], at=NOW + 61 * 24 * HOUR, full=False)
    assert set(portal.memory.items) == {"2"}
