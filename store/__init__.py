"""The store: ClickHouse behind one small interface. chDB in process by default, a driver when a server is named.

Exceptions::

    StoreError
    ├── StoreUnavailable    it cannot be reached or has no room now: the same call may succeed later
    ├── StoreRefused        it understood and refused: the same call will fail again (a defect, or a wrong setting)
    └── MigrationRefused    the tables are not those that this version of Marsad knows (store.migrate)
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

Row = tuple[object, ...]


class StoreError(Exception):
    """Anything that the store answers instead of rows. `code` is ClickHouse's error number, 0 where there is none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class StoreUnavailable(StoreError):  # noqa: N818 - named by what the caller must know, not by its kind
    """The store cannot be reached, or cannot do this now: retry later."""


class StoreRefused(StoreError):  # noqa: N818
    """The store refused a statement: retrying it is of no use."""


class MigrationRefused(StoreError):  # noqa: N818
    """The tables in the store are not those that the numbered files describe."""


class Store(Protocol):
    """A ClickHouse to write to and read from. Methods block: call them in a thread; several threads may.

    Raises StoreUnavailable (retry later) when it cannot be reached, StoreRefused (a defect) when it refuses.
    """

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Return the rows of a SELECT, its `%(name)s` placeholders bound from `parameters`; times are aware UTC.

        A DateTime column must name its zone (`DateTime('UTC')`): one without is StoreRefused, for its meaning would
        hang on the server's settings.
        """
        ...

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows into `table`, in the order of `columns`; returns once the store has them.

        Times are aware datetimes (whole seconds are kept). The rows of one call become visible together.
        """
        ...

    def command(self, sql: str) -> None:
        """Run a statement that returns nothing."""
        ...

    def close(self) -> None:
        """Release the server or the directory."""
        ...
