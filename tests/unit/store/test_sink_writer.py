from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from schemas.messages import Count
from store import Row, StoreRefused, StoreUnavailable
from streams.sink import writer
from streams.sink.writer import RowsWritten, SinkWriter, StoreAway

AT = datetime(2026, 3, 1, tzinfo=UTC)


class FlakyStore:
    """A store that fails as often as it is told, then keeps what it is given."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.inserted: list[tuple[str, int]] = []

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Fail, or keep."""
        if self.failures:
            raise self.failures.pop(0)
        assert all(len(row) == len(columns) for row in rows)
        self.inserted.append((table, len(rows)))

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Never asked here."""
        raise NotImplementedError

    def command(self, sql: str) -> None:
        """Never asked here."""
        raise NotImplementedError

    def close(self) -> None:
        """Never asked here."""
        raise NotImplementedError


def cells(number: int) -> list[bytes]:
    """So many cells, encoded."""
    return [
        msgspec.json.encode(Count("g", "b", "offer", "25", "MA", "day", AT, 1, 0, 0, version=n, revision=1))
        for n in range(number)
    ]


async def test_an_absent_store_is_waited_for() -> None:
    """Every failure of an unavailable store is followed by a longer wait, and the batch is written in the end."""
    waits: list[float] = []
    facts: list[object] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    store = FlakyStore(*(StoreUnavailable("away") for _ in range(12)))
    await SinkWriter(store, observe=facts.append, sleep=sleep).write("market-counts", cells(3))
    assert store.inserted == [("market_counts", 3)]
    assert len(waits) == 12
    assert waits[0] <= writer.FIRST_WAIT < waits[4] <= writer.LONGEST_WAIT
    assert max(waits) <= writer.LONGEST_WAIT
    assert [fact.attempt for fact in facts if isinstance(fact, StoreAway)] == list(range(1, 13))
    assert [fact.rows for fact in facts if isinstance(fact, RowsWritten)] == [3]


async def test_a_refusal_is_raised() -> None:
    """A store that refuses a batch is a defect: it is raised at once, never retried."""
    store = FlakyStore(StoreRefused("no such column"))
    with pytest.raises(StoreRefused):
        await SinkWriter(store).write("market-counts", cells(1))
    assert store.inserted == []


async def test_a_large_run_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run longer than one insert may be is written as several, none lost."""
    monkeypatch.setattr(writer, "MAX_ROWS", 4)
    store = FlakyStore()
    await SinkWriter(store).write("market-counts", cells(10))
    assert store.inserted == [("market_counts", 4), ("market_counts", 4), ("market_counts", 2)]


async def test_nothing_to_write_writes_nothing() -> None:
    """A run without rows does not touch the store."""
    store = FlakyStore()
    await SinkWriter(store).write("market-counts", [])
    assert store.inserted == []
