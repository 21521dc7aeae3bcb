import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import Store, StoreRefused, StoreUnavailable
from store.chdb_store import ChdbStore
from store.native_store import NativeStore

TABLE = """
CREATE TABLE things (
    id UInt64, name String, at DateTime('UTC'), maybe Nullable(DateTime('UTC')), tags Array(String), share Float64,
    number Nullable(Int64)
) ENGINE = MergeTree ORDER BY id
"""
COLUMNS = ("id", "name", "at", "maybe", "tags", "share", "number")
AT = datetime(2026, 3, 1, 23, 30, 5, tzinfo=UTC)


def test_rows_come_back_as_they_went_in(bare: Store) -> None:
    """Times come back aware and UTC to the second, absent as None, text with quotes, nulls and newlines unharmed."""
    bare.command(TABLE)
    rows = [
        (1, "d'été \\ \x00 \n مرصد", AT, None, ("a", "b'"), 0.25, None),
        (2, "", AT.replace(year=2100), AT, (), 1.0, -5),
    ]
    bare.insert("things", COLUMNS, rows)
    found = bare.query(f"SELECT {', '.join(COLUMNS)} FROM things ORDER BY id")
    assert [tuple(tuple(v) if isinstance(v, (list, tuple)) else v for v in row) for row in found] == rows
    assert all(row[2].tzinfo is not None and row[2].utcoffset().total_seconds() == 0 for row in found)  # type: ignore[attr-defined]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=30))
def test_a_bound_text_arrives_unchanged(bare: Store, text: str) -> None:
    """Whatever a parameter's text is, the engine reads that text and nothing more."""
    assert bare.query("SELECT %(text)s AS a, length(%(text)s) AS b", {"text": text}) == [(text, len(text.encode()))]


def test_a_bound_time_means_the_same_instant(bare: Store) -> None:
    """A time parameter is an instant, whatever zone the server keeps."""
    bare.command(TABLE)
    bare.insert("things", COLUMNS, [(1, "", AT, None, (), 0.0, None)])
    sql = "SELECT count() FROM things WHERE at = %(at)s AND at >= %(at)s"
    assert bare.query(sql, {"at": AT}) == [(1,)]


def test_a_time_without_a_zone_is_refused(bare: Store) -> None:
    """A DateTime column that does not name its zone is refused: its meaning would hang on the server."""
    with pytest.raises(StoreRefused, match="zone"):
        bare.query("SELECT now()")


@pytest.mark.parametrize("sql", ["SELECT nope", "SELECT * FROM missing", "SELEC 1"])
def test_a_wrong_statement_is_refused(bare: Store, sql: str) -> None:
    """A statement that can never work is StoreRefused, with ClickHouse's code, and the store goes on working."""
    with pytest.raises(StoreRefused) as raised:
        bare.query(sql)
    assert raised.value.code in {47, 60, 62}
    assert bare.query("SELECT 1") == [(1,)]


def test_a_value_that_does_not_fit_is_refused(bare: Store) -> None:
    """Rows that do not fit their columns are a defect; none of the batch is kept."""
    bare.command(TABLE)
    good = (1, "", AT, None, (), 0.0, None)
    with pytest.raises(StoreRefused):
        bare.insert("things", COLUMNS, [good, ("two", "", AT, None, (), 0.0, None)])
    assert bare.query("SELECT count() FROM things") == [(0,)]


def test_nothing_to_insert_is_nothing(bare: Store) -> None:
    """An empty batch is accepted and does nothing."""
    bare.command(TABLE)
    bare.insert("things", COLUMNS, [])
    assert bare.query("SELECT count() FROM things") == [(0,)]


def test_readers_are_not_held_by_a_writer(bare: Store) -> None:
    """Small queries from several threads answer while large batches go in, and see whole batches only."""
    bare.command(TABLE)
    rows = [(number, "x" * 50, AT, None, ("a",), 0.0, None) for number in range(20_000)]
    seen: set[int] = set()
    enough = threading.Event()
    written = []

    def write() -> None:
        while not enough.is_set() and len(written) < 200:
            bare.insert("things", COLUMNS, rows)
            written.append(len(rows))

    writer = threading.Thread(target=write)
    writer.start()
    while len(seen) < 4 and writer.is_alive():
        seen.add(int(bare.query("SELECT count() FROM things")[0][0]))  # type: ignore[call-overload]
        time.sleep(0.005)
    enough.set()
    writer.join()
    assert len(seen) == 4
    assert all(count % 20_000 == 0 for count in seen)
    assert bare.query("SELECT count() FROM things") == [(sum(written),)]


def test_an_absent_server_is_unavailable(tmp_path: Path) -> None:
    """A server that cannot be reached is StoreUnavailable: the caller waits, it does not give up."""
    store = NativeStore("clickhouse://default:@127.0.0.1:1/default")
    for call in (lambda: store.query("SELECT 1"), lambda: store.insert("t", ("a",), [(1,)])):
        with pytest.raises(StoreUnavailable):
            call()
    store.close()
    assert tmp_path.exists()


def test_a_wrong_password_is_refused(clickhouse: str) -> None:
    """A password that is wrong does not become right by waiting."""
    store = NativeStore(clickhouse.replace("default:@", "default:wrong@"))
    with pytest.raises(StoreRefused):
        store.query("SELECT 1")


def test_chdb_keeps_its_rows(tmp_path: Path) -> None:
    """What was inserted is there when the directory is opened again."""
    first = ChdbStore(tmp_path / "store")
    first.command(TABLE)
    first.insert("things", COLUMNS, [(1, "", AT, None, (), 0.0, None)])
    first.close()
    second = ChdbStore(tmp_path / "store")
    assert second.query("SELECT id, at FROM things") == [(1, AT)]
    second.close()


def test_a_directory_has_one_owner(tmp_path: Path) -> None:
    """A directory that cannot be opened, here because another one is open in this process, is unavailable."""
    first = ChdbStore(tmp_path / "one")
    with pytest.raises(StoreUnavailable, match="does another process hold it"):
        ChdbStore(tmp_path / "two")
    first.close()
