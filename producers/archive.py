"""Rows of an archive to sightings at the times that they carry, as Kafka records. Pure.

An archive is taken as it is, but for what may be known of a person: what is wrong in a row goes to the raw topic with
it, and the streams judge it there, so that sightings and raw records can be counted against each other. Only what Kafka
could not carry is rejected here.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from producers.file.parse import Row
from producers.identity import identify
from producers.jsonapi.parse import mapped
from producers.privacy import bare_id, pseudonym, scrub
from producers.shape import FIELDS, WHOLE_MB, Reject, anonymous, cleared, instant, uncontacted
from schemas.messages import Side

_ENCODER = msgspec.json.Encoder()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_MAPPING: Mapping[Any, str] = MappingProxyType({})
_COPIED = (*FIELDS, "event")
_ABOUT = ("source", "side", "event")


class Sighting(msgspec.Struct, array_like=True, frozen=True):
    """A record for the raw topic, in the place that its time has in the archive (`at`: microseconds since 1970, UTC).

    `reject` stands in its place when it is too large for one (`key` and `value` are empty).
    """

    at: int
    key: bytes
    value: bytes
    reject: Reject | None = None


def sightings(
    rows: Iterable[Row], *, source: str, side: Side, mapping: Mapping[Any, str] = NO_MAPPING, key: bytes = b""
) -> Iterator[Sighting]:
    """Return the sightings of `rows`, in row order.

    One at a row's `observed_at`; else one at `seen_first` and, where it is later (as text), one at `seen_last`. A
    row that tells no time keeps the place of the one before it. `source` and `side` hold where the row states none,
    `mapping` names the columns of fields that are called otherwise, `key` makes pseudonyms of job
    seekers. A row that is no object is one sighting: its bytes, without contacts.
    """
    place = 0
    for row in rows:
        if row.fields is None:
            yield _unreadable(row, source, side, place)
            continue
        fields = {**row.fields, **mapped(row.fields, mapping)} if mapping else row.fields
        record = compose(fields, source=source, side=side)
        if key and record["side"] != "offer":
            record["id"] = pseudonym(key, str(record["source"]), str(record["id"]))
        name = f"{record['source']}\t{record['id']}".encode("utf-8", "replace")
        for time in times(fields):
            at = _micros(time) if isinstance(time, str) else None
            place = place if at is None else at
            if time is not None:
                record["observed_at"] = _canonical(time) if isinstance(time, str) else time
            value = _encoded(record)
            if len(value) > WHOLE_MB:
                reject = Reject("oversize", row.data)
                yield Sighting(place, b"", b"", reject.withheld() if record["side"] == "seeker" else reject.scrubbed())
            else:
                yield Sighting(place, name, value)


def times(fields: Mapping[str, object]) -> tuple[object, ...]:
    """When a row was seen: as it says, which need not be a time at all; (None,) when it does not say."""
    if (own := fields.get("observed_at")) is not None:
        return (own,)
    first, last = fields.get("seen_first"), fields.get("seen_last")
    if isinstance(first, str) and isinstance(last, str) and last > first:
        return first, last
    return (last if first is None else first,)


def compose(fields: Mapping[str, object], *, source: str, side: Side) -> dict[str, object]:
    """Return a row as a posting's JSON object without its time and contacts, absent side and source filled in.

    Of a job seeker only what may be known is left. What is neither text nor a plain number is blanked (a seeker's
    numbers, too), so that it is still seen to be wrong.
    """
    record: dict[str, object] = {name: value for name in _COPIED if (value := fields.get(name)) is not None}
    stated = fields.get("status")
    if isinstance(stated, str) and stated.casefold() == "removed":
        record["event"] = "removed"
    own = fields.get("source")
    record["source"] = source if own is None else own
    named = record["source"] if isinstance(record["source"], str) else source
    given = fields.get("side")
    record["side"] = side if given is None else given
    identity = bare_id(identify(named, fields))
    offer = record["side"] == "offer"
    texts = {name: value for name, value in record.items() if isinstance(value, str)}
    about = {name: scrub(texts.pop(name)) for name in _ABOUT if name in texts}
    others = {name: value for name, value in record.items() if not isinstance(value, str)}
    blanks = {name: value if offer and _plain(value) else False for name, value in others.items()}
    record = {**about, **(uncontacted(texts) if offer else anonymous(texts)), **blanks}
    record["id"] = identity
    return record


def _plain(value: object) -> bool:
    """Whether a value that is no text is a number, and none that could be called."""
    return isinstance(value, int | float) and scrub(told := str(value)) == told


def _encoded(record: Mapping[str, object]) -> bytes:
    try:
        return _ENCODER.encode(record)
    except OverflowError:  # an integer beyond 64 bits, which JSON allows
        return json.dumps(record, ensure_ascii=False).encode()


def _unreadable(row: Row, source: str, side: Side, place: int) -> Sighting:
    """Return a row that is no object: its bytes without contacts; of what may be a job seeker's only the hash."""
    if row.reject and row.reject.length >= 0:
        return Sighting(place, b"", b"", row.reject.withheld() if side == "seeker" else row.reject.scrubbed())
    digest = hashlib.blake2b(row.data, digest_size=16).hexdigest()
    value = cleared(row.data)
    if side == "seeker" or b"seeker" in row.data:
        value = _ENCODER.encode({"unreadable": digest, "length": len(row.data)})
    return Sighting(place, f"{source}\tx:{digest}".encode(), value)


@lru_cache(maxsize=4096)
def _micros(time: str) -> int | None:
    at = instant(time)
    return None if at is None else (at - EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def _canonical(time: str) -> str:
    at = instant(time)
    return time if at is None else at.isoformat().replace("+00:00", "Z")
