"""The two engines behind the store, each test with tables of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from store import Store
from store.connect import connect

ENGINES = ("chdb", "server")


@contextmanager
def engine(name: str, folder: Path, server_url: str) -> Iterator[Store]:
    """Open an empty store: chDB in `folder`, or a database of its own on the real server, dropped at the end."""
    if name == "chdb":
        store = connect(None, folder / "store")
        yield store
        store.close()
        return
    database = f"test_{uuid4().hex[:12]}"
    store = connect(urlunsplit(urlsplit(server_url)._replace(path=f"/{database}")), folder)
    yield store
    store.command(f"DROP DATABASE {database}")
    store.close()
