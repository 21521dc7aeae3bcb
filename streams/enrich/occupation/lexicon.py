"""The job titles that Marsad knows, with their ISCO-08 groups: `streams/enrich/lexicon/*.tsv`, read once at start."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / "lexicon"

HEADER = "isco\tlang\ttitle"


DECISIONS = "extra.tsv"
"""The file whose titles are decided there: what other files say of the same words does not count."""


class Entry(NamedTuple):
    """One title: `isco` has one to four digits (fewer where the title alone says no more), `lang` is fr, ar or en."""

    isco: str
    lang: str
    title: str
    decides: bool = False


def read(path: Path) -> Iterator[Entry]:
    """Yield the entries of one file. Raises ValueError, naming the line, for a line that is no entry."""
    lines = path.read_text("utf-8").splitlines()
    if not lines or lines[0] != HEADER:
        raise ValueError(f"{path.name}: the first line must be {HEADER!r}")
    for number, line in enumerate(lines[1:], 2):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 3 or not (fields[0].isdigit() and 1 <= len(fields[0]) <= 4) or not fields[2].strip():
            raise ValueError(f"{path.name}:{number}: not isco, lang and title: {line!r}")
        isco, lang, title = fields
        yield Entry(isco, lang, title, decides=path.name == DECISIONS)


def load(folder: Path = FOLDER, imported: Path | None = None) -> tuple[Entry, ...]:
    """Read every entry of every file of `folder`, in the order of the file names, then those of `imported`, if any.

    Raises ValueError for a broken line.
    """
    return tuple(entry for path in files(folder, imported) for entry in read(path))


def files(folder: Path = FOLDER, imported: Path | None = None) -> tuple[Path, ...]:
    """Name the files that `load` reads: the project's own, then the taxonomies that somebody imported."""
    return (*sorted(folder.glob("*.tsv")), *(sorted(imported.glob("*.tsv")) if imported else ()))


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write entries as a file that `read` reads; the file is whole or not there."""
    fresh = path.with_suffix(".new")
    body = "".join(f"{entry.isco}\t{entry.lang}\t{entry.title}\n" for entry in entries)
    fresh.write_text(f"{HEADER}\n{body}", "utf-8")
    fresh.replace(path)
