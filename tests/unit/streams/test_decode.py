from datetime import UTC, datetime

import pytest

from schemas.messages import Heartbeat, Posting
from streams.decode import Reject, decode

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GOOD = b'{"source":"a","id":"1","side":"offer","observed_at":"2026-05-01T00:00:00Z","title":"Comptable"}'


def test_a_whole_posting_decodes() -> None:
    """A posting with the required fields and a title is accepted."""
    posting = decode(GOOD, NOW)
    assert isinstance(posting, Posting)
    assert posting.title == "Comptable"


def test_a_heartbeat_is_neither_posting_nor_reject() -> None:
    """A heartbeat moves the clock and is not counted."""
    assert isinstance(decode(b'{"heartbeat":true,"v":1}', NOW), Heartbeat)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "malformed_json"),
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[]", "wrong_type"),
        (GOOD.replace(b'"1"', b"1"), "wrong_type"),
        (GOOD.replace(b"00Z", b"00"), "wrong_type"),
        (GOOD.replace(b'"id":"1",', b""), "missing_field"),
        (GOOD.replace(b'"id":"1"', b'"id":""'), "missing_field"),
        (GOOD.replace(b'"1"', b'"1","nickname":"x"'), "unknown_field"),
        (GOOD.replace(b"offer", b"demand"), "unknown_side"),
        (GOOD.replace(b'"1"', b'"1","v":2'), "unknown_version"),
        (GOOD.replace(b"offer", b"seeker").replace(b'"1"', b'"1","url":"https://a.example/me"'), "personal_data"),
        (GOOD.replace(b"Comptable", b"  "), "missing_title"),
        (GOOD.replace(b"Comptable", b"Compt\\u0000able"), "null_byte"),
        (GOOD.replace(b"Comptable", b"Compt\x00able"), "null_byte"),
        (GOOD.replace(b"Comptable", b"Compt\xffable"), "invalid_utf8"),
        (GOOD.replace(b"2026-05", b"2026-07"), "future_date"),
        (GOOD.replace(b"2026-05", b"1026-05"), "implausible_date"),
        (GOOD.replace(b"Comptable", b"x" * (5 << 20)), "too_large"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(value: bytes | None, reason: str) -> None:
    """Each kind of bad record has a reason of its own, and none raises."""
    verdict = decode(value, NOW)
    assert isinstance(verdict, Reject)
    assert verdict.reason == reason
