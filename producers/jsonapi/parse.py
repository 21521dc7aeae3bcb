"""A page of a JSON API to postings by the source's mapping. Pure; one bad item costs no other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from producers.shape import Reason, Reject, posting
from producers.sources import JsonSource
from schemas.messages import Posting

_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()


@dataclass(frozen=True)
class JsonPage:
    """A page's items; where the body states them the `last` page number, the `total` of items, the `next` page.

    `known` is false if the body is no such page.
    """

    items: list[Posting | Reject]
    last: int | None = None
    total: int | None = None
    next: str = ""
    known: bool = True


def parse(body: bytes, *, source: JsonSource, observed_at: datetime, link: str = "") -> JsonPage:
    """Return the items of a page; one Reject of the whole when the list is not where the source says.

    `link` is the address that the answer's `Link` header calls the next. A body that is a JSON object a line is read
    as a list of them.
    """
    try:
        raw = _items(body, source.items)
    except (ValueError, KeyError, RecursionError) as wrong:
        reason: Reason = "invalid_utf8" if isinstance(wrong, UnicodeDecodeError) else "malformed_json"
        reject = Reject(reason, body, f"{source.items or 'body'}: {wrong}"[:200])
        return JsonPage([reject.withheld() if source.side == "seeker" else reject], known=False)
    items = [_item(item, source, observed_at) for item in raw]
    paging = source.paging
    if paging is None:
        return JsonPage(items)
    stated = _stated(body) if paging.last or paging.total or paging.next else None
    return JsonPage(
        items,
        last=_number(look(stated, paging.last)) if paging.last else None,
        total=_number(look(stated, paging.total)) if paging.total else None,
        next=_word(look(stated, paging.next)) if paging.next else link if paging.style == "link" else "",
    )


def _items(body: bytes, path: str) -> list[bytes]:
    """Return the bytes of each item, as the body has them; re-encoded only where the body is no strict JSON."""
    if not path and body.lstrip().startswith(b"{") and b"\n{" in body:
        return [line for line in body.splitlines() if line.strip()]
    try:
        step = body
        for name in path.split(".") if path else ():
            step = bytes(_RAW_OBJECT.decode(step)[name])
        return [bytes(item) for item in _RAW_LIST.decode(step)]
    except msgspec.ValidationError as wrong:
        raise ValueError(str(wrong)) from None
    except msgspec.DecodeError:
        found = look(json.loads(body.decode("utf-8"), strict=False), path)
        if not isinstance(found, list):
            raise ValueError("no list") from None  # noqa: TRY004 (what the caller reads is the source's, not ours)
        return [json.dumps(item).encode() for item in found]


def _stated(body: bytes) -> object:
    try:
        return _ANY.decode(body)
    except (ValueError, RecursionError):
        try:
            return json.loads(body, strict=False)
        except (ValueError, RecursionError):
            return None


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _word(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _item(item: bytes, source: JsonSource, observed_at: datetime) -> Posting | Reject:
    def reject(wrong: object) -> Reject:
        reason: Reason = "invalid_utf8" if isinstance(wrong, UnicodeDecodeError) else "malformed_json"
        found = Reject(reason, item, str(wrong)[:200])
        return found.withheld() if source.side == "seeker" else found

    try:
        data = _ANY.decode(item)
    except (ValueError, RecursionError) as wrong:
        return reject(wrong)
    if not isinstance(data, dict):
        return reject("not an object")
    return posting(
        mapped(data, source.mapping),
        source=source.name,
        side=source.side,
        observed_at=observed_at,
        data=item,
        removed=source.removed,
    )


def mapped(data: Mapping[str, object], mapping: Mapping[Any, str]) -> dict[str, object]:
    """Return the fields that `mapping` (field: dotted path) finds in `data`."""
    return {field: value for field, path in mapping.items() if (value := look(data, path)) is not None}


def look(data: object, path: str) -> object:
    """Return what stands at dotted `path` in `data`; a step into a list is taken in each of its members.

    None when nothing does.
    """
    for index, name in enumerate(steps := path.split(".") if path else []):
        if isinstance(data, list):
            rest = ".".join(steps[index:])
            return [found for part in data if (found := look(part, rest)) is not None] or None
        if not isinstance(data, dict):
            return None
        data = data.get(name)
    return data
