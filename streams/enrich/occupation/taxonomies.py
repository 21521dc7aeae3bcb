"""Other people's nomenclatures as lexicon entries: ESCO's occupations, and tables of label, language and ISCO code.

Pure: text in, entries out. `marsad taxonomy` reads the files and keeps what comes out in the data directory, beside the
project's own lexicon, which holds none of them.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from streams.enrich.occupation.lexicon import Entry

LANGUAGES = frozenset(("fr", "ar", "en"))

LONGEST = 200
"""Characters of a label; a longer one is a broken file."""

_ESCO = ("iscoGroup", "preferredLabel", "altLabels")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "label": ("label", "title", "libelle", "libellé", "intitule", "intitulé"),
    "language": ("language", "lang", "langue"),
    "isco": ("isco", "isco08", "isco-08", "isco_08", "code_isco", "citp", "citp-08"),
}
_FILE = re.compile(r"(?:^|_)occupations_([a-z]{2})(?:[_.]|$)")


def language_of(name: str) -> str | None:
    """Return the language of an ESCO file by its name (`occupations_fr.csv`), None for a file of something else."""
    match = _FILE.search(name)
    return match.group(1) if match else None


def esco(lines: Iterable[str], language: str, known: frozenset[str]) -> Iterator[Entry]:
    """Read ESCO's table of occupations: the preferred label and every alternative one, each gender by itself.

    `known` are the codes of ISCO-08. Raises ValueError for a table of another kind or an unknown code.
    """
    table = csv.DictReader(lines)
    if missing := [name for name in _ESCO if name not in (table.fieldnames or ())]:
        raise ValueError(f"no column {', '.join(missing)}: not ESCO's table of occupations")
    for row in table:
        isco = _code(row["iscoGroup"], known, table.line_num)
        labels = [row["preferredLabel"] or "", *(row["altLabels"] or "").split("\n")]
        for label in dict.fromkeys(part.strip() for whole in labels for part in _genders(whole)):
            if label:
                yield Entry(isco, language, _label(label, table.line_num))


def national(lines: Iterable[str], known: frozenset[str]) -> Iterator[Entry]:
    """Read a CSV (comma, semicolon or tab) with a header that names label, language and ISCO code, of 1 to 4 digits.

    Raises ValueError, naming the line, for a missing column, an unknown code or language, or an empty label.
    """
    kept = iter(lines)
    header = next(kept, "").lstrip("\ufeff")
    delimiter = max("\t;,", key=header.count)
    table = csv.DictReader([header, *kept], delimiter=delimiter)
    columns = _columns(table.fieldnames or ())
    for row in table:
        language = (row[columns["language"]] or "").strip().lower()
        if language not in LANGUAGES:
            raise ValueError(f"line {table.line_num}: language {language!r} is none of {', '.join(sorted(LANGUAGES))}")
        isco = _code(row[columns["isco"]], known, table.line_num)
        yield Entry(isco, language, _label((row[columns["label"]] or "").strip(), table.line_num))


def _columns(header: Sequence[str]) -> dict[str, str]:
    given = {name.strip().lower(): name for name in header}
    found = {what: next((given[n] for n in names if n in given), None) for what, names in _COLUMNS.items()}
    if missing := [what for what, name in found.items() if name is None]:
        raise ValueError(f"no column {', '.join(missing)}; there are {', '.join(header) or 'none'}")
    return {what: name for what, name in found.items() if name is not None}


def _code(value: str | None, known: frozenset[str], line: int) -> str:
    code = (value or "").strip().removeprefix("C")
    if code not in known:
        raise ValueError(f"line {line}: {value!r} is no code of ISCO-08")
    return code


def _label(label: str, line: int) -> str:
    label = " ".join(label.split())
    if not label or len(label) > LONGEST:
        raise ValueError(f"line {line}: a label has 1 to {LONGEST} characters, this one {len(label)}")
    return label


def _genders(label: str) -> list[str]:
    """Split "directeur technique/directrice technique" into its two forms; other labels stay whole."""
    first, slash, second = label.partition("/")
    return [first, second] if slash and "/" not in second and len(second) > len(first) / 2 else [label]
