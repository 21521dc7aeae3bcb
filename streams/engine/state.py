"""Local state: the rows of one stage partition in RocksDB, and the overlay through which a run sees them."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
from rocksdict import BlockBasedOptions, Options, Rdict, WriteBatch

from streams.engine.marker import Marker

_LOCAL_KEY = b"\x00local"


class Local(msgspec.Struct, frozen=True):
    """What the local rows correspond to: the marker at `marker_offset` of changelog `identity`.

    `saved_at` in epoch seconds.
    """

    identity: str
    marker_offset: int
    marker: Marker
    saved_at: float


_local_decoder = msgspec.json.Decoder(Local)


class LocalState:
    """RocksDB rows and what they correspond to, always written together.

    Raises Exception of rocksdict when unreadable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)
        self._db = Rdict(str(path), _options())

    def local(self) -> Local | None:
        """What the rows correspond to; None for a new or half-restored database."""
        value = self._db.get(_LOCAL_KEY)
        return None if value is None else _local_decoder.decode(value)

    def get(self, key: bytes) -> bytes | None:
        """One row."""
        value: bytes | None = self._db.get(key)
        return value

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """Many rows, None where there is none."""
        return cast(list[bytes | None], self._db.get(cast(list[Any], keys)))

    def after(self, key: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Up to `limit` rows whose key is greater than `key`."""
        found: list[tuple[bytes, bytes]] = []
        for row_key, value in self._db.items(from_key=key):
            # In raw mode keys are bytes; the type also allows what other modes hold.
            if not isinstance(row_key, bytes) or row_key <= key or row_key.startswith(b"\x00"):
                continue
            found.append((row_key, value))
            if len(found) == limit:
                break
        return found

    def write(self, changes: Mapping[bytes, bytes | None], local: Local | None) -> None:
        """Write rows (None deletes) and what they now correspond to, atomically. `local` None: a restore under way."""
        batch = WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        if local is None:
            batch.delete(_LOCAL_KEY)
        else:
            batch.put(_LOCAL_KEY, msgspec.json.encode(local))
        self._db.write(batch)

    def close(self) -> None:
        """Release the directory."""
        self._db.close()

    def discard(self) -> "LocalState":
        """Throw the rows away and start empty in the same directory."""
        self.close()
        return fresh(self._path)


def fresh(path: Path) -> LocalState:
    """An empty database at `path`, whatever was there."""
    shutil.rmtree(path, ignore_errors=True)
    return LocalState(path)


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(32 << 20)
    options.set_max_write_buffer_number(2)
    options.set_max_background_jobs(2)
    options.set_keep_log_file_num(2)
    tables = BlockBasedOptions()
    tables.set_bloom_filter(10, False)  # most keys that a deduplication asks for are new: a filter says so
    options.set_block_based_table_factory(tables)
    options.set_memtable_whole_key_filtering(True)  # and so for the rows that are not in a table yet
    options.set_memtable_prefix_bloom_ratio(0.02)
    return options


class View:
    """The rows as one run sees them: its own writes first, then the flushed ones. Implements `stage.State`."""

    def __init__(self, flushed: LocalState, notes: dict[str, Any]) -> None:
        self._flushed = flushed
        self._read: dict[bytes, bytes | None] = {}
        self.changes: dict[bytes, bytes | None] = {}
        self.notes = notes

    def get(self, key: bytes) -> bytes | None:
        """Value of a row, or None."""
        if key in self.changes:
            return self.changes[key]
        if key in self._read:
            return self._read[key]
        value = self._flushed.get(key)
        self._read[key] = value
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Write a row."""
        self.changes[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a row."""
        self.changes[key] = None

    def prefetch(self, keys: Iterable[bytes]) -> None:
        """Read many rows at once."""
        wanted = [key for key in keys if key not in self._read]
        self._read.update(zip(wanted, self._flushed.get_many(wanted), strict=True))

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """Values of many rows."""
        if not self.changes and not self._read:
            return self._flushed.get_many(list(keys))
        self.prefetch(keys)
        return [self.get(key) for key in keys]

    def put_many(self, rows: Mapping[bytes, bytes]) -> None:
        """Write many rows."""
        self.changes.update(rows)

    def after(self, key: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Up to `limit` flushed rows after `key`."""
        return self._flushed.after(key, limit)


class MemoryState:
    """Rows in a dict: the same State for property tests and for the offline commands, without a database."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.notes: dict[str, Any] = {}

    def get(self, key: bytes) -> bytes | None:
        """Value of a row, or None."""
        return self.rows.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Write a row."""
        self.rows[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a row."""
        self.rows.pop(key, None)

    def prefetch(self, keys: Iterable[bytes]) -> None:
        """Nothing to read ahead."""

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """Values of many rows."""
        return [self.rows.get(key) for key in keys]

    def put_many(self, rows: Mapping[bytes, bytes]) -> None:
        """Write many rows."""
        self.rows.update(rows)

    def after(self, key: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Up to `limit` rows after `key`."""
        return sorted(item for item in self.rows.items() if item[0] > key)[:limit]
