"""A sitemap and its pages over HTTP: a page is read when it is new, when its lastmod moved, and once a day."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import msgspec

from producers.checkpoint import Checkpoint, Page
from producers.jsonld.parse import Listed, parse, sitemap
from producers.listing import Batch, Sweep
from producers.shape import Reject
from producers.sources import JsonLdSource
from producers.web.failure import Disallowed, Gone, Missing, TooLarge, Unavailable
from producers.web.fetch import Clock, Web

TRIES = 3
"""Times that a page is asked for on end before it is left for the next day."""

SITEMAPS = 1000
"""Sitemaps of one index that are read."""


@dataclass
class _Listing:
    """What the sitemaps list: pages by address; `sitemaps` read; `unchanged` when it is what was read last."""

    pages: dict[str, Listed]
    sitemaps: dict[str, Page]
    trouble: str = ""
    unchanged: bool = False


async def fetch(source: JsonLdSource, *, memory: Checkpoint, web: Web, clock: Clock) -> AsyncGenerator[Batch | Sweep]:
    """Read the sitemap, then what is due of its pages. Raises FetchFailed when the host or the sitemap fails.

    A page or a further sitemap that is gone shows nothing; one that fails leaves the sweep incomplete. A sitemap
    that is as it was, all of whose pages were read today, costs its one conditional request.
    """
    today = clock().date().isoformat()
    listing = await _listed(source, web, memory, today)
    if listing.unchanged:
        yield Batch(source.url, (), memory.pages[source.url], unchanged=True)
        yield Sweep(frozenset(memory.pages), full=True, complete=True, atomic=True)
        return
    trouble = listing.trouble
    for entry in listing.pages.values():
        known = memory.pages.get(entry.url)
        if known and known.day == today and known.lastmod == entry.lastmod:
            continue
        page = Page(lastmod=entry.lastmod, day=today)
        try:
            answer = await web.get(source, entry.url)
        except (Missing, Disallowed):
            yield Batch(entry.url, (), page)
            continue
        except (Gone, Unavailable, TooLarge) as failure:
            trouble = str(failure)
            if known is None:
                continue
            yield Batch(entry.url, (), known, unchanged=True)
            continue
        items = parse(answer.body, source=source, url=entry.url, observed_at=clock(), charset=answer.charset)
        if items and all(isinstance(item, Reject) for item in items):
            page = _unread(page, known)
            trouble = f"{entry.url}: cannot be read"
        yield Batch(entry.url, tuple(items), page)
    if not trouble and len(listing.sitemaps) == 1:
        for url, page in listing.sitemaps.items():
            yield Batch(url, (), page)
    pages = frozenset(listing.pages) | frozenset(listing.sitemaps)
    yield Sweep(pages, full=True, complete=not trouble, atomic=True, trouble=trouble)


def _unread(page: Page, known: Page | None) -> Page:
    """Return what is noted of a page that could not be read: it is tried again at the next polls, then the next day."""
    tries = known.count + 1 if known and known.lastmod == page.lastmod else 1
    return msgspec.structs.replace(page, day=page.day if tries >= TRIES else "", count=tries)


async def _listed(source: JsonLdSource, web: Web, memory: Checkpoint, today: str) -> _Listing:
    """Return the pages that the sitemap lists, those with the source's `include`, in its order."""
    included = re.compile(source.include)
    found = _Listing({}, {})
    waiting = [source.url]
    while waiting:
        url = waiting.pop(0)
        if url in found.sitemaps or len(found.sitemaps) >= SITEMAPS:
            continue
        known = memory.pages.get(url, Page())
        asked = known if url == source.url and known.day == today else Page()
        try:
            answer = await web.get(source, url, etag=asked.etag, modified=asked.modified)
        except (Gone, Unavailable, TooLarge) as failure:
            if url == source.url:
                raise
            found.trouble = found.trouble or ("" if isinstance(failure, Missing | Disallowed) else str(failure))
            continue
        if not answer.fresh:
            found.unchanged = True
            break
        found.sitemaps[url] = Page(etag=answer.etag, modified=answer.modified, day=today)
        read = sitemap(answer.body)
        if not read.known:
            if url == source.url:
                raise Unavailable(f"{url}: not a sitemap")
            found.trouble = f"{url}: not a sitemap"
        waiting += read.sitemaps
        found.pages |= {entry.url: entry for entry in read.pages if included.search(entry.url)}
    return found
