"""First step: raw bytes to a posting, a heartbeat, or the reason why neither."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from schemas.messages import Heartbeat, Posting

RejectReason = Literal[
    "malformed_json",
    "invalid_utf8",
    "wrong_type",
    "missing_field",
    "unknown_field",
    "unknown_side",
    "unknown_version",
    "missing_title",
    "null_byte",
    "too_large",
    "future_date",
    "implausible_date",
    "removal_of_unknown",
    "wrong_key",
    "personal_data",
]

MAX_BYTES = 1 << 20
"""A posting above this is no posting: the longest real one seen is 40 kB."""

FUTURE_TOLERANCE = timedelta(hours=1)
"""How far a source's clock may run ahead of the broker's before its observation is refused."""

NOT_OF_SEEKERS = ("url", "company", "company_slug", "company_blurb")
"""Fields that could name a job seeker; the posting's schema refuses them, and producers strip them."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that cannot be used."""

    reason: RejectReason
    detail: str = ""
    source: str = ""


_posting = msgspec.json.Decoder(Posting)
_heartbeat = msgspec.json.Decoder(Heartbeat)


class _Sided(msgspec.Struct):
    side: str


_side = msgspec.json.Decoder(_Sided)


def decode(value: bytes | None, log_time: datetime) -> Posting | Heartbeat | Reject:  # noqa: PLR0911 - one a reason
    """Decode a record of `postings-raw`; `log_time` is when the broker appended it, the only clock consulted."""
    if not value:
        return Reject("malformed_json", "empty record")
    if len(value) > MAX_BYTES:
        return Reject("too_large", f"{len(value)} bytes, more than {MAX_BYTES}")
    if b"\x00" in value or b"\\u0000" in value:
        return Reject("null_byte")
    try:
        posting = _posting.decode(value)
    except UnicodeDecodeError as error:
        return Reject("invalid_utf8", str(error))
    except msgspec.ValidationError as error:
        return _heartbeat_or(value, _refine(str(error)))
    except msgspec.DecodeError as error:
        return Reject("malformed_json", str(error))
    return _check(posting, log_time)


def of_a_seeker(value: bytes) -> bool:
    """Whether a record is, or as far as it can be read may be, a job seeker's: its bytes are not kept."""
    try:
        return b"seeker" in value.lower() or _side.decode(value).side == "seeker"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False


def _heartbeat_or(value: bytes, reject: Reject) -> Heartbeat | Reject:
    try:
        return _heartbeat.decode(value)
    except msgspec.ValidationError:
        return reject


def _refine(message: str) -> Reject:
    if "missing required field" in message:
        return Reject("missing_field", message)
    if "unknown field" in message:
        return Reject("unknown_field", message)
    if "$.side" in message:
        return Reject("unknown_side", message)
    return Reject("wrong_type", message)


def _check(posting: Posting, log_time: datetime) -> Posting | Reject:  # noqa: PLR0911 - one a reason
    source = posting.source
    if posting.side == "seeker" and any(getattr(posting, name) is not None for name in NOT_OF_SEEKERS):
        return Reject("personal_data", "a job seeker's posting carries no address and no employer", source)
    if posting.v != 1:
        return Reject("unknown_version", f"posting version {posting.v}", source)
    if not source or not posting.id:
        return Reject("missing_field", "source and id must not be empty", source)
    observed = posting.observed_at
    if observed.tzinfo is None:
        return Reject("wrong_type", "observed_at has no UTC offset", source)
    if observed > log_time + FUTURE_TOLERANCE:
        return Reject("future_date", f"observed at {observed.isoformat()}, logged at {log_time.isoformat()}", source)
    if observed < EARLIEST:
        return Reject("implausible_date", f"observed at {observed.isoformat()}", source)
    if posting.event == "seen" and not (posting.title and posting.title.strip()):
        return Reject("missing_title", "", source)
    return posting
