"""Sitemaps to addresses, pages to postings by their schema.org JobPosting, as JSON-LD or as microdata. Pure.

JSON is read as pages really write it.
"""

import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser

from producers.jsonld.microdata import microdata
from producers.shape import Field, Reject, posting
from producers.sources import JsonLdSource
from producers.text import plain, repair
from producers.web.parse import NotText, text_of
from schemas.messages import Posting

_LOC = re.compile(r"<(?:\w{1,32}:)?loc\b[^<>]*>([^<]*)<")
_LASTMOD = re.compile(r"<(?:\w{1,32}:)?lastmod\b[^<>]*>([^<]*)<")
_WRAPPED = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?://\s*)?(?:-->|\]\]>)\s*$")
_TRAILING = re.compile(r",\s*(?=[}\]])")
_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])')
_QUOTE = re.compile(r'(?<!\\)"')
_ENDS = re.compile(r"\s*(?:[:}\]]|,\s*(?:$|[{\[\d]|true|false|null))")
_HOME = frozenset({"ma", "mar", "maroc", "morocco", "المغرب", "royaume du maroc", "kingdom of morocco"})
DEPTH = 32
TAGS = 50_000
"""Tags of a page that is read: the parser's time grows with the square of their nesting (3 s here)."""
INFLATED = 200_000_000
"""Bytes that a compressed sitemap may hold; the protocol allows 50 MB a file."""


@dataclass(frozen=True)
class Listed:
    """An address in a sitemap, with the last modification that it states, as written (empty: none)."""

    url: str
    lastmod: str = ""


@dataclass(frozen=True)
class Sitemap:
    """A sitemap: pages, or further sitemaps. `known` is false when the document is neither."""

    pages: tuple[Listed, ...] = ()
    sitemaps: tuple[str, ...] = ()
    known: bool = True


def sitemap(body: bytes) -> Sitemap:
    """Return the addresses of a sitemap or a sitemap index, plain or gzip. No entity is ever expanded."""
    if body.startswith(b"\x1f\x8b"):
        try:
            body = _inflate(body)
        except (OSError, EOFError, zlib.error):
            return Sitemap(known=False)
    try:
        text = text_of(body, None).replace("<![CDATA[", "").replace("]]>", "")
    except NotText:
        return Sitemap(known=False)
    if not re.search(r"<\s*(?:\w+:)?(?:urlset|sitemapindex)\b", text):
        return Sitemap(known=False)
    return Sitemap(pages=tuple(_entries(text, "url")), sitemaps=tuple(entry.url for entry in _entries(text, "sitemap")))


def _inflate(body: bytes) -> bytes:
    inflated = zlib.decompressobj(wbits=31).decompress(body, INFLATED + 1)
    if len(inflated) > INFLATED:
        raise gzip.BadGzipFile("too large")
    return inflated


def _entries(text: str, element: str) -> Iterator[Listed]:
    """Give the entries of a sitemap's text, by plain search: what is hostile in it stays text."""
    for entry in re.split(rf"<(?:\w{{1,32}}:)?{element}\b", text)[1:]:
        where, when = _LOC.search(entry), _LASTMOD.search(entry)
        if where and (url := html.unescape(where[1]).strip()):
            yield Listed(url, when[1].strip() if when else "")


def parse(
    body: bytes, *, source: JsonLdSource, url: str, observed_at: datetime, charset: str | None = None
) -> list[Posting | Reject]:
    """Return the postings of the page at `url`, a Reject for each that cannot be read; none when it holds none."""
    try:
        text = text_of(body, charset)
    except NotText as wrong:
        return [Reject("invalid_utf8", body, str(wrong))]
    if text.count("<") > TAGS:
        return [Reject("malformed_jsonld", body, f"over {TAGS} tags")]
    found: list[Posting | Reject] = []
    page = LexborHTMLParser(text)

    def made(node: Mapping[str, object]) -> Posting | Reject:
        return posting(
            fields(node, url),
            source=source.name,
            side=source.side,
            observed_at=observed_at,
            data=json.dumps(node, ensure_ascii=False).encode("utf-8", "replace"),
        )

    for script in page.css('script[type*="ld+json" i]'):
        written = script.text()
        try:
            data = loads(written)
        except ValueError as wrong:
            if "JobPosting" in written:
                found.append(Reject("malformed_jsonld", written.encode("utf-8", "replace"), str(wrong)[:200]))
            continue
        found += [made(node) for node in job_postings(data)]
    if not found and "JobPosting" in text:
        found = [made(node) for node in microdata(page)]
    return found


def loads(text: str) -> object:
    """JSON as pages write it, repaired step by step until it is some.

    Raw newlines inside strings, comment or CDATA wrappers, commas before a closing bracket, entities in place of
    quotes, escapes that JSON has not, quotes inside strings. Raises ValueError for what is beyond that, nesting
    without end included.
    """
    text = _WRAPPED.sub("", text).strip().rstrip(";")
    wrong: ValueError | None = None
    for repaired in (str, _commas, _entities, _escapes, _quotes):
        try:
            return json.loads(repaired(text), strict=False)
        except RecursionError:
            raise ValueError("nested too deep") from None
        except ValueError as error:
            wrong = wrong or error
    raise wrong or ValueError("no JSON")


def _commas(text: str) -> str:
    return _TRAILING.sub("", text)


def _entities(text: str) -> str:
    return _commas(html.unescape(text)) if "&quot;" in text else _commas(text)


def _escapes(text: str) -> str:
    return _ESCAPE.sub("", _commas(text))


def _quotes(text: str) -> str:
    """Escape the quotes inside strings: those after which no string can end."""
    parts: list[str] = []
    inside = False
    first, *pieces = _QUOTE.split(_escapes(text))
    parts.append(first)
    for following in pieces:
        if inside and not _ENDS.match(following):
            parts.append('\\"')
        else:
            parts.append('"')
            inside = not inside
        parts.append(following)
    return "".join(parts)


def job_postings(data: object, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """Every JobPosting in JSON-LD `data`: at its top, in a list, a `@graph` or under any property."""
    if depth > DEPTH:
        return
    if isinstance(data, list):
        for part in data:
            yield from job_postings(part, depth + 1)
    elif isinstance(data, dict):
        kinds = data.get("@type")
        if any(
            str(kind).rsplit("/", 1)[-1] == "JobPosting" for kind in (kinds if isinstance(kinds, list) else [kinds])
        ):
            yield data
            return
        for part in data.values():
            if isinstance(part, dict | list):
                yield from job_postings(part, depth + 1)


def fields(node: Mapping[str, object], url: str) -> dict[str, object]:
    """Return a JobPosting's properties by the names of a posting's fields.

    `url` is the page's, where the node states none.
    """
    places = _list(node.get("jobLocation"))
    known: dict[Field, object] = {
        "source_id": _value(node.get("identifier")),
        "url": _first_address(node.get("url")) or url,
        "title": _value(node.get("title")) or _value(node.get("name")),
        "company": _value(node.get("hiringOrganization"), "name"),
        "city": _join(_place(place, "addressLocality") for place in places),
        "region_raw": _join(_region(place) for place in places),
        "description": _value(node.get("description")),
        "date_raw": _value(node.get("datePosted")),
        "deadline_raw": _value(node.get("validThrough")),
        "contract_raw": _value(node.get("employmentType")),
        "salary_raw": _salary(node.get("baseSalary")),
        "sector_raw": _value(node.get("industry"), "name"),
        "education_raw": _value(node.get("educationRequirements"), "credentialCategory", "name"),
        "experience_raw": _experience(node.get("experienceRequirements")),
        "skills_raw": _value(node.get("skills"), "name"),
        "positions": _value(node.get("totalJobOpenings")),
    }
    return {field: value for field, value in known.items() if value is not None}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _value(value: object, *names: str) -> str | None:
    """Return the text of a property: itself, several joined, or of an object its `names`, `value` or `name`."""
    match value:
        case bool() | None:
            return None
        case str():
            return plain(repair(value)) or None
        case int() | float():
            return str(value)
        case list():
            return _join(_value(part, *names) for part in value)
        case dict():
            return next((text for name in (*names, "value", "name") if (text := _value(value.get(name)))), None)
    return None


def _first_address(value: object) -> str | None:
    return next((part for part in _list(value) if isinstance(part, str) and part.startswith("http")), None)


def _join(parts: Iterator[str | None]) -> str | None:
    return ", ".join(dict.fromkeys(part for part in parts if part)) or None


def _place(place: object, name: str) -> str | None:
    """Return a part of a place's address; of an address in one text, the locality is that text."""
    address = place.get("address", place) if isinstance(place, dict) else place
    if isinstance(address, list):
        return _join(_place(part, name) for part in address)
    if isinstance(address, str):
        return _value(address) if name == "addressLocality" else None
    return _value(address.get(name)) if isinstance(address, dict) else None


def _region(place: object) -> str | None:
    """Region, and the country where it is another: a job abroad must be seen to be."""
    country = _place(place, "addressCountry")
    abroad = country if country and country.casefold() not in _HOME else None
    return _join(iter((_place(place, "addressRegion"), abroad)))


def _salary(value: object) -> str | None:
    """`6000 - 8000 MAD MONTH` of a MonetaryAmount; a plain text or number as it is."""
    if isinstance(value, list):
        return _join(_salary(part) for part in value)
    if not isinstance(value, dict):
        return _value(value)
    amount = value.get("value")
    inner = amount if isinstance(amount, dict) else value
    bounds = [text for name in ("minValue", "maxValue") if (text := _value(inner.get(name)))]
    money = " - ".join(dict.fromkeys(bounds)) or (
        _value(inner.get("value")) if isinstance(amount, dict) else _value(amount)
    )
    if not money:
        return None
    unit = _value(inner.get("unitText")) or _value(value.get("unitText"))
    return " ".join(
        part for part in (money, _value(value.get("currency")) or _value(inner.get("currency")), unit) if part
    )


def _experience(value: object) -> str | None:
    if isinstance(value, dict) and (months := _value(value.get("monthsOfExperience"))):
        return f"{months} mois"
    return _value(value, "description")
