from datetime import UTC, datetime, timedelta

from schemas.messages import Posting
from streams import dedupe
from streams.dedupe import DAY

BEGIN = datetime(2026, 1, 10, 9, 30, tzinfo=UTC)


def _posting(hours: float = 0, **fields: object) -> Posting:
    return Posting(  # type: ignore[arg-type]
        source="a", id="1", side="offer", observed_at=BEGIN + timedelta(hours=hours), **{"title": "Comptable"} | fields
    )


def _fold(*postings: Posting) -> tuple[dedupe.Known, list[str]]:
    known, outcomes = dedupe.first_sight(postings[0], 0, 0), ["new"]
    for posting in postings[1:]:
        known, outcome = dedupe.sight(known, posting, 0)
        outcomes.append(outcome)
    return known, outcomes


def test_the_same_content_later_is_unchanged_and_moves_last_seen() -> None:
    """A re-sighting extends the ad's life and is no update, whatever age the portal prints."""
    known, outcomes = _fold(_posting(date_raw="hier"), _posting(48, date_raw="il y a 3 jours"))
    assert outcomes == ["new", "unchanged"]
    assert known.last - known.first == 48 * 3600


def test_other_content_later_is_an_update_and_earlier_is_not() -> None:
    """Attributes are last-write-wins by observation time: an older sighting with other content changes nothing."""
    assert _fold(_posting(), _posting(5, city="Fès"))[1] == ["new", "updated"]
    known, outcomes = _fold(_posting(), _posting(-5, city="Fès"))
    assert outcomes == ["new", "unchanged"]
    assert known.first < known.last


def test_a_removal_closes_and_a_later_sighting_reopens() -> None:
    """A removal is the closing until the ad is seen again."""
    removal = _posting(10, event="removed")
    known, outcomes = _fold(_posting(), removal)
    assert outcomes[-1] == "updated"
    assert dedupe.closing(known, None) == (int(removal.observed_at.timestamp()), "removed")
    reopened, _ = dedupe.sight(known, _posting(20), 0)
    assert dedupe.closing(reopened, None)[1] == "imputed"


def test_a_deadline_closes_unless_a_later_day_saw_the_ad() -> None:
    """A deadline on or after the day of the last sighting is the closing; a sighting on a later day voids it."""
    known, _ = _fold(_posting())
    day = known.last - known.last % DAY
    assert dedupe.closing(known, day) == (day + DAY - 60, "deadline")
    assert dedupe.closing(known, day - DAY)[1] == "imputed"
    assert dedupe.closing(known, day + 5000 * DAY)[1] == "imputed", "a deadline in 2039 is not believed"


def test_an_imputed_closing_is_six_weeks_after_the_last_day_seen() -> None:
    """Without removal or deadline an ad closes 42 days after the day on which it was last seen."""
    known, _ = _fold(_posting(), _posting(30))
    close, reason = dedupe.closing(known, None)
    assert reason == "imputed"
    assert close == known.last - known.last % DAY + 42 * DAY


def test_an_ad_unseen_for_its_lifetime_would_be_another() -> None:
    """Expiry looks at log time alone, and an archive's ads never expire."""
    known, _ = _fold(_posting())
    assert dedupe.expired(known, 61 * DAY, 60 * DAY)
    assert not dedupe.expired(known, 60 * DAY, 60 * DAY)
    assert not dedupe.expired(known, 10**9, None)
