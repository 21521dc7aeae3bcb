"""The one place where a source's fields become a `Posting`, or a `Reject` that says why not. Pure.

A producer rejects what cannot be told as a posting at all: unreadable, of a wrong type, of no known side. Whether a
posting makes sense (a title, a date that is not in the future) is the streams' to judge, for every source alike.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Literal, get_args

import msgspec

from producers.identity import identify
from producers.privacy import age_band, bare_id, contactless, pseudonym, scrub, scrub_link
from producers.text import plain, repair
from schemas.messages import Posting, Side

Field = Literal[
    "source_id",
    "url",
    "title",
    "company",
    "company_slug",
    "company_blurb",
    "city",
    "region_raw",
    "description",
    "profile",
    "date_raw",
    "deadline_raw",
    "contract_raw",
    "salary_raw",
    "sector_raw",
    "education_raw",
    "experience_raw",
    "skills_raw",
    "age_band",
    "positions",
    "lang_portal",
    "lang",
]
"""The fields of a posting that a source can fill."""

Control = Literal["side", "status", "event", "observed_at", "source"]
"""What else a record may say of itself."""

Reason = Literal[
    "malformed_json",
    "malformed_feed",
    "malformed_jsonld",
    "malformed_html",
    "malformed_table",
    "malformed_row",
    "wrong_type",
    "invalid_utf8",
    "unknown_side",
    "bad_time",
    "oversize",
    "unknown_version",
    "unknown_field",
    "null_byte",
    "missing_title",
    "not_allowed",
]
"""Why a producer could not make a posting of an item."""

FIELDS: tuple[Field, ...] = get_args(Field)
CONTROLS: tuple[Control, ...] = get_args(Control)
SIDES: tuple[Side, ...] = get_args(Side)
RICH = frozenset({"description", "profile", "company_blurb"})
NUMERIC = frozenset(
    {"source_id", "positions", "salary_raw", "experience_raw", "education_raw", "date_raw", "deadline_raw"}
)
WRITTEN = frozenset({"title", "company_blurb", "description", "profile", "skills_raw", "experience_raw", "salary_raw"})
"""What an employer writes freely, so that a person may be named in it."""

OF_SEEKERS: tuple[Field, ...] = (
    "title",
    "city",
    "region_raw",
    "date_raw",
    "deadline_raw",
    "education_raw",
    "experience_raw",
    "skills_raw",
    "age_band",
    "lang_portal",
    "lang",
)
"""All that is kept of a job seeker: occupation, place, education, experience, skills, age band, dates of the ad."""

REMOVED = ("removed", "closed", "expired", "deleted", "withdrawn")
FIRST_MB = 1_000_000
WHOLE_MB = 8_000_000


@dataclass(frozen=True)
class Reject:
    """An item of which no posting could be made. `data` is its bytes, or their head when `length` (bytes) is greater.

    `id` is the item's own identifier where that much could be read: it is still shown, though unusable.
    """

    reason: Reason
    data: bytes
    detail: str = ""
    length: int = -1
    sha256: str = ""
    id: str = ""

    def measured(self) -> "Reject":
        """Return the same with length and SHA-256 stated and `data` cut to its first MB where it is over 8 MB."""
        if self.length >= 0:
            return self
        head = self.data if len(self.data) <= WHOLE_MB else self.data[:FIRST_MB]
        return replace(self, data=head, length=len(self.data), sha256=hashlib.sha256(self.data).hexdigest())

    def scrubbed(self) -> "Reject":
        """Return the same without contacts, length and SHA-256 those of the original."""
        told = self.measured()
        return replace(told, data=cleared(told.data), detail=contactless(told.detail), id=bare_id(told.id))

    def withheld(self) -> "Reject":
        """Return the same without its bytes: what a job seeker wrote is not kept where its fields are not known."""
        return replace(self.measured(), data=b"")


def cleared(data: bytes) -> bytes:
    """Return bytes of whatever text without contacts, what is no UTF-8 as it is."""
    return contactless(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def instant(value: str) -> datetime | None:
    """Return an RFC 3339 time, or a date as its midnight, in UTC; a time without zone is UTC.

    None when it is neither.
    """
    try:
        if len(value) == 10:
            return datetime.combine(date.fromisoformat(value), time(), UTC)
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(field: str, value: object) -> str | None:
    """Return a field's text. Raises TypeError when `value` is not text, nor a number or list where those are usual."""
    if isinstance(value, list | tuple):
        parts = [_text(field, part) for part in value]
        return ", ".join(part for part in parts if part) or None
    if isinstance(value, int | float) and not isinstance(value, bool) and field in NUMERIC:
        return str(value)
    if not isinstance(value, str):
        raise TypeError(field)
    value.encode()  # a lone surrogate is no text: UnicodeEncodeError
    text = repair(value)
    return (plain(text) if field in RICH else text.strip()) or None


def posting(
    fields: Mapping[str, object],
    *,
    source: str,
    side: Side,
    observed_at: datetime,
    data: bytes = b"",
    removed: tuple[str, ...] = REMOVED,
) -> Posting | Reject:
    """Return the posting that `fields` (names of `Field` and `Control`, absent or None where unknown) describe.

    `side` and `observed_at` hold where the record states none; a `status` in `removed`, or true, makes it a
    removal. `data` is the original bytes, kept if it is rejected (re-encoded from `fields` when empty). Fields of no
    known name are dropped.
    """
    stated = fields.get("side")
    private = side == "seeker" or stated == "seeker"

    def reject(reason: Reason, detail: str) -> Reject:
        own = fields.get("source_id")
        identity = str(own).strip() if isinstance(own, str | int) else ""
        found = Reject(reason, data or _encoded(fields), detail, id=identity)
        return found.withheld() if private else found.scrubbed()

    if stated in SIDES:
        side = stated
    elif not _absent(stated):
        private = True  # whose it is, is not known
        return reject("unknown_side", "")
    try:
        text: dict[str, str | None] = {
            field: _text(field, value) for field in FIELDS if (value := fields.get(field)) is not None
        }
    except TypeError as wrong:
        return reject("wrong_type", str(wrong))
    except UnicodeEncodeError:
        return reject("invalid_utf8", "lone surrogate")
    own = fields.get("observed_at")
    seen_at = instant(own) if isinstance(own, str) and own else observed_at if _absent(own) else None
    if seen_at is None:
        return reject("bad_time", "observed_at")
    state = fields.get("status") or fields.get("event")
    gone = state is True or (isinstance(state, str) and state.strip().casefold() in removed)
    identity = bare_id(identify(source, text))
    text = anonymous(text) if side == "seeker" else uncontacted(text)
    event: Literal["seen", "removed"] = "removed" if gone else "seen"
    known = Posting(source=source, id=identity, side=side, observed_at=seen_at, event=event)
    return msgspec.structs.replace(known, **text)


def _absent(value: object) -> bool:
    return value is None or value == ""


def uncontacted(text: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return an offer's fields without contacts: names in what is freely written, addresses and numbers everywhere."""
    keep = " ".join(filter(None, (text.get("company"), text.get("city"), text.get("region_raw"))))
    return {
        field: value if value is None else _uncontacted(field, value, keep)
        for field, value in text.items()
        if field != "age_band"
    }


def _uncontacted(field: str, value: str, keep: str) -> str:
    if field in WRITTEN:
        return contactless(value, keep)
    return scrub_link(value) if field == "url" else scrub(value)


def anonymous(text: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return what may be known of a job seeker, without contacts and names; free text is dropped whole."""
    kept = {field: value for field in OF_SEEKERS if (value := text.get(field)) is not None}
    found: dict[str, str | None] = {field: contactless(value) for field, value in kept.items()}
    if "age_band" in found:
        found["age_band"] = age_band(kept["age_band"])
    return found


def sealed(item: Posting | Reject, key: bytes, *, source: str, seekers: bool) -> Posting | Reject:
    """Return an item with a job seeker's identity as a keyed pseudonym; without `key`, as it is.

    `seekers`: its `source` is one of job seekers, so that a reject's identity is one's.
    """
    if not key:
        return item
    if isinstance(item, Reject):
        return replace(item, id=pseudonym(key, source, item.id)) if seekers and item.id else item
    if item.side == "seeker":
        return msgspec.structs.replace(item, id=pseudonym(key, item.source, item.id))
    return item


def _encoded(fields: Mapping[str, object]) -> bytes:
    return msgspec.json.encode({str(key): value if _is_text(value) else repr(value) for key, value in fields.items()})


def _is_text(value: object) -> bool:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return isinstance(value, str | int | float | bool | None)
