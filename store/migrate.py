"""Applies the numbered table SQL (`schemas/tables/NNNN_*.sql`): each file once, in order, kept with its checksum.

The plain statements of a file run everywhere, back to ClickHouse 18.16. A statement under a line `-- since 20.1:` is
for servers of at least that version; it is applied later when the server was upgraded meanwhile. A file's statements
may run again after a crash between them, so each must be harmless when repeated (`IF NOT EXISTS`, `MODIFY COLUMN`); an
`ADD COLUMN`, one to a statement, is not repeated.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from store import MigrationRefused, Store

FOLDER = Path(__file__).parent.parent / "schemas" / "tables"

Version = tuple[int, int]

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_SINCE = re.compile(r"--\s*since\s+(\d+)\.(\d+)\s*:\s*$")

_ADD = re.compile(r"ALTER TABLE (?P<table>\w+) ADD COLUMN (?P<name>\w+) ")

_CREATE = """
CREATE TABLE IF NOT EXISTS migrations (
    number UInt32, name String, sha256 String, server_major UInt32, server_minor UInt32, version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY number
"""
_APPLIED = "SELECT number, name, sha256, server_major, server_minor FROM migrations FINAL ORDER BY number"


@dataclass(frozen=True)
class Statement:
    """One SQL statement, and the first server version that understands it (None: all)."""

    sql: str
    since: Version | None = None


@dataclass(frozen=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sha256: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Applied:
    """A file as the store remembers it; `server` is the version that it was applied on."""

    number: int
    name: str
    sha256: str
    server: Version


def parse(name: str, text: str) -> tuple[Statement, ...]:
    """Split a file into statements: each ends with `;` at the end of a line.

    Raises MigrationRefused when the last has none.
    """
    statements: list[Statement] = []
    lines: list[str] = []
    since: Version | None = None
    for line in text.splitlines():
        marked = _SINCE.match(line.strip())
        if marked:
            since = (int(marked.group(1)), int(marked.group(2)))
            continue
        code = re.sub(r"(^|\s)--.*$", "", line).rstrip()
        if not code:
            continue
        if code.endswith(";"):
            lines.append(code[:-1])
            statements.append(Statement("\n".join(lines).strip(), since))
            lines, since = [], None
        else:
            lines.append(code)
    if lines or since:
        raise MigrationRefused(f"{name}: the last statement does not end with ';'")
    return tuple(statements)


def load(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Read every migration of `folder` in order. Raises MigrationRefused for a gap or a misnamed file."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        named = _FILE.fullmatch(path.name)
        if not named:
            raise MigrationRefused(f"{path.name}: migrations are named NNNN_words.sql")
        data = path.read_bytes()
        found.append(
            Migration(int(named.group(1)), named.group(2), sha256(data).hexdigest(), parse(path.name, data.decode()))
        )
    for position, migration in enumerate(found, start=1):
        if migration.number != position:
            raise MigrationRefused(
                f"migration {position:04d} is missing: {migration.number:04d}_{migration.name}.sql stands in its place"
            )
    return tuple(found)


def pending(
    files: Sequence[Migration], applied: Sequence[Applied], server: Version
) -> list[tuple[Migration, tuple[Statement, ...]]]:
    """Say what is to be run on `server`: each file with its statements that were not run yet, in order.

    Raises MigrationRefused when the store remembers a file that is not there, or is no longer the same.
    """
    known = {migration.number: migration for migration in files}
    for before in applied:
        migration = known.get(before.number)
        if migration is None:
            raise MigrationRefused(
                f"the store has migration {before.number:04d} ({before.name}), which this version of Marsad does not "
                "know: use the version that made it, or a newer one"
            )
        if migration.sha256 != before.sha256:
            raise MigrationRefused(
                f"{migration.number:04d}_{migration.name}.sql was changed after it was applied: restore it, and write "
                "the change as a new file"
            )
    done = {before.number: before for before in applied}
    for number in range(1, max(done, default=0)):
        if number not in done:
            raise MigrationRefused(
                f"migration {number:04d} was never applied, but later ones were: these tables are not ours"
            )
    plan: list[tuple[Migration, tuple[Statement, ...]]] = []
    for migration in files:
        last = done.get(migration.number)
        statements = tuple(
            statement
            for statement in migration.statements
            if (statement.since is None or statement.since <= server)
            and (last is None or (statement.since is not None and statement.since > last.server))
        )
        if last is None or statements:
            plan.append((migration, statements))
    return plan


def server_version(store: Store) -> Version:
    """Return the major and minor version of the engine behind `store`."""
    major, minor, *_ = str(store.query("SELECT version()")[0][0]).split(".")
    return int(major), int(minor)


def waiting(store: Store, folder: Path = FOLDER) -> list[str]:
    """Names of the files that `migrate` would apply; changes nothing. Raises what `migrate` raises."""
    made = store.query("EXISTS TABLE migrations")[0][0]
    plan = pending(load(folder), _applied(store) if made else [], server_version(store))
    return [f"{migration.number:04d}_{migration.name}" for migration, _ in plan]


def _applied(store: Store) -> list[Applied]:
    return [
        Applied(int(str(number)), str(name), str(digest), (int(str(major)), int(str(minor))))
        for number, name, digest, major, minor in store.query(_APPLIED)
    ]


def _added(store: Store, sql: str) -> bool:
    """Whether a statement adds a column that a run which failed later has added: 18.16 has no `ADD … IF NOT EXISTS`."""
    found = _ADD.match(sql)
    if not found:
        return False
    columns = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = %(table)s"
    return (found["name"],) in store.query(columns, {"table": found["table"]})


def migrate(store: Store, folder: Path = FOLDER) -> list[str]:
    """Bring the tables up to date; returns the names of the files applied now.

    Raises MigrationRefused, and what Store raises.
    """
    files = load(folder)
    server = server_version(store)
    store.command(_CREATE)
    names: list[str] = []
    for migration, statements in pending(files, _applied(store), server):
        for statement in statements:
            if not _added(store, statement.sql):
                store.command(statement.sql)
        store.insert(
            "migrations",
            ("number", "name", "sha256", "server_major", "server_minor", "version"),
            [(migration.number, migration.name, migration.sha256, *server, server[0] * 1000 + server[1])],
        )
        names.append(f"{migration.number:04d}_{migration.name}")
    return names
