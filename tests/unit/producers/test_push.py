"""What a push says: signed or not, posting or not, and the answers that are remembered."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.push import keys
from producers.push.answers import Answers, entry_of, record_key
from producers.push.keys import Key, KeysError
from producers.push.refusal import Refusal
from producers.push.request import MAX_LINES, fresh, lines, sign, signed
from producers.shape import Reject
from schemas.messages import Posting, PushAnswer

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEY = Key(id="anapec", secret="s" * 32, sources=("anapec", "anapec-nord"))
BOTH = Key(id="both", secret="t" * 32, sources=("anapec",), sides=("offer", "seeker"))


def one(body: bytes, key: Key = KEY) -> Posting | Reject:
    """Read a body of one posting."""
    told = lines(body, batch=False, key=key, now=NOW)
    assert isinstance(told, list)
    return told[0].found


def test_a_signature_is_the_hmac_that_the_docs_describe() -> None:
    """The signature is hex(HMAC-SHA-256(secret, timestamp + "." + body)); another body, time or secret has another."""
    expected = hmac.new(b"s" * 32, b'1777896000.{"title":"x"}', hashlib.sha256).hexdigest()
    assert sign("s" * 32, "1777896000", b'{"title":"x"}') == f"sha256={expected}"
    assert signed(KEY, "1777896000", f"sha256={expected}", b'{"title":"x"}')
    assert not signed(KEY, "1777896001", f"sha256={expected}", b'{"title":"x"}')
    assert not signed(KEY, "1777896000", f"sha256={expected}", b'{"title":"y"}')
    assert not signed(BOTH, "1777896000", f"sha256={expected}", b'{"title":"x"}')
    assert not signed(KEY, "1777896000", "é", b'{"title":"x"}')


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_timestamp_holds_five_minutes(seconds: int, *, taken: bool) -> None:
    """Up to 300 seconds either way are taken, more is not, nor what is no number."""
    assert (fresh(str(int(NOW.timestamp()) + seconds), NOW) is None) is taken
    assert isinstance(fresh("2026-05-04", NOW), Refusal)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"title":', "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"title":"\xff"}', "invalid_utf8"),
        (b"[1]", "wrong_type"),
        (b'{"title":{"a":1}}', "wrong_type"),
        (b'{"title":"x","colour":"red"}', "unknown_field"),
        (b'{"title":"x","v":2}', "unknown_version"),
        (b'{"title":"x","side":"seeker"}', "not_allowed"),
        (b'{"title":"x","side":"patron"}', "unknown_side"),
        (b'{"title":"x","source":"other"}', "not_allowed"),
        (b'{"title":"x\\u0000"}', "null_byte"),
        (b'{"source_id":"7"}', "missing_title"),
        (b'{"title":"x","observed_at":"2026-05-05T12:00:00Z"}', "bad_time"),
        (b'{"title":"' + b"x" * (1 << 20) + b'"}', "oversize"),
    ],
)
def test_what_is_no_posting_has_its_reason(body: bytes, reason: str) -> None:
    """Each way to be no posting is a reject with its reason."""
    found = one(body)
    assert isinstance(found, Reject)
    assert found.reason == reason


def test_a_posting_is_in_the_name_of_the_key() -> None:
    """The first source of the key unless the posting names another of its own; a removal needs no title."""
    assert one(b'{"title":"Comptable","source_id":"7"}') == Posting(
        source="anapec", id="7", side="offer", observed_at=NOW, source_id="7", title="Comptable"
    )
    found = one(b'{"source":"anapec-nord","source_id":"7","status":"closed"}')
    assert isinstance(found, Posting)
    assert (found.source, found.event) == ("anapec-nord", "removed")


def test_what_a_seeker_may_have_written_is_not_kept() -> None:
    """An unreadable line leaves no bytes where the key may push seekers, nor does a seeker's."""
    for body in (b'{"title": "06 61 22 33 44', b'{"side":"seeker","nom":"A B"}', b'{"nom":"A B","title":"x"}'):
        found = one(body, BOTH)
        assert isinstance(found, Reject)
        assert found.data == b""
        assert found.length == len(body)
    found = one(b'{"side":"offer","title":"x","tel":"06 61 22 33 44"}', BOTH)
    assert isinstance(found, Reject)
    assert b"[tel]" in found.data


def test_a_batch_counts_its_lines_and_ends_somewhere() -> None:
    """Outcomes name the line, blank ones are skipped, and too many lines are refused whole."""
    told = lines(b'{"title":"a"}\r\n\n{"title":\n{"title":"b"}\n', batch=True, key=KEY, now=NOW)
    assert isinstance(told, list)
    assert [(line.number, isinstance(line.found, Posting)) for line in told] == [(1, True), (3, False), (4, True)]
    assert isinstance(lines(b"{}\n" * (MAX_LINES + 1), batch=True, key=KEY, now=NOW), Refusal)


def test_keys_are_read_and_their_file_is_private(tmp_path: Path) -> None:
    """A file of keys is read by id; one that everybody may read, or that is wrong, is refused without its secret."""
    path = tmp_path / "keys.toml"
    path.write_text(f'[[key]]\nid = "anapec"\nsecret = "{"s" * 32}"\nsources = ["anapec"]\n')
    path.chmod(0o644)
    with pytest.raises(KeysError, match="chmod"):
        keys.read(path)
    path.chmod(0o600)
    assert keys.read(path)["anapec"].sides == ("offer",)
    for text in ('[[key]]\nid = "a"\nsecret = "geheim"\nsources = ["a"]', 'secret = geheim"', "secret = 'geheim"):
        with pytest.raises(KeysError) as told:
            keys.parse("keys.toml", text)
        assert "geheim" not in str(told.value)
    assert "s" * 32 not in repr(KEY)


def claim(holder: str, at: datetime, state: str = "claimed", answer: str = "") -> PushAnswer:
    """Make a record of one entry."""
    status = 202 if state == "answered" else None
    return msgspec.convert(
        {
            "entry": entry_of("k", "t"),
            "state": state,
            "holder": holder,
            "body": "b",
            "at": at,
            "status": status,
            "answer": answer,
        },
        PushAnswer,
    )


def fold(records: list[tuple[bytes, bytes | None]]) -> Answers:
    """Fold records."""
    answers = Answers()
    for record, value in records:
        answers.apply(record, value)
    return answers


@given(st.permutations(["a", "b", "c"]))
def test_the_first_claim_holds_and_its_answer_stays(order: list[str]) -> None:
    """Whoever claims first answers; later claims and answers of others change nothing, compacted or not."""
    told = [claim(holder, NOW) for holder in order]
    told.append(claim(order[0], NOW, "answered", "first"))
    told.append(claim(order[1], NOW, "answered", "second"))
    told.append(claim(order[2], NOW))
    records = [(record_key(one), msgspec.json.encode(one)) for one in told]
    held = fold(records).get(entry_of("k", "t"), NOW)
    assert held is not None
    assert (held.holder, held.answer) == (order[0], "first")


def test_compaction_keeps_the_answer() -> None:
    """What is left of the topic after compaction, the last record of each key, still gives the answer."""
    told = [claim("a", NOW), claim("b", NOW), claim("a", NOW, "answered", "first"), claim("b", NOW)]
    compacted = {record_key(one): msgspec.json.encode(one) for one in told}
    held = fold(list(compacted.items())).get(entry_of("k", "t"), NOW)
    assert held is not None
    assert held.answer == "first"


def test_claims_and_answers_expire() -> None:
    """A claim without an answer holds 30 seconds, an answer 24 hours; a claim that is given up holds no longer."""
    entry = entry_of("k", "t")
    record = claim("a", NOW)
    answers = fold([(record_key(record), msgspec.json.encode(record))])
    assert answers.get(entry, NOW + timedelta(seconds=29)) is not None
    assert answers.get(entry, NOW + timedelta(seconds=31)) is None
    answers.apply(record_key(record), None)
    assert answers.get(entry, NOW) is None
    answered = claim("a", NOW, "answered")
    answers.apply(record_key(answered), msgspec.json.encode(answered))
    assert answers.get(entry, NOW + timedelta(hours=23)) is not None
    answers.forget(NOW + timedelta(hours=25))
    assert len(answers) == 0
