"""A source to its connector: the one place that knows which kind is read by what."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from producers.checkpoint import Checkpoint
from producers.file.fetch import fetch as fetch_files
from producers.html.fetch import fetch as fetch_html
from producers.jsonapi.fetch import fetch as fetch_json
from producers.jsonld.fetch import fetch as fetch_jsonld
from producers.listing import Batch, Sweep
from producers.rss.fetch import fetch as fetch_rss
from producers.shape import Reject
from producers.sources import FileSource, HtmlSource, JsonLdSource, JsonSource, RssSource, Source
from producers.web.fetch import Clock, Web
from schemas.messages import Posting


def parts(source: Source, *, memory: Checkpoint, web: Web, spool: Path, clock: Clock) -> AsyncGenerator[Batch | Sweep]:
    """Read a source once, from what `memory` says on: its batches, and last its sweep. Raises FetchFailed."""
    match source:
        case RssSource():
            return fetch_rss(source, memory=memory, web=web, now=clock())
        case JsonLdSource():
            return fetch_jsonld(source, memory=memory, web=web, clock=clock)
        case JsonSource():
            return fetch_json(source, memory=memory, web=web, clock=clock)
        case HtmlSource():
            return fetch_html(source, memory=memory, web=web, clock=clock)
        case FileSource():
            return fetch_files(source, memory=memory, web=web, spool=spool, now=clock())


@dataclass(frozen=True)
class Collected:
    """What a source shows now, all of it: `complete` if every page of it was read, else `trouble` says why not."""

    postings: tuple[Posting, ...]
    rejects: tuple[Reject, ...]
    complete: bool
    trouble: str = ""


async def collect(source: Source, *, web: Web, spool: Path, clock: Clock) -> Collected:
    """Read a source once from its beginning, and keep what it gives. Raises FetchFailed."""
    postings: list[Posting] = []
    rejects: list[Reject] = []
    async with aclosing(parts(source, memory=Checkpoint(), web=web, spool=spool, clock=clock)) as found:
        async for part in found:
            if isinstance(part, Sweep):
                return Collected(tuple(postings), tuple(rejects), part.complete, part.trouble)
            postings += [item for item in part.items if isinstance(item, Posting)]
            rejects += [item for item in part.items if isinstance(item, Reject)]
    raise AssertionError("a connector ends with its sweep")
