"""An archive into Kafka, in the order of its own time, from where its checkpoint stands."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec

from producers.archive import Sighting
from producers.checkpoint import Page
from producers.facts import ArchiveDelivered
from producers.file.fetch import ordered
from producers.file.parse import Format
from producers.sources import FileSource

CHUNK = 4000


class Sink(Protocol):
    """Where an archive's sightings go."""

    async def sightings(self, source: str, sightings: Sequence[Sighting]) -> None:
        """Take sightings, to be there before anything that is settled after them."""
        ...


async def feed(  # noqa: PLR0913 (what to read, where to, from where on, how fast)
    path: Path,
    form: Format,
    *,
    source: FileSource,
    page: Page,
    publisher: Sink,
    settle: Callable[[Page], Awaitable[None]],
    spool: Path,
    rate: float | None,
    observe: Callable[[object], None],
    key: bytes = b"",
) -> Page:
    """Deliver what `page` says is left of an archive.

    `settle` is called with each page reached, after its sightings are taken. `rate` is sightings a second (None: as
    fast as they are taken), `key` makes pseudonyms of job seekers. Returns the page of the delivered file. Raises
    Unreadable.
    """
    found = islice(ordered(path, form, source=source, spool=spool, key=key), page.line, None)
    size = CHUNK if rate is None else max(1, min(CHUNK, int(rate / 5)))
    loop = asyncio.get_running_loop()
    started, delivered = loop.time(), 0
    chunk = await asyncio.to_thread(lambda: list(islice(found, size)))
    while chunk:
        _, following = await asyncio.gather(
            publisher.sightings(source.name, chunk), asyncio.to_thread(lambda: list(islice(found, size)))
        )
        delivered += len(chunk)
        page = msgspec.structs.replace(page, line=page.line + len(chunk))
        await settle(page)
        observe(ArchiveDelivered(source.name, page.line, done=False))
        if rate is not None:
            await asyncio.sleep(max(0.0, started + delivered / rate - loop.time()))
        chunk = following
    page = msgspec.structs.replace(page, done=True)
    await settle(page)
    observe(ArchiveDelivered(source.name, page.line, done=True))
    return page
