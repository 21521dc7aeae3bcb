from pathlib import Path
from shutil import copytree

import pytest

from store import MigrationRefused, Store
from store.migrate import FOLDER, migrate, server_version

TABLES = ["ads", "generations", "market_alerts", "market_counts", "migrations", "rejects", "source_status", "vacancies"]


def tables(store: Store) -> list[object]:
    """Names of the tables there are."""
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    return [name for (name,) in store.query(sql) if not str(name).startswith(".")]


def test_migrating_twice_applies_each_file_once(bare: Store) -> None:
    """The first run makes every table; the second finds nothing to do."""
    assert len(migrate(bare)) == len(list(FOLDER.glob("*.sql")))
    assert migrate(bare) == []
    assert tables(bare) == TABLES


def test_a_crash_between_two_statements_is_made_good(bare: Store, tmp_path: Path) -> None:
    """A run that failed in the middle of a file runs that file again, harmlessly, once it can go on."""
    folder = tmp_path / "tables"
    copytree(FOLDER, folder)
    last = folder / "0007_source_health.sql"
    whole = last.read_text("utf-8")
    last.write_text(whole.replace("Array(String)", "Array(nonsense)"), "utf-8")
    with pytest.raises(Exception, match="nonsense"):
        migrate(bare, folder)
    last.write_text(whole, "utf-8")
    assert migrate(bare, folder)[0] == "0007_source_health"
    assert migrate(bare, folder) == []


def test_a_changed_file_is_refused_and_nothing_is_run(bare: Store, tmp_path: Path) -> None:
    """A file that was edited after it was applied stops the run before any statement."""
    folder = tmp_path / "tables"
    copytree(FOLDER, folder)
    migrate(bare, folder)
    (folder / "0002_vacancies.sql").write_text("CREATE TABLE other (x UInt8) ENGINE = Log;\n", "utf-8")
    (folder / "0009_new.sql").write_text("CREATE TABLE new (x UInt8) ENGINE = Log;\n", "utf-8")
    with pytest.raises(MigrationRefused, match="0002_vacancies"):
        migrate(bare, folder)
    assert tables(bare) == TABLES


def test_a_new_file_is_applied_after_the_others(bare: Store, tmp_path: Path) -> None:
    """A file that was added later is the only one that runs."""
    migrate(bare)
    folder = tmp_path / "tables"
    copytree(FOLDER, folder)
    (folder / "0009_new.sql").write_text("CREATE TABLE new (x UInt8) ENGINE = Log;\n", "utf-8")
    assert migrate(bare, folder) == ["0009_new"]


def test_extras_are_where_the_server_has_them(bare: Store) -> None:
    """A current engine has the low-cardinality columns and codecs; 18.16 has the plain ones, and the same tables."""
    migrate(bare)
    kinds = dict(
        bare.query("SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'vacancies'")
    )
    expected = "LowCardinality(String)" if server_version(bare) >= (21, 8) else "String"
    assert kinds["side"] == expected
    assert kinds["id"] == "String"
