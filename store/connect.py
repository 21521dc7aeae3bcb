"""Which of the two stores a process uses."""

from pathlib import Path

from store import Store


def connect(url: str | None, directory: Path) -> Store:
    """Return the server that `url` names (`clickhouse://…`), else chDB in `directory`.

    Does not touch the network. Raises ValueError for an address that cannot be understood, StoreUnavailable for a
    directory that another process holds.
    """
    if url:
        from store.native_store import NativeStore  # noqa: PLC0415 - each driver is loaded only where it is used

        return NativeStore(url)
    from store.chdb_store import ChdbStore  # noqa: PLC0415 - chDB takes 250 MB and 0.5 s to load

    return ChdbStore(directory)
