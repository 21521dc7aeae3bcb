from pathlib import Path

import pytest

from store import MigrationRefused
from store.migrate import Applied, Migration, Statement, load, parse, pending

OLD, NEW = (18, 16), (26, 9)

PLAIN = Statement("CREATE TABLE a (x UInt8)")
EXTRA = Statement("ALTER TABLE a MODIFY COLUMN x UInt8 CODEC(T64)", since=(20, 1))
FILES = (Migration(1, "a", "sum-a", (PLAIN, EXTRA)), Migration(2, "b", "sum-b", (PLAIN,)))


def test_statements_end_at_a_semicolon_and_lose_their_comments() -> None:
    """A statement may span lines; comments go, a semicolon inside a line stays."""
    text = (
        "-- why\nCREATE TABLE a (\n    x String DEFAULT ';', -- one\n    y UInt8\n);\n\n"
        "-- since 20.1:\nALTER TABLE a\n  DROP;\n"
    )
    assert parse("f", text) == (
        Statement("CREATE TABLE a (\n    x String DEFAULT ';',\n    y UInt8\n)"),
        Statement("ALTER TABLE a\n  DROP", (20, 1)),
    )


@pytest.mark.parametrize("text", ["SELECT 1", "SELECT 1;\n-- since 20.1:\n"])
def test_an_unfinished_statement_is_refused(text: str) -> None:
    """A file whose last statement has no end is refused rather than half applied."""
    with pytest.raises(MigrationRefused, match="does not end"):
        parse("0001_a.sql", text)


def test_an_old_server_gets_the_plain_statements_only() -> None:
    """What only newer servers have is left out on an old one."""
    assert pending(FILES, [], OLD) == [(FILES[0], (PLAIN,)), (FILES[1], (PLAIN,))]


def test_a_new_server_gets_everything_in_order() -> None:
    """A new server runs each file's statements in the order in which they stand."""
    assert pending(FILES, [], NEW)[0] == (FILES[0], (PLAIN, EXTRA))


def test_what_was_applied_is_not_applied_again() -> None:
    """With every file applied on this version nothing is left to do."""
    applied = [Applied(1, "a", "sum-a", NEW), Applied(2, "b", "sum-b", NEW)]
    assert pending(FILES, applied, NEW) == []


def test_an_upgraded_server_catches_up_on_the_extras() -> None:
    """After an upgrade only the statements that the old server could not run are run."""
    applied = [Applied(1, "a", "sum-a", OLD), Applied(2, "b", "sum-b", OLD)]
    assert pending(FILES, applied, NEW) == [(FILES[0], (EXTRA,))]


def test_a_changed_file_is_refused() -> None:
    """A file that is not what was applied stops the migration and says what to do."""
    with pytest.raises(MigrationRefused, match=r"0001_a\.sql was changed after it was applied: restore it"):
        pending(FILES, [Applied(1, "a", "another", NEW)], NEW)


def test_a_newer_store_is_refused() -> None:
    """A store that knows more files than this version of Marsad is left alone."""
    with pytest.raises(MigrationRefused, match="0003"):
        pending(FILES, [Applied(3, "c", "sum-c", NEW)], NEW)


def test_a_hole_in_what_was_applied_is_refused() -> None:
    """A store that has a later file without an earlier one was not made by us."""
    with pytest.raises(MigrationRefused, match="0001 was never applied"):
        pending(FILES, [Applied(2, "b", "sum-b", NEW)], NEW)


def test_a_gap_between_files_is_refused(tmp_path: Path) -> None:
    """Numbers run without a gap, and the message names the missing one."""
    for name in ("0001_a.sql", "0003_c.sql"):
        (tmp_path / name).write_text("SELECT 1;\n")
    with pytest.raises(MigrationRefused, match=r"0002 is missing: 0003_c\.sql"):
        load(tmp_path)


def test_a_repeated_number_is_refused(tmp_path: Path) -> None:
    """Two files cannot share a number."""
    for name in ("0001_a.sql", "0001_b.sql"):
        (tmp_path / name).write_text("SELECT 1;\n")
    with pytest.raises(MigrationRefused, match="missing"):
        load(tmp_path)


def test_a_misnamed_file_is_refused(tmp_path: Path) -> None:
    """A file that the numbering does not cover is not silently ignored."""
    (tmp_path / "tables.sql").write_text("SELECT 1;\n")
    with pytest.raises(MigrationRefused, match="NNNN_words"):
        load(tmp_path)


def test_the_projects_own_files_load() -> None:
    """The tables that Marsad ships parse, from 0001 on, and each creates its table harmlessly when repeated."""
    migrations = load()
    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))
    for migration in migrations:
        assert all("IF NOT EXISTS" in one.sql or one.sql.startswith("ALTER") for one in migration.statements)
