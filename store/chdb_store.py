"""ClickHouse inside this process (chDB): nothing to install, one directory, one process a directory."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from queue import LifoQueue
from typing import Protocol, cast

import orjson
from chdb.session import Session as ChdbSession

from store import Row, StoreError, StoreRefused, StoreUnavailable
from store.errors import error_of
from store.values import bind, from_json, plain

READERS = 3
"""Sessions kept beside the writer's. Two sessions run side by side (5 ms for a query beside one of 7 s); one waits."""

SESSION_SETTINGS = ("SET async_insert = 0", "SET max_threads = 2")


class Answer(Protocol):
    """What chDB answers with."""

    def bytes(self) -> bytes:
        """Return the rows in the format asked for."""
        ...


class Inserter(Protocol):
    """A streaming INSERT of chDB: what was appended is there after `finish`, or not at all."""

    def append(self, data: bytes) -> None:
        """Add rows."""
        ...

    def finish(self) -> object:
        """Write them."""
        ...


class Session(Protocol):
    """What is used of a chDB session (the package has no types of its own for it)."""

    def query(self, sql: str, fmt: str = "CSV") -> Answer:
        """Run one statement."""
        ...

    def send_insert(self, query: str, fmt: str) -> AbstractContextManager[Inserter]:
        """Begin an INSERT."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


_CODE = re.compile(r"Code: (\d+)\.")


class ChdbStore:
    """A Store in `directory`, which is created. Raises StoreUnavailable when another process holds the directory."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._readers: LifoQueue[Session] = LifoQueue()
        self._writers: LifoQueue[Session] = LifoQueue()
        for pool, size in ((self._writers, 1), (self._readers, READERS)):
            for _ in range(size):
                pool.put(_open(directory))

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """See Store."""
        with _session(self._readers) as session:
            answer = orjson.loads(session.query(bind(sql, parameters), "JSONCompact").bytes())
        data = answer["data"]
        readers = [from_json(column["type"]) for column in answer["meta"]]
        if any(readers):
            data = [[read(value) if read else value for read, value in zip(readers, row, strict=True)] for row in data]
        return [tuple(row) for row in data]

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """See Store."""
        if not rows:
            return
        # Times as whole seconds; the format wants rows with commas between them, and no brackets around.
        data = orjson.dumps(rows, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME)[1:-1]
        with (
            _session(self._writers) as session,
            session.send_insert(f"INSERT INTO {table} ({', '.join(columns)})", "JSONCompactEachRow") as inserter,
        ):
            inserter.append(data)
            inserter.finish()

    def command(self, sql: str) -> None:
        """See Store."""
        with _session(self._writers) as session:
            session.query(sql)

    def close(self) -> None:
        """See Store. Waits for the calls in flight."""
        for pool, size in ((self._writers, 1), (self._readers, READERS)):
            for _ in range(size):
                pool.get().close()


def _open(directory: Path) -> Session:
    try:
        session = cast("Callable[[str], Session]", ChdbSession)(str(directory))
        for setting in SESSION_SETTINGS:
            session.query(setting)
    except Exception as error:  # chDB raises its own and RuntimeError alike
        raise StoreUnavailable(f"cannot open {directory} (does another process hold it?): {error}") from error
    return session


@contextmanager
def _session(pool: LifoQueue[Session]) -> Iterator[Session]:
    session = pool.get()
    try:
        yield session
    except StoreError:
        raise
    except RuntimeError as error:  # ChdbError is one; a streaming insert raises the plain one
        found = _CODE.search(str(error))
        raise error_of(int(found.group(1)), str(error)) if found else StoreRefused(str(error)) from error
    finally:
        pool.put(session)
