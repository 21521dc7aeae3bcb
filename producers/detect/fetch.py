"""An address to the source that follows it: a few polite requests, the kind that tells most, and its file."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from producers.detect import jsonapi, site
from producers.detect.feed import feed, is_feed
from producers.detect.finding import Finding, name_of, place, written
from producers.detect.html import following, listing
from producers.detect.table import table
from producers.file.parse import format_of
from producers.file.read import records
from producers.html.parse import parse as parse_html
from producers.html.pick import document
from producers.jsonapi.parse import parse as parse_items
from producers.jsonld.parse import parse as parse_page
from producers.jsonld.parse import sitemap
from producers.paging import at
from producers.shape import Control, Field, Reject
from producers.sources import Common, FileSource, HtmlSource, JsonLdSource, JsonSource, Picks, RssSource
from producers.text import repair
from producers.web.failure import FetchFailed
from producers.web.fetch import Answer, Clock, Web
from producers.web.parse import NotText, text_of
from schemas.messages import Posting

S = TypeVar("S", bound=Common)

PAGES = 5
"""Pages of a sitemap that are read once it is known which are ads."""

TRIED = 5
"""Ways in which an API's pages may follow that are tried."""

LOOPBACK_PACE = 50.0
"""Requests a second that are proposed for a host on this machine."""


class NothingFound(FetchFailed):
    """No kind of source was found at the address: the message says what was looked for."""


class Checker:
    """Looks at one address. Requests go through `web`, with its limits and rules."""

    def __init__(self, *, web: Web, clock: Clock, spool: Path, allow_loopback: bool = False) -> None:
        self._web = web
        self._clock = clock
        self._spool = spool
        self._loopback = allow_loopback

    async def check(self, url: str) -> Finding:
        """Return the source at `url`. Raises NothingFound, or another FetchFailed when the host does not answer."""
        if format_of(urlsplit(url).path) in {"csv", "xlsx", "parquet"}:
            return await self._file(url)
        answer = await self._get(url)
        return await self._described(url, answer)

    async def _described(self, url: str, answer: Answer) -> Finding:
        body = answer.body
        if sitemap(body).known:
            found = await self._sitemap(url, body)
            if found is None:
                raise NothingFound(f"{url}: a sitemap, none of whose pages holds a schema.org JobPosting")
            return found
        if is_feed(body):
            return self._feed(url, body)
        if jsonapi.is_json(body):
            return await self._api(url, answer)
        return await self._site(url, answer)

    async def _get(self, url: str) -> Answer:
        return await self._web.get(self._paced(RssSource(name="check", url=url)), url)

    def _paced(self, source: S) -> S:
        """Return a source with what its file says of its host where that is this machine: it bears more."""
        if not self._loopback:
            return source
        return msgspec.structs.replace(source, requests_per_second=LOOPBACK_PACE, allow_loopback=True)

    def _feed(self, url: str, body: bytes) -> Finding:
        return feed(body, self._paced(RssSource(name=name_of(url), url=url)), self._clock())

    async def _file(self, url: str) -> Finding:
        source = self._paced(FileSource(name=name_of(url), url=url))
        copy = self._spool / "checked"
        try:
            await self._web.get(source, url, into=copy)
            rows = list(islice(records(copy, format_of(urlsplit(url).path) or "ndjson", source), 40))
        finally:
            copy.unlink(missing_ok=True)
        return table(rows, source, self._clock)

    async def _api(self, url: str, answer: Answer) -> Finding:
        found = jsonapi.api(answer.body, name_of(url), url, self._clock())
        if found is None or not isinstance(found.source, JsonSource):
            raise NothingFound(f"{url}: JSON, but no list of objects with a title in it")
        source = self._paced(found.source)
        first = {posting.id for posting in found.postings}
        for guess in jsonapi.guesses(answer.body, source, answer.link)[:TRIED]:
            paged = msgspec.structs.replace(source, paging=guess.paging)
            try:
                second = await self._get(guess.second)
            except FetchFailed:
                continue
            if second.sha256 == answer.sha256:
                continue
            items = parse_items(second.body, source=paged, observed_at=self._clock()).items
            shown = {item.id for item in items if isinstance(item, Posting)}
            if shown and not shown <= first:
                paged = await self._counted(paged, first)
                return replace(found, source=paged, items=[*found.items, *items])
        return replace(found, source=source)

    async def _counted(self, source: JsonSource, first: set[str]) -> JsonSource:
        """Return a source whose pages are counted from 0 where page 1 is not the one without a number."""
        paging = source.paging
        if paging is None or paging.style != "page" or paging.parameter in urlsplit(source.url).query:
            return source
        answer = await self._get(at(source.url, paging, str(paging.start)))
        items = parse_items(answer.body, source=source, observed_at=self._clock()).items
        if first & {item.id for item in items if isinstance(item, Posting)}:
            return source
        return msgspec.structs.replace(source, paging=msgspec.structs.replace(paging, first=0, last=""))

    async def _sitemap(self, url: str, body: bytes) -> Finding | None:
        """Return the source of a sitemap whose pages hold postings; None when a few of each kind hold none."""
        listed = sitemap(body)
        pages = list(listed.pages)
        for address in site.likely(listed.sitemaps)[:3]:
            try:
                pages += sitemap((await self._get(address)).body).pages
            except FetchFailed:
                continue
        for include, addresses in site.groups(pages):
            source = self._paced(JsonLdSource(name=name_of(url), url=url, include=include))
            items = await self._pages(source, _spread(addresses, 2))
            if any(isinstance(item, Posting) for item in items):
                items += await self._pages(source, _spread(addresses, PAGES + 2)[2:])
                mapped = {
                    name: "schema.org JobPosting"
                    for name in Posting.__struct_fields__
                    if name not in _OURS and any(isinstance(item, Posting) and getattr(item, name) for item in items)
                }
                return Finding(source, items, mapped)
        return None

    async def _pages(self, source: JsonLdSource, addresses: Sequence[str]) -> list[Posting | Reject]:
        items: list[Posting | Reject] = []
        for address in addresses:
            try:
                answer = await self._web.get(source, address)
            except FetchFailed:
                continue
            items += parse_page(
                answer.body, source=source, url=address, observed_at=self._clock(), charset=answer.charset
            )
        return items

    async def _site(self, url: str, answer: Answer) -> Finding:
        """Return what tells most of a page's ads: the sitemap of its site, a feed that it names, or the page itself."""
        try:
            text = repair(text_of(answer.body, answer.charset))
        except NotText as wrong:
            raise NothingFound(f"{url}: {wrong}") from wrong
        page = document(text)
        if page is None:
            raise NothingFound(f"{url}: a page with too many elements")
        found: list[Finding] = []
        if (own := self._list(url, answer, text)) is not None:
            found.append(own)
        for address in site.feeds(page, answer.url)[:2]:
            try:
                body = (await self._get(address)).body
            except FetchFailed:
                continue
            if is_feed(body):
                found.append(self._feed(address, body))
        if not any(one.worth > 2.7 for one in found):
            found += await self._sitemaps(answer.url)
        useful = [one for one in found if one.useful]
        if not useful:
            lacking = ", ".join(max(found, key=lambda one: one.worth).lacking) if found else ""
            what = f"its list of ads lacks {lacking} for most" if lacking else "no list of ads was found in it"
            raise NothingFound(f"{url}: an HTML page; {what}, and neither a feed nor a sitemap with JobPostings")
        return max(useful, key=lambda one: round(one.worth, 1))

    async def _sitemaps(self, url: str) -> list[Finding]:
        try:
            robots = text_of((await self._get(urljoin(url, "/robots.txt"))).body, None)
        except (FetchFailed, NotText):
            robots = ""
        for address in (site.sitemaps_of(robots, url) or [urljoin(url, "/sitemap.xml")])[:2]:
            try:
                body = (await self._get(address)).body
            except FetchFailed:
                continue
            if sitemap(body).known and (found := await self._sitemap(address, body)):
                return [found]
        return []

    def _list(self, url: str, answer: Answer, text: str) -> Finding | None:
        page = document(text)
        if page is None or (found := listing(page)) is None:
            return None
        link, paging = following(page, answer.url)
        mapping: dict[Field | Control, Picks] = {name: written(pick) for name, pick in found.mapping.items()}
        source = self._paced(
            HtmlSource(name=name_of(url), url=url, items=found.items, mapping=mapping, next=link, paging=paging)
        )
        items = parse_html(
            answer.body, source=source, url=answer.url, observed_at=self._clock(), charset=answer.charset
        ).items
        mapped = {str(name): place(pick) for name, pick in found.mapping.items()}
        return Finding(source, items, mapped, found.unmapped)


_OURS = frozenset({"source", "id", "side", "observed_at", "v", "event"})


def _spread(addresses: Sequence[str], count: int) -> list[str]:
    """Return `count` addresses from all over a list."""
    step = max(1, len(addresses) // count)
    return list(addresses[::step][:count])
