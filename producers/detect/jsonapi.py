"""A JSON body that nobody described: where its ads are, what is what in them, how its pages follow. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urljoin, urlsplit

import msgspec

from producers.detect.choose import Candidate, choose, merit
from producers.detect.finding import Finding
from producers.detect.words import tokens
from producers.jsonapi.parse import look, parse
from producers.paging import at
from producers.shape import Control, Field
from producers.sources import JsonSource, Paging

SAMPLED = 40
DEPTH = 6

_LAST = (
    "pages",
    "total pages",
    "last page",
    "page count",
    "nb pages",
    "pages count",
    "num pages",
    "page total",
    "max page",
)
_TOTAL = (
    "total",
    "count",
    "total count",
    "total results",
    "total items",
    "nb hits",
    "total elements",
    "num found",
    "hits",
)
_SIZE = ("per page", "limit", "page size", "size", "pagesize", "rows", "count")
_CURSOR = (
    "next cursor",
    "cursor",
    "next page token",
    "next token",
    "after",
    "end cursor",
    "continuation",
    "next",
    "scroll id",
)
_NUMBER = ("page", "p", "page number", "pagenumber", "current page", "pg", "pagina", "paged")
_OFFSET = ("offset", "start", "skip", "from", "start index", "startat", "first")


def is_json(body: bytes) -> bool:
    """Whether `body` is a JSON object or list, or an object a line."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["} and _read(body) is not None


def _read(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8-sig"), strict=False)
    except (ValueError, RecursionError):
        try:
            return [msgspec.json.decode(line) for line in body.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Guess:
    """A way in which the pages may follow, and the address of the second: to be tried."""

    paging: Paging
    second: str


def api(body: bytes, source_name: str, url: str, observed_at: datetime) -> Finding | None:
    """Return the source that reads a body, without paging; None when it holds no list of objects with a title."""
    data = _read(body)
    best: tuple[float, str, dict[Field, Candidate[str]], list[str]] | None = None
    for path, items in _lists(data):
        candidates = list(_candidates(items))
        chosen = choose(candidates)
        worth = sum(merit(name, chosen[name]) for name in ("title", "city", "date_raw") if name in chosen)
        if "title" in chosen and (best is None or worth > best[0]):
            taken = {candidate.key for candidate in chosen.values()}
            best = worth, path, chosen, [one.key for one in candidates if one.key not in taken]
    if best is None:
        return None
    _, path, chosen, left = best
    mapping: dict[Field | Control, str] = {name: candidate.key for name, candidate in chosen.items()}
    if removed := next(
        (name for name in left if tokens(name) in {("removed",), ("is", "removed"), ("deleted",)}), None
    ):
        mapping["status"] = removed
        left = [name for name in left if name != removed]
    source = JsonSource(name=source_name, url=url, items=path, mapping=mapping)
    found = parse(body, source=source, observed_at=observed_at)
    mapped = {str(name): where for name, where in mapping.items()}
    return Finding(source, found.items[:SAMPLED], mapped, left)


def _lists(data: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Give every list of objects of a body, with its dotted path."""
    if isinstance(data, list):
        items = [item for item in data if isinstance(item, dict)]
        if items and len(items) >= 0.8 * len(data) and all("." not in step for step in path):
            yield ".".join(path), items[:SAMPLED]
    elif isinstance(data, dict) and len(path) < DEPTH:
        for name, part in data.items():
            if isinstance(part, dict | list):
                yield from _lists(part, (*path, name))


def _candidates(items: list[dict[str, object]]) -> Iterator[Candidate[str]]:
    paths: dict[tuple[str, ...], None] = {}
    for item in items:
        for path in _paths(item):
            paths[path] = None
    for order, path in enumerate(paths):
        key = ".".join(path)
        values = tuple(_text(look(item, key)) for item in items)
        yield Candidate(key, (path,), values, {}, order)


def _paths(item: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if len(path) > DEPTH:
        return
    if isinstance(item, dict):
        for name, part in item.items():
            if isinstance(name, str) and "." not in name:
                yield from _paths(part, (*path, name))
    elif isinstance(item, list):
        for part in item[:5]:
            yield from _paths(part, path)
    elif item is not None and path:
        yield path


def _text(value: object) -> str | None:
    if isinstance(value, list):
        return ", ".join(filter(None, (_text(part) for part in value))) or None
    if isinstance(value, bool) or value is None:
        return None
    return str(value).strip() or None


def guesses(body: bytes, source: JsonSource, link: str) -> list[Guess]:
    """Return how the pages may follow, the surest first: as the header or the body says, then as addresses do."""
    data = _read(body)
    stated = list(_scalars(data)) if isinstance(data, dict) else []
    items = look(data, source.items)
    count = len(items) if isinstance(items, list) else 0
    query = dict(parse_qsl(urlsplit(source.url).query, keep_blank_values=True))
    found = [Guess(Paging(style="link"), link)] if link else []
    for path, value in stated:
        found += _stated(source, path, value, query)
    own = [path.rpartition(".")[2] for path, value in stated if isinstance(value, int)]
    offsets = [name for name in (*query, *own) if _is(name, _OFFSET)]
    pages = [name for name in (*query, *own) if _is(name, _NUMBER) and "current" not in tokens(name)]
    last, total = _number(stated, _LAST), _number(stated, _TOTAL)
    more = (last and last[1] > 1) or (total and total[1] > count) or not (last or total)
    ended = total[0] if total else ""
    for name in dict.fromkeys(offsets):
        found.append(_second(source, Paging(style="offset", parameter=name, total=ended), str(count)))
    if more and not found:
        pages += ["page", "p"]
    for name in dict.fromkeys(pages):
        start = int(query[name]) if query.get(name, "").isdecimal() else _current(stated)
        paging = Paging(parameter=name, first=start, last=last[0] if last and start == 1 else "")
        found.append(_second(source, paging, str(start + 1)))
    if more and not offsets:
        usual = [Paging(style="offset", parameter=name, total=ended) for name in ("offset", "start", "skip")]
        found += [_second(source, paging, str(count)) for paging in usual]
    return found


def _stated(source: JsonSource, path: str, value: object, query: Mapping[str, str]) -> list[Guess]:
    """Return what a value beside the list says of the next page: its address, or the cursor to it."""
    if isinstance(value, str) and "next" in tokens(path) and value.startswith(("http", "/", "?")):
        return [Guess(Paging(style="link", next=path), urljoin(source.url, value))]
    if isinstance(value, str | int) and not isinstance(value, bool) and value and _is(path.rpartition(".")[2], _CURSOR):
        cursors = [Paging(style="cursor", parameter=name, next=path) for name in _cursors(path, query)]
        return [_second(source, paging, str(value)) for paging in cursors]
    return []


def _is(name: str, names: tuple[str, ...]) -> bool:
    return " ".join(tokens(name)) in names


def _current(stated: list[tuple[str, object]]) -> int:
    """Return the number of the page that the body says it is; 1 when it does not."""
    found = next(
        (value for path, value in stated if " ".join(tokens(path.rpartition(".")[2])) in {*_NUMBER, "number"}), None
    )
    return found if isinstance(found, int) and found in {0, 1} else 1


def _cursors(path: str, query: Mapping[str, str]) -> list[str]:
    """Return the parameters that may take the cursor at `path`."""
    own = path.rpartition(".")[2]
    words = tokens(own)
    short = "_".join(word for word in words if word != "next")
    usual = [name for name in query if tokens(name) and "cursor" in name.casefold()]
    return list(dict.fromkeys(filter(None, (*usual, short, own, "cursor", "after", "page_token", "pageToken"))))[:5]


def _second(source: JsonSource, paging: Paging, value: str) -> Guess:
    return Guess(paging, at(source.url, paging, value))


def _scalars(data: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    """Give what a body states beside its lists, by dotted path."""
    if isinstance(data, dict) and len(path) < DEPTH:
        for name, part in data.items():
            if isinstance(name, str) and "." not in name:
                yield from _scalars(part, (*path, name))
    elif not isinstance(data, list) and path:
        yield ".".join(path), data


def _number(stated: list[tuple[str, object]], names: tuple[str, ...]) -> tuple[str, int] | None:
    for path, value in stated:
        if (
            " ".join(tokens(path.rpartition(".")[2])) in names
            and isinstance(value, int)
            and not isinstance(value, bool)
        ):
            return path, value
    return None
