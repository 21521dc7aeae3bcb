"""A source's fields become a posting, or a reject that says why; a job seeker's leave no trace of the person."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.shape import FIELDS, Reject, instant, posting, sealed
from schemas.messages import Posting, Side

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def shape(fields: dict[str, Any], side: Side = "offer", data: bytes = b"") -> Posting | Reject:
    """Shape the fields of an item of source `p`."""
    return posting(fields, source="p", side=side, observed_at=NOW, data=data)


@given(st.dictionaries(st.sampled_from([*FIELDS, "side", "status", "event", "observed_at", "other"]), JSON))
def test_any_fields_are_a_posting_or_a_reject(fields: dict[str, Any]) -> None:
    """Whatever a source sends, the outcome is a value, and a posting is one that its schema accepts."""
    found = shape(fields)
    if isinstance(found, Posting):
        assert msgspec.json.decode(msgspec.json.encode(found), type=Posting) == found
    else:
        assert found.measured().length >= 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"title": 5}, "wrong_type"),
        ({"title": {"fr": "Comptable"}}, "wrong_type"),
        ({"city": True}, "wrong_type"),
        ({"title": "A", "side": "emploi"}, "unknown_side"),
        ({"title": "A", "side": 3}, "unknown_side"),
        ({"title": "A", "side": ["offer"]}, "unknown_side"),
        ({"title": "A", "observed_at": "hier"}, "bad_time"),
        ({"title": "A", "observed_at": 17}, "bad_time"),
        ({"title": "\ud800"}, "invalid_utf8"),
    ],
)
def test_what_is_no_posting_is_a_reject(fields: dict[str, Any], reason: str) -> None:
    """Wrong types, unknown sides and unreadable times are rejected with their reason."""
    found = shape(fields, data=b"bytes")
    assert isinstance(found, Reject)
    assert (found.reason, found.data) == (reason, b"" if reason == "unknown_side" else b"bytes")


def test_a_posting_without_a_title_is_left_to_the_streams() -> None:
    """What can be told as a posting is told: whether it makes sense is judged in one place for all sources."""
    assert isinstance(shape({"city": "Fès"}), Posting)


def test_numbers_and_lists_are_read_where_they_are_usual() -> None:
    """Numeric identifiers, positions and salaries and lists of places become text."""
    found = shape({"title": "A", "source_id": 17, "positions": 3, "salary_raw": 6000.5, "city": ["Fès", "Rabat"]})
    assert isinstance(found, Posting)
    assert (found.id, found.source_id, found.positions, found.salary_raw) == ("17", "17", "3", "6000.5")
    assert found.city == "Fès, Rabat"


def test_a_record_may_state_its_side_its_time_and_its_removal() -> None:
    """What a record says of itself goes before what its source is configured for."""
    found = shape({"source_id": "1", "side": "seeker", "status": "Closed", "observed_at": "2026-05-01T10:00:00+01:00"})
    assert isinstance(found, Posting)
    assert (found.side, found.event, found.observed_at) == ("seeker", "removed", datetime(2026, 5, 1, 9, tzinfo=UTC))


def test_a_seeker_leaves_no_trace() -> None:
    """Address, employer, e-mail and telephone of a job seeker are in no field of the posting."""
    found = shape(
        {
            "source_id": "0661223344",
            "url": "https://agence.ma/cv/amine-b",
            "title": "Comptable, 06 61 22 33 44",
            "description": "<p>écrire à amine@poste.ma</p>",
            "company": "Amine B.",
            "company_blurb": "Amine",
            "skills_raw": "Sage; tel +212 661 22 33 44",
            "phone": "0661223344",
        },
        side="seeker",
    )
    assert isinstance(found, Posting)
    told = msgspec.json.encode(found).decode()
    assert not any(trace in told.replace(" ", "") for trace in ("661223344", "amine", "Amine", "agence.ma"))
    assert found.title == "Comptable, [tel]"
    assert found.id.startswith("s:")


def test_a_rejected_seeker_leaves_a_hash() -> None:
    """Of a job seeker's record that cannot be read field by field, only length and hash are kept."""
    found = shape({"title": 5, "side": "seeker"}, data=b"Amine 0661223344")
    assert isinstance(found, Reject)
    assert (found.data, found.length, found.sha256) == (b"", 16, hashlib.sha256(b"Amine 0661223344").hexdigest())


def test_an_unknown_side_is_not_kept() -> None:
    """A record of no known side may be a job seeker's: hash, length and reason are kept, its bytes are not."""
    found = shape({"title": "A", "side": "x"}, data=b'{"tel": "0661223344", "bad": "\xff"}')
    assert isinstance(found, Reject)
    assert (found.data, found.length, found.detail) == (b"", 33, "")


def test_a_rejected_offer_is_kept_without_contacts() -> None:
    """An offer's record that is no posting keeps its bytes but for names, e-mails and telephones, and its own hash."""
    data = b'{"title": 5, "texte": "Contactez Mme Nadia Tazi, 0661223344", "bad": "\xff"}'
    found = shape({"title": 5}, data=data)
    assert isinstance(found, Reject)
    assert found.data == b'{"title": 5, "texte": "Contactez Mme [nom], [tel]", "bad": "\xff"}'
    assert (found.length, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_an_offer_keeps_its_employer_and_loses_its_contacts() -> None:
    """Names, numbers and addresses of persons go from an offer's texts; its employer and its place stay."""
    found = shape(
        {
            "title": "Comptable chez Mehdi Tazi Conseil",
            "company": "Mehdi Tazi Conseil",
            "city": "Sidi Kacem",
            "description": "Mehdi Tazi Conseil, Sidi Kacem. Contact : Mme Nadia Alaoui 06 61 22 33 44, n@x.ma",
            "url": "https://p.example/1?mail=a@x.ma",
        }
    )
    assert isinstance(found, Posting)
    assert found.title == "Comptable chez Mehdi Tazi Conseil"
    assert found.description == "Mehdi Tazi Conseil, Sidi Kacem. Contact : Mme [nom] [tel], [e-mail]"
    assert "a@x.ma" not in (found.url or "") + found.id


@pytest.mark.parametrize(
    ("told", "band"),
    [
        ("32", "25-34"),
        ("25-34 ans", "25-34"),
        ("19 à 24", "15-24"),
        ("٤٠", "35-44"),
        ("1990-05-01", None),
        ("12", None),
    ],
)
def test_of_an_age_a_band_is_kept(told: str, band: str | None) -> None:
    """An age becomes a band; a date of birth, or what is no age, becomes nothing; an offer has none."""
    found = shape({"title": "A", "age_band": told}, side="seeker")
    assert isinstance(found, Posting)
    assert found.age_band == band
    offer = shape({"title": "A", "age_band": told})
    assert isinstance(offer, Posting)
    assert offer.age_band is None


def test_a_seeker_is_known_by_a_keyed_pseudonym() -> None:
    """The same seeker has the same pseudonym under a key, another under another, and none of its own identifier."""
    found = shape({"title": "A", "source_id": "DE-20418"}, side="seeker")
    assert isinstance(found, Posting)
    one, again, other = (sealed(found, key, source="p", seekers=True) for key in (b"k", b"k", b"l"))
    assert one == again != other
    assert b"DE-20418" not in msgspec.json.encode(one)
    reject = sealed(Reject("wrong_type", b"", id="DE-20418"), b"k", source=found.source, seekers=True)
    assert isinstance(one, Posting)
    assert reject.id == one.id


def test_a_large_reject_keeps_its_first_megabyte() -> None:
    """Up to 8 MB are kept whole, beyond that the first MB with length and hash of the whole."""
    data = b"x" * 8_000_001
    cut, whole = Reject("oversize", data).measured(), Reject("oversize", data[:-1]).measured()
    assert (len(cut.data), cut.length, cut.sha256) == (1_000_000, 8_000_001, hashlib.sha256(data).hexdigest())
    assert len(whole.data) == whole.length == 8_000_000


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T10:00:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T10:00:00+01:00", datetime(2026, 5, 1, 9, tzinfo=UTC)),
        ("2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-13-01", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("hier", None),
    ],
)
def test_times_are_utc(written: str, read: datetime | None) -> None:
    """A date is its midnight, a time without zone is UTC, anything else is none."""
    assert instant(written) == read
