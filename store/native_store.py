"""A ClickHouse server over its native TCP protocol (clickhouse-driver)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, LifoQueue
from urllib.parse import urlsplit, urlunsplit

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ServerException

from store import Row, StoreRefused, StoreUnavailable
from store.errors import error_of
from store.values import bind, insertable, refuse_zoneless

UNKNOWN_DATABASE = 81


class NativeStore:
    """A Store on the server that `url` names: `clickhouse://user:password@host:port/database` (`clickhouses` for TLS).

    Connects when it is first used; the database is created if it is missing. A connection serves one call at a time,
    and is dropped after an error.
    """

    def __init__(self, url: str) -> None:
        Client.from_url(url)  # an address that cannot be understood is said now, not at the first query
        self._url = url
        self._idle: LifoQueue[Client] = LifoQueue()

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """See Store."""
        with self._client() as client:
            rows, columns = client.execute(bind(sql, parameters), with_column_types=True)
        for _, kind in columns:
            refuse_zoneless(kind)
        return list(rows)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """See Store."""
        if rows:
            with self._client() as client:
                client.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES", insertable(rows))

    def command(self, sql: str) -> None:
        """See Store."""
        with self._client() as client:
            client.execute(sql)

    def close(self) -> None:
        """See Store."""
        while True:
            try:
                self._idle.get_nowait().disconnect()
            except Empty:
                return

    def _connect(self) -> Client:
        client = Client.from_url(self._url)
        try:
            client.execute("SELECT 1")
        except ServerException as error:
            if error.code != UNKNOWN_DATABASE:
                raise
            database = client.connection.database
            first = Client.from_url(urlunsplit(urlsplit(self._url)._replace(path="/default")))
            first.execute(f"CREATE DATABASE IF NOT EXISTS `{database}`")
            first.disconnect()
        return client

    @contextmanager
    def _client(self) -> Iterator[Client]:
        client = None
        healthy = False
        try:
            try:
                client = self._idle.get_nowait()
            except Empty:
                client = self._connect()
            yield client
            healthy = True
        except ServerException as error:
            raise error_of(error.code, error.message) from error
        except Error as error:  # the driver's own: its network errors and its refusals carry ClickHouse's codes
            raise error_of(error.code, f"{urlsplit(self._url).hostname}: {error}") from error
        except (OSError, EOFError) as error:
            raise StoreUnavailable(f"{urlsplit(self._url).hostname}: {error}") from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # a value that does not fit its column
            raise StoreRefused(f"{type(error).__name__}: {error}") from error
        finally:
            if client and healthy:
                self._idle.put(client)
            elif client:
                client.disconnect()
