"""A feed over HTTP: one conditional request a poll, a full one each day."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

from producers.checkpoint import Checkpoint, Page
from producers.listing import Batch, Sweep
from producers.rss.parse import parse
from producers.shape import Reject
from producers.sources import RssSource
from producers.web.fetch import Web


async def fetch(source: RssSource, *, memory: Checkpoint, web: Web, now: datetime) -> AsyncGenerator[Batch | Sweep]:
    """Read the feed. Raises FetchFailed."""
    today = now.date().isoformat()
    known = memory.pages.get(source.url, Page())
    asked = known if known.day == today else Page()
    answer = await web.get(source, source.url, etag=asked.etag, modified=asked.modified)
    trouble = ""
    if answer.fresh:
        page = Page(etag=answer.etag, modified=answer.modified, day=today)
        items = await asyncio.to_thread(parse, answer.body, source=source, observed_at=now, charset=answer.charset)
        if any(isinstance(item, Reject) and item.reason == "malformed_feed" for item in items):
            trouble, page = f"{source.url}: not a feed", known
        yield Batch(source.url, tuple(items), page)
    else:
        yield Batch(source.url, (), known, unchanged=True)
    yield Sweep(frozenset({source.url}), full=False, complete=not trouble, atomic=True, trouble=trouble)
