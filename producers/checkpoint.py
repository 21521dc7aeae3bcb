"""What a source has delivered: moved only after Kafka acknowledged, so a crash repeats and never loses.

One file a source, replaced in one step. Without it, everything is delivered again.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from producers.facts import CheckpointDiscarded
from schemas.messages import Side

VERSION = 1


class Known(msgspec.Struct, array_like=True, frozen=True):
    """An ad as it was last published: hash of its content (empty once removed), the event day, its side.

    `missing_since` (RFC 3339) is when a full sweep first did not show it.
    """

    hash: str
    day: str
    side: Side
    missing_since: str = ""


class Page(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fetched document: how to ask for it conditionally, when it was read, what it showed.

    `day` is the UTC day of the last full reading, `lastmod` what the sitemap said then. `version` names the content
    of a file, `line` how far it was delivered (rows of a live file, sightings of an archive), `done` that this was
    all. `last` and `next` are what a page said of those after it.
    """

    etag: str = ""
    modified: str = ""
    lastmod: str = ""
    day: str = ""
    version: str = ""
    line: int = 0
    done: bool = True
    count: int = 0
    last: int | None = None
    next: str = ""
    ids: tuple[str, ...] = ()


class Low(msgspec.Struct, array_like=True, frozen=True):
    """A sweep that was not believed: when (RFC 3339), and how many ads it showed."""

    at: str
    seen: int


class Hour(msgspec.Struct, array_like=True, frozen=True):
    """An hour of the week: the usual count, in how many weeks it was seen, and the last of them (ISO year and week)."""

    count: float
    weeks: int
    last: str


class Checkpoint(msgspec.Struct, omit_defaults=True):
    """The memory of one source. Changed in place by its one task, after the acknowledgement.

    `filled` are the usual shares of fields, `drifted` those that the last reading lost, `lost_since` (RFC 3339) when
    ads without them were first held back.
    """

    v: int = VERSION
    pages: dict[str, Page] = {}
    items: dict[str, Known] = {}
    rejected: dict[str, str] = {}
    counts: tuple[int, ...] = ()
    low: tuple[Low, ...] = ()
    last_success: datetime | None = None
    filled: dict[str, float] = {}
    drifted: tuple[str, ...] = ()
    lost_since: str = ""
    hours: dict[str, Hour] = {}


def read(path: Path, observe: Callable[[object], None]) -> Checkpoint:
    """Return the checkpoint at `path`: empty when there is none, or when it cannot be read (put aside, and told)."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Checkpoint)
        if found.v == VERSION:
            return found
        cause = f"version {found.v}"
    except FileNotFoundError:
        return Checkpoint()
    except (OSError, msgspec.MsgspecError, UnicodeError) as error:
        cause = str(error)
    observe(CheckpointDiscarded(str(path), cause))
    path.replace(path.with_suffix(".unreadable"))
    return Checkpoint()


def write(path: Path, checkpoint: bytes) -> None:
    """Replace the file in one step, on the disk before it counts. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(checkpoint)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class Saver:
    """Writes a checkpoint while a poll runs, as often as takes a twentieth of the time, and when told."""

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._path = path
        self._next = 0.0

    async def due(self) -> None:
        """Write if it is time to."""
        if asyncio.get_running_loop().time() >= self._next:
            await self.now()

    async def now(self) -> None:
        """Write. Raises OSError."""
        clock = asyncio.get_running_loop().time
        started = clock()
        await asyncio.to_thread(write, self._path, msgspec.json.encode(self.checkpoint))
        self._next = clock() + max(0.1, 20 * (clock() - started))
