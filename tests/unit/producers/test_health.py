"""How well a source is read: what it fills, what it lost, and what is usual in an hour of the week."""

from datetime import UTC, datetime, timedelta

from producers import health, status
from producers.checkpoint import Checkpoint, Page
from producers.health import Tally
from producers.listing import Batch
from producers.novelty import Verdict
from producers.sources import parse
from schemas.messages import Posting

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SOURCE = parse("p.toml", 'kind = "rss"\nname = "p"\nurl = "https://p.example/"')


def read(memory: Checkpoint, *, city: str | None, items: int = 10) -> float | None:
    """Read ads with and without a city; return the parse yield."""
    tally = Tally()
    tally.add(
        Posting(source="p", id=str(n), side="offer", observed_at=NOW, title="Comptable", city=city)
        for n in range(items)
    )
    share = health.parse_yield(memory, tally)
    health.note(memory, tally)
    return share


def told(memory: Checkpoint) -> tuple[str, tuple[str, ...]]:
    """State and lost fields as a poll would tell them."""
    verdict = Verdict(seen=10, expected=10.0, believed=True)
    found = status.polled(SOURCE, memory, verdict, at=NOW, published=0, rejected=0, trouble="")
    return found.state, found.drifted


def test_a_field_that_was_always_filled_and_is_empty_is_told_until_it_is_filled_again() -> None:
    """A page that lost its places is degraded until they are back, however often it is read."""
    memory = Checkpoint()
    assert read(memory, city="F\u00e8s") is None
    assert read(memory, city="F\u00e8s") == 1.0
    assert told(memory) == ("ok", ())
    for _ in range(10):
        assert read(memory, city=None) == 0.5
        assert told(memory) == ("degraded", ("city",))
    read(memory, city="F\u00e8s")
    assert told(memory) == ("ok", ())


def test_few_ads_and_fields_that_come_and_go_tell_nothing() -> None:
    """A reading of a handful of ads, or of a field that was sometimes empty before, raises no alarm."""
    memory = Checkpoint()
    read(memory, city="F\u00e8s")
    read(memory, city=None, items=health.ENOUGH - 1)
    assert told(memory) == ("ok", ())
    sometimes = Checkpoint(filled={"title": 1.0, "city": 0.6})
    read(sometimes, city=None)
    assert told(sometimes) == ("ok", ())


def page(name: str, *, city: str | None, items: int = 10) -> Batch:
    """A page of ads with or without a city."""
    ads = (
        Posting(source="p", id=f"{name}-{n}", side="offer", observed_at=NOW, title="Comptable", city=city)
        for n in range(items)
    )
    return Batch(name, tuple(ads), Page())


def test_a_page_that_lost_what_was_always_there_is_held_back_for_a_day() -> None:
    """Of it nothing is taken until it is whole again or has been so for a day; other pages, and small ones, are."""
    memory = Checkpoint()
    read(memory, city="F\u00e8s")
    for hours in (0, 23):
        tally = Tally()
        at = NOW + timedelta(hours=hours)
        health.believe(memory, at)
        assert tally.holds(memory, page("1", city=None), at)
        assert not tally.holds(memory, page("2", city="F\u00e8s"), at)
        assert not tally.holds(memory, page("3", city=None, items=health.ENOUGH - 1), at)
        assert tally.holds(memory, Batch("1", (), Page(), more=True), at)  # the end of a document that was held back
        health.note(memory, tally, complete=False)
        assert memory.drifted == ("city",)
    health.believe(memory, NOW + timedelta(hours=24))
    assert not Tally().holds(memory, page("1", city=None), NOW)
    assert memory.drifted == ()


def test_a_whole_reading_ends_what_was_held_back() -> None:
    """Once everything was read without holding anything back, the day counts anew, even if nothing had changed."""
    memory = Checkpoint()
    read(memory, city="F\u00e8s")
    tally = Tally()
    tally.holds(memory, page("1", city=None), NOW)
    health.note(memory, tally, complete=False)
    health.note(memory, Tally())
    assert (memory.drifted, memory.lost_since) == ((), "")
    health.believe(memory, NOW + timedelta(hours=40))
    assert Tally().holds(memory, page("1", city=None), NOW)


def test_an_hour_has_its_own_usual_count_after_two_weeks() -> None:
    """What is usual is told of the hour of the week, once that hour was seen in two weeks."""
    memory = Checkpoint()
    for day in range(14):
        for hour in range(24):
            at = NOW + timedelta(days=day, hours=hour)
            if day < 7:
                assert health.expected(memory, at) is None
            health.count(memory, 100 if at.hour == 3 else 10, at)
    assert health.expected(memory, datetime(2026, 5, 18, 3, 30, tzinfo=UTC)) == 100
    assert health.expected(memory, datetime(2026, 5, 18, 4, 30, tzinfo=UTC)) == 10
