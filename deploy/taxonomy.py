"""`marsad taxonomy`: nomenclatures that the user has, kept in the data directory, by which titles are coded as well.

Each import is one file named by its content, so that the taxonomy's name, which every record carries, changes with it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from deploy.datadir import DataDir, open_data_dir
from deploy.errors import TaxonomyError
from deploy.settings import read_settings
from streams.enrich.occupation import lexicon, taxonomies
from streams.enrich.occupation.lexicon import Entry
from streams.enrich.taxonomy import taxonomy_version

REFERENCE = Path(__file__).parent.parent / "schemas" / "reference" / "isco08"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Imported:
    """One imported taxonomy: its name, the digest of its content, and how many titles it has."""

    name: str
    version: str
    titles: int


def build() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(no_args_is_help=True, help="Nomenclatures of your own, by which titles are coded as well.")
    group.command("import-esco")(import_esco)
    group.command("import")(import_table)
    group.command("list")(show)
    group.command("remove")(remove)
    return group


def import_esco(
    folder: Annotated[
        Path, typer.Argument(help="Where ESCO's CSV files were unpacked: occupations_fr.csv and others.")
    ],
) -> None:
    """Add ESCO's labels in French, Arabic and English from files that you downloaded."""
    data = _open()
    if not folder.is_dir():
        raise TaxonomyError(f"{folder} is no directory")
    entries: list[Entry] = []
    read: list[str] = []
    for path in sorted(folder.glob("*.csv")):
        language = taxonomies.language_of(path.name)
        if language in taxonomies.LANGUAGES:
            with _opened(path) as lines:
                entries += taxonomies.esco(lines, language, known_codes())
            read.append(path.name)
    if not read:
        raise TaxonomyError(f"{folder} has no occupations_fr.csv, occupations_ar.csv or occupations_en.csv")
    _keep(data, "esco", entries, ", ".join(read))


def import_table(
    file: Annotated[Path, typer.Argument(help="A CSV with the columns label, language (fr, ar, en) and isco.")],
    *,
    name: Annotated[str | None, typer.Option(help="What to call it; the file's name when unset.")] = None,
) -> None:
    """Add a national nomenclature or a list of titles of your own."""
    data = _open()
    called = name or re.sub(r"[^a-z0-9]+", "_", file.stem.lower()).strip("_")
    if not _NAME.fullmatch(called):
        raise TaxonomyError(f"{called!r} is no name: small letters, digits and underscores, please (--name)")
    with _opened(file) as lines:
        entries = list(taxonomies.national(lines, known_codes()))
    _keep(data, called, entries, file.name)


def show() -> None:
    """List what was imported, and the name of the taxonomy that it makes with the project's own lexicon."""
    data = _open()
    for one in imported(data.taxonomies):
        typer.echo(f"{one.name}  version {one.version}  {one.titles:,} titles")
    typer.echo(f"The taxonomy is {taxonomy_version(data.taxonomies)}")


def remove(name: Annotated[str, typer.Argument(help="An imported taxonomy, as `list` names it.")]) -> None:
    """Take an imported taxonomy away again."""
    data = _open()
    if not _drop(data.taxonomies, name):
        raise TaxonomyError(f"no taxonomy {name!r} was imported")
    typer.echo(f"Removed {name}. {_next(data)}")


def imported(folder: Path) -> list[Imported]:
    """Return the imported taxonomies of a data directory. Raises TaxonomyError for a broken file."""
    found = []
    for path in sorted(folder.glob("*.tsv")):
        name, _, version = path.stem.rpartition("-")
        try:
            found.append(Imported(name, version, sum(1 for _ in lexicon.read(path))))
        except ValueError as error:
            raise TaxonomyError(f"{path}: {error}: import it again") from error
    return found


def known_codes() -> frozenset[str]:
    """Return every code of ISCO-08, of one to four digits."""
    return frozenset(
        line.split("\t")[0] for path in REFERENCE.glob("*.tsv") for line in path.read_text("utf-8").splitlines()[1:]
    )


class _opened:  # noqa: N801 - used like `open`
    """A text file whose errors name it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Iterable[str]:
        try:
            self._file = self._path.open(encoding="utf-8-sig", newline="")
        except OSError as error:
            raise TaxonomyError(f"{self._path} cannot be read: {error.strerror}") from error
        return self._file

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._file.close()
        if isinstance(error, ValueError):
            raise TaxonomyError(f"{self._path.name}: {error}") from error


def _keep(data: DataDir, name: str, entries: list[Entry], source: str) -> None:
    unique = sorted(dict.fromkeys(entries), key=lambda entry: (entry.isco, entry.lang, entry.title))
    if not unique:
        raise TaxonomyError(f"{source} holds no titles")
    digest = blake2b(msgspec.json.encode(unique), digest_size=4).hexdigest()
    data.taxonomies.mkdir(exist_ok=True)
    kept = data.taxonomies / f"{name}-{digest}.tsv"
    if not kept.exists():
        lexicon.write(kept, unique)
        _drop(data.taxonomies, name, but=kept)
    groups = len({entry.isco for entry in unique if len(entry.isco) == 4})
    languages = ", ".join(
        f"{language} {sum(entry.lang == language for entry in unique):,}" for language in sorted(taxonomies.LANGUAGES)
    )
    typer.echo(f"{name} has {len(unique):,} titles ({languages}) of {groups} unit groups, from {source}. {_next(data)}")


def _drop(folder: Path, name: str, but: Path | None = None) -> bool:
    stale = [path for path in folder.glob("*.tsv") if path.stem.rpartition("-")[0] == name and path != but]
    for path in stale:
        path.unlink()
    return bool(stale)


def _next(data: DataDir) -> str:
    return (
        f"The taxonomy is now {taxonomy_version(data.taxonomies)}. A generation keeps the one that it began with:"
        " `marsad replay` codes all postings anew in a new one, and switches over"
    )


def _open() -> DataDir:
    return open_data_dir(read_settings().data_dir)
