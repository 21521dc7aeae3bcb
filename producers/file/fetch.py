"""File drops, local or over HTTP; and files, however large, as lines, or in the order of their own time."""

import asyncio
import hashlib
import heapq
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote, unquote, urljoin, urlsplit

import msgspec

from producers.archive import Sighting, sightings
from producers.checkpoint import Checkpoint, Page
from producers.file.manifest import Claim, manifest
from producers.file.parse import Format, format_of, links, parse
from producers.file.read import Unreadable, records
from producers.listing import Batch, Sweep
from producers.sources import FileSource
from producers.web.failure import FetchFailed, Gone, TooLarge, Unavailable
from producers.web.fetch import Web
from producers.web.parse import NotText, text_of

BATCH = 1000
SORTED = 96_000_000
"""Bytes of records that are sorted in memory before they go to a run on the disk."""

_PACK = msgspec.msgpack.Encoder()
_UNPACK = msgspec.msgpack.Decoder(Sighting)


@dataclass(frozen=True)
class Drop:
    """A file of a source: its name there, where it lies here, and the checkpoint's page that it continues.

    `page` is None when the file was delivered already.
    """

    name: str
    path: Path
    page: Page | None
    form: Format


def ordered(
    path: Path, form: Format, *, source: FileSource, spool: Path, sorted_bytes: int = SORTED, key: bytes = b""
) -> Iterator[Sighting]:
    """Return the sightings of an archive in the order of their times, those of one time in row order.

    Up to `sorted_bytes` are held in memory; more goes to sorted runs under `spool`, which are merged. Raises
    Unreadable.
    """
    found = sightings(
        records(path, form, source), source=source.name, side=source.side, mapping=source.mapping, key=key
    )
    place = attrgetter("at")
    with ExitStack() as opened:
        runs: list[BinaryIO] = []
        spool.mkdir(parents=True, exist_ok=True)
        for chunk, full in _chunks(found, sorted_bytes):
            chunk.sort(key=place)
            if not full and not runs:
                yield from chunk
                return
            run = cast(BinaryIO, opened.enter_context(tempfile.TemporaryFile(dir=spool)))
            for sighting in chunk:
                packed = _PACK.encode(sighting)
                run.write(len(packed).to_bytes(4, "big"))
                run.write(packed)
            run.seek(0)
            runs.append(run)
        yield from heapq.merge(*(_unpacked(run) for run in runs), key=place)


def _chunks(found: Iterator[Sighting], size: int) -> Iterator[tuple[list[Sighting], bool]]:
    """Return runs of sightings of about `size` bytes; the last one, which is smaller, says that it is not full."""
    chunk: list[Sighting] = []
    held = 0
    for sighting in found:
        chunk.append(sighting)
        held += len(sighting.value) + 300  # about what the objects around it take
        if held >= size:
            yield chunk, True
            chunk, held = [], 0
    yield chunk, False


def _unpacked(run: BinaryIO) -> Iterator[Sighting]:
    while head := run.read(4):
        yield _UNPACK.decode(run.read(int.from_bytes(head, "big")))


async def drops(
    source: FileSource, *, memory: Checkpoint, web: Web, spool: Path, today: str
) -> AsyncGenerator[Drop | FetchFailed]:
    """Give the files of a source, one after the other; those over HTTP lie in `spool` until the next is asked for.

    A file that cannot be had, or is not as the manifest says, is its failure; a folder that cannot is raised. One
    that is still being written is left for later. A file that an earlier reading delivered is put away.
    """
    if source.path is not None:
        async for drop in _local_drops(source, Path(source.path), memory, today):
            yield drop
        return
    addresses, claims = await _index(source, web)
    for address in addresses:
        known = memory.pages.get(address)
        asked = known if known and not _due(known, source, today) else Page()
        copy = spool / f"{source.name}-{hashlib.sha256(address.encode()).hexdigest()[:16]}"
        try:
            answer = await web.get(source, address, etag=asked.etag, modified=asked.modified, into=copy)
            if answer.fresh and claims is not None:
                await asyncio.to_thread(_verify, copy, claims[_name(address)])
            now = Page(etag=answer.etag, modified=answer.modified, version=answer.sha256)
            page = _continued(known, now, source, today) if answer.fresh else None
            yield Drop(address, copy, page, _format(urlsplit(address).path))
        except (Gone, TooLarge, Partial) as failure:
            yield failure
        finally:
            copy.unlink(missing_ok=True)


async def _local_drops(
    source: FileSource, path: Path, memory: Checkpoint, today: str
) -> AsyncGenerator[Drop | FetchFailed]:
    claims = await asyncio.to_thread(_claims, source, path)
    for file in await asyncio.to_thread(_local, source, path):
        if claims is not None and file.name not in claims:
            continue
        try:
            stat = file.stat()
        except FileNotFoundError:
            continue  # taken away since the folder was read
        age = time.time() - stat.st_mtime  # the clock that the file's own time is of
        version = f"{stat.st_size}-{stat.st_mtime_ns}"
        known = memory.pages.get(file.name)
        if 0 <= age < source.settle and (known is None or known.version != version):
            continue
        page = _continued(known, Page(version=version), source, today)
        if page is not None and claims is not None:
            try:
                await asyncio.to_thread(_verify, file, claims[file.name])
            except Partial as failure:
                yield failure
                continue
        if page is None and source.processed:
            await asyncio.to_thread(_put_away, file, file.parent / source.processed)
        yield Drop(file.name, file, page, _format(file.name))


class Partial(FetchFailed):
    """A file is not (yet) what the manifest says: it is waited for."""


def _claims(source: FileSource, path: Path) -> dict[str, Claim] | None:
    """Return what the manifest says of each file; None when the source has none. Raises Unavailable without it."""
    if not source.manifest:
        return None
    try:
        return manifest((path / source.manifest).read_bytes())
    except (OSError, ValueError) as error:
        raise Unavailable(f"{path / source.manifest}: {error}") from error


def _verify(path: Path, claim: Claim) -> None:
    try:
        size = path.stat().st_size
        if claim.size is not None and size != claim.size:
            raise Partial(f"{path.name}: {size} of {claim.size} bytes")
        if claim.sha256:
            with path.open("rb") as opened:
                if hashlib.file_digest(opened, "sha256").hexdigest() != claim.sha256:
                    raise Partial(f"{path.name}: not the content that the manifest names")
    except OSError as error:
        raise Partial(f"{path.name}: {error.strerror}") from error


def _put_away(file: Path, folder: Path) -> None:
    """Move a file to `folder`, under another name where one of its name lies there already."""
    folder.mkdir(exist_ok=True)
    place = folder / file.name
    if place.exists():
        place = folder / f"{file.stat().st_mtime_ns}-{file.name}"
    file.replace(place)


def _name(address: str) -> str:
    return unquote(urlsplit(address).path.rsplit("/", 1)[-1])


def _due(known: Page, source: FileSource, today: str) -> bool:
    """Whether a file is to be read although it may be unchanged: cut short, or a full listing seen on another day."""
    return not known.done or (source.full and known.day != today)


def _continued(known: Page | None, now: Page, source: FileSource, today: str) -> Page | None:
    """Return the page from which to go on reading a file that is as `now` says; None when nothing is left of it."""
    now = msgspec.structs.replace(now, done=False)
    if known is None or known.version != now.version:
        return now
    if known.done:
        return now if _due(known, source, today) else None
    return msgspec.structs.replace(now, line=known.line, ids=known.ids)


def _local(source: FileSource, path: Path) -> list[Path]:
    try:
        if path.is_file():
            return [path]
        return sorted(
            file
            for file in path.iterdir()
            if file.is_file()
            and format_of(file.name)
            and not file.name.startswith((".", "~$"))
            and file.name != source.manifest
            and fnmatch(file.name, source.pattern)
        )
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error


async def _index(source: FileSource, web: Web) -> tuple[list[str], dict[str, Claim] | None]:
    """Return the addresses of the files, and what the manifest, if there is one, says of them."""
    url = source.url or ""
    if source.manifest:
        address = urljoin(url, source.manifest)
        answer = await web.get(source, address)
        try:
            claims = manifest(answer.body)
        except ValueError as wrong:
            raise Unavailable(f"{address}: {wrong}") from wrong
        found = [urljoin(answer.url, quote(name)) for name in sorted(claims) if format_of(name)]
    elif format_of(urlsplit(url).path):
        return [url], None
    else:
        claims = None
        answer = await web.get(source, url)
        try:
            found = links(text_of(answer.body, answer.charset), answer.url)
        except NotText as wrong:
            raise Unavailable(f"{url}: {wrong}") from wrong
    return [address for address in found if fnmatch(_name(address), source.pattern)], claims


def _format(name: str) -> Format:
    """Return the format of a file; one that its source names and that says none is NDJSON."""
    return format_of(unquote(name)) or "ndjson"


async def fetch(
    source: FileSource, *, memory: Checkpoint, web: Web, spool: Path, now: datetime
) -> AsyncGenerator[Batch | Sweep]:
    """Read what is new in a live file drop."""
    today = now.date().isoformat()
    names: set[str] = set()
    trouble = ""
    async with aclosing(drops(source, memory=memory, web=web, spool=spool, today=today)) as found:
        async for drop in found:
            if isinstance(drop, FetchFailed):
                trouble = str(drop)
                continue
            names.add(drop.name)
            if drop.page is None:
                yield Batch(drop.name, (), memory.pages[drop.name], unchanged=True)
                continue
            try:
                async for batch in _read(drop, drop.page, source, now):
                    yield batch
            except Unreadable as failure:
                trouble = str(failure)
    if source.processed and not names:
        names = set(memory.pages)  # what was put away still is the latest listing
    yield Sweep(frozenset(names), full=source.full, complete=not trouble, atomic=True, trouble=trouble)


async def _read(drop: Drop, page: Page, source: FileSource, now: datetime) -> AsyncGenerator[Batch]:
    started = page.line > 0
    found = (row for row in records(drop.path, drop.form, source) if row.line > page.line)
    while chunk := await asyncio.to_thread(lambda: list(islice(found, BATCH))):
        page = msgspec.structs.replace(page, line=chunk[-1].line, count=page.count + len(chunk))
        items = tuple(parse(row, source=source, observed_at=now) for row in chunk)
        yield Batch(drop.name, items, page, more=started)
        started = True
    yield Batch(drop.name, (), msgspec.structs.replace(page, done=True, day=now.date().isoformat()), more=started)
