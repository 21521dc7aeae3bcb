"""The decode edge of the streams and the posting's schema draw the same line."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.shape import posting
from schemas.messages import Heartbeat, Posting
from schemas.validation import violations
from streams.decode import NOT_OF_SEEKERS, Reject, decode
from tests.contract.messages import Example, examples

LOGGED = datetime(2026, 3, 5, tzinfo=UTC)
EDGE = [one for outcome in ("pass", "fail") for one in examples(outcome) if one.message in {"posting", "heartbeat"}]
PASS = [one for one in EDGE if one.outcome == "pass"]
FAIL = [one for one in EDGE if one.outcome == "fail" and one.message == "posting"]

REASONS = {
    "misspelt": "unknown_field",
    "missing": "missing_field",
    "type": "wrong_type",
    "value": "wrong_type",
    "value_side": "unknown_side",
    "version": "unknown_version",
    "time": "wrong_type",
    "form_no_offset": "wrong_type",
    "form_before_2000": "implausible_date",
    "form_null_character": "null_byte",
    "range": "missing_field",
    "clash": "missing_title",
    "private": "personal_data",
}
"""Why the edge rejects a failing example, by its name or the first word of it."""


@pytest.mark.parametrize("example", PASS, ids=str)
def test_the_edge_takes_what_passes(example: Example) -> None:
    """A passing example is a posting, or a heartbeat, to the streams."""
    expected = Posting if example.message == "posting" else Heartbeat
    assert isinstance(decode(example.text, LOGGED), expected)


@pytest.mark.parametrize("example", FAIL, ids=str)
def test_the_edge_rejects_what_fails_and_says_why(example: Example) -> None:
    """A failing example is rejected with the reason of its fault.

    What a job seeker may not carry is taken off by producers before Kafka: the edge looks for whole fields only.
    """
    found = decode(example.text, LOGGED)
    fault = example.name.split("_")[0]
    if fault == "private" and example.name.removeprefix("private_seeker_") not in NOT_OF_SEEKERS:
        assert isinstance(found, Posting)
    else:
        assert isinstance(found, Reject)
        assert found.reason == REASONS.get(example.name, REASONS.get(fault))


RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "source": st.sampled_from(["a", "", 5, "\x00"]),
        "id": st.sampled_from(["1", "", ["1"]]),
        "side": st.sampled_from(["offer", "demand", "", 1]),
        "observed_at": st.sampled_from(
            [
                "2026-03-02T08:15:30Z",
                "2026-03-02T09:15:30.5+01:00",
                "2026-03-02T08:15:30",
                "1999-12-31T23:00:00Z",
                "hier",
                3,
            ]
        ),
        "v": st.sampled_from([1, 2, "1"]),
        "event": st.sampled_from(["seen", "removed", "gone"]),
        "title": st.sampled_from(["Maçon", "بناء", " ", "", 4]),
        "city": st.sampled_from(["Fès", "", "x\x00", {"name": "Fès"}]),
        "town": st.just("Fès"),
    },
)
WHOLE = {"source": "a", "id": "1", "side": "offer", "observed_at": "2026-03-02T08:15:30Z", "title": "Maçon"}


@given(RECORDS, st.sets(st.sampled_from(sorted(WHOLE))))
def test_the_edge_and_the_schema_agree_on_offers(record: dict[str, Any], kept: set[str]) -> None:
    """What the schema refuses is rejected and what it allows is taken, whatever the mixture of faults."""
    record |= {name: WHOLE[name] for name in kept}
    taken = isinstance(decode(json.dumps(record).encode(), LOGGED), Posting)
    assert taken == (violations("posting", 1, record) == [])


CONTACT = st.sampled_from(
    [
        "amina@courriel.example",
        "06 00 00 00 00",
        "+212 612345678",
        "0712345678",
        " ",
        "Tél",
        ":",
        "à Fès",
        "خدمة",
        "5 ans",
    ]
)
TEXT = st.lists(CONTACT, max_size=5).map(" ".join)


FIELD = st.sampled_from(["source_id", "company", "url", "city", "description", "profile", "skills_raw"])


@given(st.dictionaries(FIELD, TEXT))
def test_a_producers_job_seeker_is_as_the_schema_asks(fields: dict[str, str]) -> None:
    """Whatever contacts stand in whichever field of a job seeker's item, what reaches Kafka carries none."""
    found = posting({"title": "Chauffeur", **fields}, source="agence", side="seeker", observed_at=LOGGED)
    assert isinstance(found, Posting)
    assert violations("posting", 1, json.loads(msgspec.json.encode(found))) == []
