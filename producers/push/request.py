"""What a push says: its signature, its lines, and of each the posting or the reason why it is none. Pure."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from producers.push.keys import Key
from producers.push.refusal import Refusal
from producers.shape import CONTROLS, FIELDS, SIDES, Reject, posting, sealed
from schemas.messages import Posting

PATH = "/ingest/v1/postings"
SCHEMA = "posting/1"
MAX_BYTES = 8_000_000
MAX_LINES = 5_000
SKEW = 300
"""Seconds that a timestamp may be from now."""

MAX_POSTING = 1 << 20
"""A posting above this is refused by the streams: better told here."""

AHEAD = timedelta(hours=1)
"""How far a sender's clock may run ahead, as the streams have it."""

_KNOWN = {*FIELDS, *CONTROLS, "v"}
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,40}")


@dataclass(frozen=True)
class Line:
    """One line of a push: a posting, or why it is none. `number` counts from 1, blank lines included."""

    number: int
    source: str
    found: Posting | Reject


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of `X-Marsad-Signature`: `sha256=` and hex(HMAC-SHA-256(secret, timestamp + "." + body))."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def fresh(timestamp: str, now: datetime) -> Refusal | None:
    """Why a timestamp (epoch seconds) is not to be taken, or None."""
    if not re.fullmatch(r"\d{1,12}", timestamp):
        return Refusal("bad-timestamp", "X-Marsad-Timestamp is epoch seconds")
    return None if abs(now.timestamp() - int(timestamp)) <= SKEW else Refusal("bad-timestamp")


def signed(key: Key, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether `signature` is the key's over `timestamp` and `body`, in a time that tells nothing."""
    return hmac.compare_digest(sign(key.secret, timestamp, body).encode(), signature.strip().encode())


def lines(body: bytes, *, batch: bool, key: Key, now: datetime, pseudonym_key: bytes = b"") -> list[Line] | Refusal:
    """Every line of an NDJSON batch, or the one posting of a JSON body; job seekers are known by pseudonyms."""
    if not batch:
        return [_sealed(_line(1, body, key, now), pseudonym_key)]
    rows = [(number, row) for number, row in enumerate(body.split(b"\n"), 1) if row.strip()]
    if len(rows) > MAX_LINES:
        return Refusal("too-large", f"{len(rows)} lines, where {MAX_LINES} are taken at once")
    return [_sealed(_line(number, row.rstrip(b"\r"), key, now), pseudonym_key) for number, row in rows]


def _line(number: int, data: bytes, key: Key, now: datetime) -> Line:
    fields = _decoded(data)
    wrong = fields if isinstance(fields, Reject) else _unfit(fields, data, key)
    source = key.sources[0]
    if wrong is None and isinstance(fields, dict):
        source = str(fields.get("source") or source)
        made = posting(fields, source=source, side=key.sides[0], observed_at=now, data=data)
        if isinstance(made, Reject):
            return Line(number, source, made)
        wrong = _senseless(made, data, now)
        if wrong is None:
            return Line(number, source, made)
    # Whose it is, is known only of a line that says so, or of a key that pushes no seekers.
    stated = fields.get("side") if isinstance(fields, dict) else None
    offer = "seeker" not in key.sides if stated not in SIDES else stated == "offer"
    assert wrong is not None  # noqa: S101 (what is no posting has its reason)
    return Line(number, source, wrong.scrubbed() if offer else wrong.withheld())


def _sealed(line: Line, key: bytes) -> Line:
    return replace(line, found=sealed(line.found, key, source=line.source, seekers=False))


def _decoded(data: bytes) -> dict[str, object] | Reject:
    """Return a line's fields."""
    if len(data) > MAX_POSTING:
        return Reject("oversize", data, f"{len(data)} bytes, more than {MAX_POSTING}")
    try:
        fields = msgspec.json.decode(data)
    except UnicodeDecodeError:
        return Reject("invalid_utf8", data)
    except (msgspec.DecodeError, RecursionError):
        return Reject("malformed_json", data)
    return fields if isinstance(fields, dict) else Reject("wrong_type", data, "a posting is an object")


def _unfit(fields: Mapping[str, object], data: bytes, key: Key) -> Reject | None:
    """Why no posting is made of a line's fields: a form that is not known, or not the key's to push."""
    if fields.get("v", 1) != 1:
        return Reject("unknown_version", data, f"only {SCHEMA} is known")
    if unknown := sorted(set(fields) - _KNOWN):
        return Reject("unknown_field", data, unknown[0] if _NAME.fullmatch(unknown[0]) else "")
    if b"\x00" in data or b"\\u0000" in data:
        return Reject("null_byte", data)
    if fields.get("source") not in (None, "", *key.sources):
        return Reject("not_allowed", data, "source")
    if (side := fields.get("side") or key.sides[0]) in SIDES and side not in key.sides:
        return Reject("not_allowed", data, "side")
    return None


def _senseless(made: Posting, data: bytes, now: datetime) -> Reject | None:
    """Why the streams would refuse a posting: told where the sender can still mend it."""
    if made.event == "seen" and not (made.title and made.title.strip()):
        return Reject("missing_title", data)
    if made.observed_at > now + AHEAD:
        return Reject("bad_time", data, "observed_at is in the future")
    return None


def outcomes(told: list[Line]) -> dict[str, object]:
    """What is answered of a batch: how many were accepted and rejected, and an outcome a line."""
    rows = [_outcome(line) for line in told]
    accepted = sum(row["status"] == "accepted" for row in rows)
    return {"accepted": accepted, "rejected": len(rows) - accepted, "outcomes": rows}


def _outcome(line: Line) -> Mapping[str, object]:
    match line.found:
        case Posting(id=identity):
            return {"line": line.number, "status": "accepted", "id": identity}
        case Reject(reason=reason, detail=detail):
            return {"line": line.number, "status": "rejected", "reason": reason, "detail": detail}
