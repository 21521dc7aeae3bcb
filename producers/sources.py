"""A source is a file: `sources/<any>.toml` says what to read, how often and how its fields are called.

Five kinds, one struct each. A field that is missing, unknown or of a wrong type stops that source alone, with the file
and the field named.
"""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from producers.shape import REMOVED, Control, Field
from schemas.messages import Side

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Address = Annotated[str, msgspec.Meta(pattern=r"^https?://[^/\s]+")]
Seconds = Annotated[float, msgspec.Meta(ge=0.1)]
Folder = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9_-][A-Za-z0-9._-]{0,99})?$")]
MB = 1_000_000
PAUSED = ".paused"
"""How the name of the file ends that pauses a source."""

RESET = ".reset"
"""How the name of the file ends at which what is known of a source is forgotten."""


class SourceError(ValueError):
    """A source file that cannot be used: the message names the file and the field."""


class Paging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the next page is asked for; `parameter` is the query's, or where `address` has a `{page}`, that place's.

    `page`: numbers from `first`, to the one at path `last`. `offset`: multiples of `size` (0: what the first page
    holds) from `first`, to the count of items at path `total`. `cursor`: what stands at path `next` goes into
    `parameter`. `link`: the address at path `next`, or without it the `Link` header's. A page without items, or one
    that repeats the one before, ends every listing.
    """

    style: Literal["page", "offset", "cursor", "link"] = "page"
    parameter: str = "page"
    first: Annotated[int, msgspec.Meta(ge=0)] | None = None
    last: str = ""
    size: Annotated[int, msgspec.Meta(ge=0)] = 0
    total: str = ""
    next: str = ""
    address: str = ""

    @property
    def start(self) -> int:
        """The first value: 1 for pages, 0 for offsets, unless stated."""
        return self.first if self.first is not None else 0 if self.style == "offset" else 1


class Since(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an API is asked for what changed: `parameter` takes the time from which on, in `format`.

    `url` is the address of the changes where it is another than the listing's. A full reading is made every
    `full_every` seconds.
    """

    parameter: str
    format: Literal["rfc3339", "local", "date", "epoch"] = "rfc3339"
    url: Address | None = None
    full_every: Seconds = 86_400.0


class Pick(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a field stands in an item of an HTML list.

    `css` selects the element (empty: the item itself), `attr` takes an attribute in place of its text, `label` the
    text that follows this word in it. Of what is found, `split` and `part` (from 0; negative from the end) keep one
    part, and `pattern`, a regular expression, its first group.
    """

    css: str = ""
    attr: str = ""
    label: str = ""
    split: str = ""
    part: int = 0
    pattern: str = ""


Picks = str | Pick | tuple[str | Pick, ...]
"""One place, or several of which the first that holds something counts; a text is a selector, or `selector@attr`."""


class Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What every kind has. `interval` is seconds between polls, `requests_per_second` the limit on its host.

    `quiet` are the hours of the day in which the host is asked for nothing (`22:00-06:00`, UTC), `contact` whom the
    host can write to, in place of the operator's general contact. `allow_loopback` lets the source lie on this machine
    or in a private network: anything else there is refused.
    """

    name: Name
    side: Side = "offer"
    interval: Seconds = 900.0
    requests_per_second: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 0.5
    timeout: Seconds = 30.0
    max_bytes: Annotated[int, msgspec.Meta(ge=1)] = 64 * MB
    quiet: Annotated[str, msgspec.Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$")] = ""
    contact: Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{0,200}$")] = ""
    allow_loopback: bool = False


class RssSource(Common, frozen=True, tag="rss"):
    """An RSS or Atom feed. `mapping` says where a posting's field stands if the usual elements do not hold it.

    A place is an element, as the feed writes it (`job:ville`), with `@` an attribute of it; or a part of one.
    """

    url: Address
    mapping: dict[Field, Picks] = {}


class JsonLdSource(Common, frozen=True, tag="jsonld"):
    """A sitemap (or index of sitemaps, plain or .gz) whose pages carry schema.org JobPosting, JSON-LD or microdata.

    `include` is a regular expression that an address must hold to be read.
    """

    url: Address
    include: str = ""


class JsonSource(Common, frozen=True, tag="json"):
    """A JSON API: `items` is the dotted path of the list (empty: the body), `mapping` a field's path in an item.

    With `since`, it is read in full now and then, and between for what changed.
    """

    url: Address
    mapping: dict[Field | Control, str]
    items: str = ""
    paging: Paging | None = None
    since: Since | None = None
    removed: tuple[str, ...] = REMOVED


class HtmlSource(Common, frozen=True, tag="html"):
    """A list of ads in HTML pages: `items` selects an ad, `mapping` says where its fields stand.

    `next` selects the link to the next page; `paging` counts pages instead. At most `pages` are read; `full` says
    that they are everything. `empty` selects what a page without ads holds: one that holds neither has changed.
    """

    url: Address
    items: str
    mapping: dict[Field | Control, Picks]
    next: str = ""
    paging: Paging | None = None
    pages: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    full: bool = True
    empty: str = ""
    removed: tuple[str, ...] = REMOVED


class FileSource(Common, frozen=True, tag="file"):
    """A file drop: CSV, NDJSON (plain or .gz), XLSX, Parquet; a local file or folder (`path`), or over HTTP (`url`).

    `pattern` is a glob on file names. `mapping` names the column of each field that is called otherwise. `full`
    says that a file lists everything, so that what a newer version of it leaves out is gone. `archive` says that
    records carry their own observation times (`observed_at`, or `seen_first` and `seen_last`) and are delivered in
    that order, as they are.

    `encoding` and `separator` are a CSV file's (empty: found out), `sheet` the name of a workbook's sheet (empty: the
    first). `manifest` is the name of the file that lists the others with size or SHA-256: what it does not list, or
    not as it is, is waited for. A local file is read when it has not changed for `settle` seconds, and moved to the
    folder `processed` within its own, if one is named, when all of it is delivered.
    """

    url: Address | None = None
    path: str | None = None
    pattern: str = "*"
    mapping: dict[Field | Control, str] = {}
    full: bool = False
    archive: bool = False
    encoding: str = ""
    separator: Annotated[str, msgspec.Meta(max_length=1)] = ""
    sheet: str = ""
    manifest: Folder = ""
    settle: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    processed: Folder = ""
    removed: tuple[str, ...] = REMOVED
    max_bytes: Annotated[int, msgspec.Meta(ge=1)] = 8_000 * MB


Source = RssSource | JsonLdSource | JsonSource | HtmlSource | FileSource
Kind = Literal["rss", "jsonld", "json", "html", "file"]


@dataclass(frozen=True)
class Sources:
    """What a folder of source files holds: the sources by name, and what is wrong with the others by file name.

    `paused` are the names of which a file `<name>.paused` lies there; `files` says which file a source is in.
    """

    found: dict[str, Source]
    wrong: dict[str, str]
    paused: frozenset[str] = frozenset()
    files: dict[str, str] = dataclass_field(default_factory=dict)


def kind(source: Source) -> str:
    """Return the source's kind, as its file writes it."""
    return str(source.__struct_config__.tag)


def parse(name: str, text: str) -> Source:
    """Return the source that file `name` describes. Raises SourceError naming the file and the field."""
    try:
        source: Source = msgspec.toml.decode(text, type=Source)
    except msgspec.ValidationError as error:
        raise SourceError(f"{name}: {_told(error)}") from None
    except msgspec.DecodeError as error:
        raise SourceError(f"{name}: not TOML: {error}") from None
    if problem := _problem(source):
        raise SourceError(f"{name}: {problem}")
    return source


def _problem(source: Source) -> str:
    """Return what is wrong with a source beyond its types; empty when nothing is."""
    match source:
        case RssSource():
            return next(filter(None, (_pattern(field, found) for field, found in source.mapping.items())), "")
        case JsonLdSource():
            return _regex("include", source.include)
        case FileSource():
            return _file_problem(source)
        case JsonSource():
            return _paging_problem(source.paging) if source.mapping else "mapping: is empty"
        case HtmlSource():
            return _html_problem(source)


def _file_problem(source: FileSource) -> str:
    if (source.url is None) == (source.path is None):
        return "url, path: exactly one of the two is needed"
    if source.archive and source.full:
        return "full: an archive is never a full listing"
    if source.processed and source.path is None:
        return "processed: only local files can be moved"
    try:
        codecs.lookup(source.encoding or "utf-8")
    except LookupError:
        return f"encoding: `{source.encoding}` is none that is known"
    return ""


def _paging_problem(paging: Paging | None) -> str:
    if paging is None:
        return ""
    if paging.style == "cursor" and not paging.next:
        return "paging.next: a cursor needs the path at which it stands"
    if paging.address and "{page}" not in paging.address:
        return "paging.address: holds no {page}"
    return ""


def _html_problem(source: HtmlSource) -> str:
    if "title" not in source.mapping:
        return "mapping.title: is missing"
    if source.next and source.paging:
        return "next, paging: one of the two"
    if source.paging and source.paging.style not in {"page", "offset"}:
        return "paging.style: an HTML list has `page` or `offset`"
    selectors = {"items": source.items, "next": source.next, "empty": source.empty}
    for field, found in source.mapping.items():
        for pick in picks(found):
            if problem := _selector(f"mapping.{field}", pick.css) or _pattern(field, pick):
                return problem
    for name, selector in selectors.items():
        if problem := _selector(name, selector):
            return problem
    return _paging_problem(source.paging)


def _regex(name: str, pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"{name}: not a regular expression: {error}"
    return ""


def _pattern(field: str, found: Picks) -> str:
    return next(filter(None, (_regex(f"mapping.{field}", pick.pattern) for pick in picks(found))), "")


def _selector(name: str, selector: str) -> str:
    try:
        if selector:
            LexborHTMLParser("<p>").css(selector)
    except (SelectolaxError, ValueError) as error:
        return f"{name}: not a selector: {error}"
    return ""


def picks(found: Picks) -> tuple[Pick, ...]:
    """Return the places of a field, a text read as `selector` or `selector@attr`."""
    return tuple(
        _pick(one) if isinstance(one, str) else one for one in (found if isinstance(found, tuple) else (found,))
    )


@lru_cache(maxsize=4096)
def _pick(text: str) -> Pick:
    selector, at, attribute = text.rpartition("@")
    return Pick(css=selector.strip(), attr=attribute.strip()) if at else Pick(css=text.strip())


def _told(error: msgspec.ValidationError) -> str:
    message = str(error)
    if found := re.fullmatch(r"(.*) - at (?:`key` in )?`\$\.?(.*)`", message, re.DOTALL):
        return f"{found[2]}: {found[1]}" if found[2] else found[1]
    return message


def read(folder: Path) -> Sources:
    """Every source file of `folder` (none when it does not exist)."""
    texts: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            texts[path.name] = path.read_text("utf-8")
        except (OSError, UnicodeError) as error:
            unreadable[path.name] = f"{path.name}: cannot be read: {error}"
    told = gather(texts)
    paused = frozenset(path.stem for path in folder.glob(f"*{PAUSED}"))
    return replace(told, wrong=told.wrong | unreadable, paused=paused)


def gather(files: Mapping[str, str]) -> Sources:
    """Return the sources of files' texts by file name. The second file of a name is refused."""
    found: dict[str, Source] = {}
    named: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for file, text in files.items():
        try:
            source = parse(file, text)
        except SourceError as error:
            wrong[file] = str(error)
            continue
        if source.name in named:
            wrong[file] = f"{file}: name: `{source.name}` is the name in {named[source.name]} too"
            continue
        named[source.name] = file
        found[source.name] = source
    return Sources(found, wrong, files=named)
