"""A JSON API over HTTP, page after page to its end: conditional requests, full readings, and changes between them."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

from yarl import URL

from producers import paging
from producers.checkpoint import Checkpoint, Page
from producers.jsonapi.parse import parse
from producers.listing import Batch, Sweep
from producers.paging import Seen
from producers.shape import Reject
from producers.sources import JsonSource, Since
from producers.web.failure import Gone, Missing
from producers.web.fetch import Clock, Web

PAGES = 100_000
"""No API has more; one that never ends is stopped here."""

OVERLAP = timedelta(minutes=1)
"""How far changes are asked for before the last reading began: the host's clock is not ours."""

FULL = "full reading"
"""The checkpoint's page that tells when everything was last read."""

CHANGES = "changes "
"""What the checkpoint's names of pages of changes begin with: their addresses hold a time and never come again."""


async def fetch(source: JsonSource, *, memory: Checkpoint, web: Web, clock: Clock) -> AsyncGenerator[Batch | Sweep]:
    """Read every page, or what changed. Raises FetchFailed; what is no such page leaves the sweep incomplete."""
    now = clock()
    today = now.date().isoformat()
    delta = source.since if source.since and not _full_is_due(source.since, memory, now) else None
    start = changes(source, delta, memory.last_success or now) if delta else source.url
    names: list[str] = []
    versions: set[str] = set()
    trouble = ""
    read = 0
    promised = False  # whether a page said that there is another
    url = paging.first(start, source.paging)
    while url and len(names) < PAGES:
        name = f"{CHANGES}{len(names)}" if delta else url
        if name in names:
            break
        known = memory.pages.get(name, Page())
        asked = known if known.day == today and not delta else Page()
        try:
            answer = await web.get(source, url, etag=asked.etag, modified=asked.modified)
        except Gone as failure:
            if not names:
                raise
            ended = isinstance(failure, Missing) and not promised
            trouble = "" if ended else str(failure)
            break
        if not answer.fresh:
            state = known
            yield Batch(name, (), known, unchanged=True)
        else:
            found = parse(answer.body, source=source, observed_at=clock(), link=answer.link)
            if found.items and answer.sha256 in versions:
                break  # the API ignores the page parameter
            versions.add(answer.sha256)
            state = Page(
                etag=answer.etag,
                modified=answer.modified,
                day=today,
                count=len(found.items),
                last=found.last if found.last is not None else found.total,
                next=found.next,
            )
            if not found.known or (found.items and all(isinstance(item, Reject) for item in found.items)):
                trouble, state = f"{name}: not a page of items that can be read", known
            yield Batch(name, tuple(found.items), state)
        names.append(name)
        if trouble:
            break
        read += state.count
        seen = Seen(state.count, last=state.last, total=state.last, next=state.next)
        promised = bool(state.next) or state.last is not None
        url = paging.following(start, source.paging, index=len(names) - 1, seen=seen, read=read)
    pages = frozenset(names) | (frozenset(memory.pages) if delta else frozenset())
    if not delta and not trouble and source.since:
        yield Batch(FULL, (), Page(version=now.isoformat()))
        pages |= {FULL}
    yield Sweep(pages, full=not delta, complete=not trouble, atomic=len(names) <= 1, trouble=trouble)


def _full_is_due(since: Since, memory: Checkpoint, now: datetime) -> bool:
    last = memory.pages.get(FULL)
    if last is None or memory.last_success is None:
        return True
    return now - datetime.fromisoformat(last.version) >= timedelta(seconds=since.full_every)


def changes(source: JsonSource, since: Since, last: datetime) -> str:
    """Return the address of what changed since the reading that began at `last`."""
    at = (last - OVERLAP).astimezone(UTC).replace(microsecond=0)
    match since.format:
        case "rfc3339":
            value = at.isoformat().replace("+00:00", "Z")
        case "local":
            value = at.replace(tzinfo=None).isoformat()
        case "date":
            value = at.date().isoformat()
        case "epoch":
            value = str(int(at.timestamp()))
    return str(URL(since.url or source.url).update_query({since.parameter: value}))
