"""What is known of a source as rows of a compacted topic: each change is a row, and the rows make it again. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import msgspec

from producers.checkpoint import Checkpoint, Hour, Known, Low, Page
from producers.sources import Source
from schemas.messages import CheckpointRow

CHUNK = 2000
"""Ids of a document that one row holds: a document of a million is many rows, of which a batch changes the last."""

_ROW = msgspec.json.Decoder(CheckpointRow)
_KNOWN = msgspec.json.Decoder(Known)
_PAGE = msgspec.json.Decoder(Page)
_IDS = msgspec.json.Decoder(tuple[str, ...])
_ENCODE = msgspec.json.Encoder().encode

K = TypeVar("K")
V = TypeVar("V")
Change = tuple[bytes, bytes | None]


class Sums(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a source as a whole."""

    counts: tuple[int, ...] = ()
    low: tuple[Low, ...] = ()
    last_success: datetime | None = None
    filled: dict[str, float] = {}
    drifted: tuple[str, ...] = ()
    hours: dict[str, Hour] = {}
    lost_since: str = ""


class Tracked(dict[str, V], Generic[V]):
    """A dict that knows which of its keys were set or deleted since it was last asked."""

    def __init__(self) -> None:
        super().__init__()
        self.touched: set[str] = set()

    def __setitem__(self, key: str, value: V) -> None:
        self.touched.add(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.touched.add(key)
        super().__delitem__(key)

    def pop(self, key: str, *default: Any) -> Any:  # noqa: ANN401 (as dict has it)
        """Remove a key and return its value."""
        self.touched.add(key)
        return super().pop(key, *default)

    def update(self, other: Mapping[str, V]) -> None:  # type: ignore[override]
        """Set every key of `other`."""
        self.touched.update(other)
        super().update(other)

    def drain(self) -> set[str]:
        """Return the keys that were touched, and forget that they were."""
        touched, self.touched = self.touched, set()
        return touched


def host_of(source: Source) -> str:
    """Return the host that a source asks, with its port; a local path is a host by itself."""
    url = getattr(source, "url", None)
    return urlsplit(url).netloc.rpartition("@")[2].lower() if url else f"local:{source.name}"


class Ledger:
    """The memory of one source, and what of it is not yet a row. Raises msgspec.MsgspecError on a foreign row."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._items: Tracked[Known] = Tracked()
        self._pages: Tracked[Page] = Tracked()
        self._rejected: Tracked[str] = Tracked()
        self.checkpoint = Checkpoint(pages=self._pages, items=self._items, rejected=self._rejected)
        self._shown: dict[str, tuple[str, ...]] = {}
        self._chunks: dict[str, dict[int, tuple[str, ...]]] = {}
        self._sums = Sums()

    def forget(self) -> None:
        """Forget all that is known of the source: what it shows is new then."""
        for table in (self._items, self._pages, self._rejected):
            for name in list(table):
                del table[name]
        fresh = Checkpoint()
        whole = self.checkpoint
        whole.counts, whole.low, whole.last_success, whole.hours = fresh.counts, fresh.low, None, {}
        whole.filled, whole.drifted, whole.lost_since = {}, fresh.drifted, fresh.lost_since

    def changes(self) -> list[Change]:
        """Return the rows of what changed since the last call; a row without value says that there is none."""
        return [*self._changed()]

    def _changed(self) -> Iterator[Change]:
        for identity in self._items.drain():
            known = self._items.get(identity)
            yield self._row("item", identity, None if known is None else _ENCODE(known))
        for sha256 in self._rejected.drain():
            day = self._rejected.get(sha256)
            yield self._row("reject", sha256, None if day is None else day.encode())
        for name in self._pages.drain():
            page = self._pages.get(name)
            yield from self._listed(name, () if page is None else page.ids)
            yield self._row("page", name, None if page is None else _ENCODE(msgspec.structs.replace(page, ids=())))
        whole = self.checkpoint
        sums = Sums(
            whole.counts, whole.low, whole.last_success, whole.filled, whole.drifted, whole.hours, whole.lost_since
        )
        if sums != self._sums:
            self._sums = sums
            yield self._row("sums", "", _ENCODE(sums))

    def _listed(self, name: str, ids: tuple[str, ...]) -> Iterator[Change]:
        """Return rows of the chunks of a document's ids that are others than before."""
        before = self._shown.get(name, ())
        for start in range(0, max(len(before), len(ids)), CHUNK):
            chunk = ids[start : start + CHUNK]
            if chunk != before[start : start + CHUNK]:
                yield self._row("shown", f"{start // CHUNK}\t{name}", _ENCODE(chunk) if chunk else None)
        if ids:
            self._shown[name] = ids
        else:
            self._shown.pop(name, None)

    def _row(self, part: str, name: str, data: bytes | None) -> Change:
        key = f"{self.source}\t{part}\t{name}".encode()
        if data is None:
            return key, None
        row = CheckpointRow(source=self.source, part=part, name=name, data=data.decode())  # type: ignore[arg-type]
        return key, _ENCODE(row)

    def apply(self, row: CheckpointRow | None, part: str, name: str) -> None:
        """Take a row as it was read back; None where it was deleted."""
        data = None if row is None else row.data
        match part:
            case "item":
                _put(self._items, name, None if data is None else _KNOWN.decode(data))
            case "reject":
                _put(self._rejected, name, data)
            case "page":
                _put(self._pages, name, None if data is None else _PAGE.decode(data))
            case "shown":
                number, _, page = name.partition("\t")
                _put(self._chunks.setdefault(page, {}), int(number), None if data is None else _IDS.decode(data))
            case "sums" if data is not None:
                self._sums = msgspec.json.decode(data, type=Sums)
                self.checkpoint.counts, self.checkpoint.low = self._sums.counts, self._sums.low
                self.checkpoint.last_success = self._sums.last_success
                self.checkpoint.filled, self.checkpoint.drifted = self._sums.filled, self._sums.drifted
                self.checkpoint.hours, self.checkpoint.lost_since = self._sums.hours, self._sums.lost_since

    def restored(self) -> None:
        """Put together what the rows told, once all of them are applied."""
        for name, chunks in self._chunks.items():
            ids = tuple(one for _, chunk in sorted(chunks.items()) for one in chunk)
            if name in self._pages and ids:
                self._pages[name] = msgspec.structs.replace(self._pages[name], ids=ids)
                self._shown[name] = ids
        self._chunks.clear()
        for table in (self._items, self._pages, self._rejected):
            table.drain()


def _put(table: dict[K, V], name: K, value: V | None) -> None:
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value


class Ledgers:
    """The sources of one partition, put together from its rows."""

    def __init__(self) -> None:
        self._known: dict[str, Ledger] = {}

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record. Raises msgspec.MsgspecError or ValueError when it is no such row."""
        source, part, name = key.decode().split("\t", 2)
        row = None if value is None else _ROW.decode(value)
        self.of(source).apply(row, part, name)

    def restored(self) -> None:
        """All records are applied."""
        for ledger in self._known.values():
            ledger.restored()

    def of(self, source: str) -> Ledger:
        """Return a source's ledger, a new one where nothing is known of it."""
        return self._known.setdefault(source, Ledger(source))
