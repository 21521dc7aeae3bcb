"""A list of ads over HTTP, page after page: conditional requests, a full reading each day."""

import asyncio
from collections.abc import AsyncGenerator

from producers import paging
from producers.checkpoint import Checkpoint, Page
from producers.html.parse import parse
from producers.listing import Batch, Sweep
from producers.paging import Seen
from producers.sources import HtmlSource
from producers.web.failure import Gone, Missing
from producers.web.fetch import Clock, Web


async def fetch(source: HtmlSource, *, memory: Checkpoint, web: Web, clock: Clock) -> AsyncGenerator[Batch | Sweep]:
    """Read the pages. Raises FetchFailed.

    A page that is no page of this list leaves the sweep incomplete; an empty search is told, and is a sweep.
    """
    today = clock().date().isoformat()
    names: list[str] = []
    trouble = note = ""
    versions: set[str] = set()
    read = 0
    promised = False  # whether a page said that there is another
    name = paging.first(source.url, source.paging)
    while name and name not in names and len(names) < source.pages:
        known = memory.pages.get(name, Page())
        asked = known if known.day == today else Page()
        try:
            answer = await web.get(source, name, etag=asked.etag, modified=asked.modified)
        except Gone as failure:
            if not names:
                raise
            ended = isinstance(failure, Missing) and not promised
            trouble = "" if ended else str(failure)
            break
        if answer.fresh:
            page = await asyncio.to_thread(
                parse, answer.body, source=source, url=answer.url, observed_at=clock(), charset=answer.charset
            )
            if page.shape == "unknown" and names and source.paging:
                break  # a page past the last
            if answer.sha256 in versions:
                break  # the host ignores the number of the page
            versions.add(answer.sha256)
            state = Page(etag=answer.etag, modified=answer.modified, day=today, count=len(page.items), next=page.next)
            if page.shape == "unknown":
                trouble, state = f"{name}: not a page of this list, or its markup has changed", known
            elif page.shape == "empty" and not names:
                note = f"{name}: an empty search"
            yield Batch(name, tuple(page.items), state)
        else:
            state = known
            yield Batch(name, (), known, unchanged=True)
        names.append(name)
        if trouble or state.count == 0:
            break
        read += state.count
        seen = Seen(state.count)
        promised = bool(state.next)
        name = state.next or paging.following(source.url, source.paging, index=len(names) - 1, seen=seen, read=read)
    whole = source.full and not (name and name not in names and len(names) >= source.pages)
    yield Sweep(frozenset(names), full=whole, complete=not trouble, atomic=len(names) <= 1, trouble=trouble or note)
