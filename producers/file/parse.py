"""Lines of a CSV or NDJSON file, or a table's cells, to rows; rows to postings.

Pure; every row keeps its bytes, and no bad row costs another.
"""

import csv
import html
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from itertools import islice
from math import isnan
from typing import Literal
from urllib.parse import unquote, urljoin, urlsplit

import msgspec

from producers.jsonapi.parse import mapped
from producers.shape import WHOLE_MB, Reject, posting
from producers.sources import FileSource
from schemas.messages import Posting

Format = Literal["csv", "ndjson", "xlsx", "parquet"]
SUFFIXES: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
}
SPAN = 200
"""Lines that one quoted CSV value may run over; an unclosed quote would else swallow the rest of the file."""

SEPARATORS = ",;\t|:^~"
SAMPLED = 20
"""Lines after a CSV file's header that are looked at for what separates its values."""

_MULTIPLE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]+")
_DOS = re.compile(rb"(?<=[a-z])[\x82\x85\x87\x88\x8a\x93\x97](?=[a-z ;,|\t\r\n])")
_WINDOWS = re.compile(rb"(?<=[a-z])[\xe0\xe2\xe7-\xeb\xee\xef\xf4\xf9\xfb](?=[a-z ;,|\t\r\n])")
_HREF = re.compile(r"""\bhref\s*=\s*["']([^"'<>]{1,2000})["']""", re.IGNORECASE)
_DECODER = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file by its number (from 1), without its end.

    `length` and `sha256` stand where `data` is only its head.
    """

    number: int
    data: bytes
    length: int = -1
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A record: the number of its last line, its bytes, and its fields, or why it has none."""

    line: int
    data: bytes
    fields: Mapping[str, object] | None
    reject: Reject | None = None


def format_of(name: str) -> Format | None:
    """Return the format that a file's name says, .gz aside; None when it is none of ours."""
    name = name.lower().removesuffix(".gz")
    return next((form for suffix, form in SUFFIXES.items() if name.endswith(suffix)), None)


def links(index: str, base: str) -> list[str]:
    """Return the files that a folder's HTML index at `base` links to, in the folder itself, sorted by address."""
    found = set()
    folder = urljoin(base, ".")
    for link in _HREF.findall(index):
        try:
            address = urljoin(base, html.unescape(link))
            path = urlsplit(address).path
        except ValueError:
            continue
        if address.startswith(folder) and "/" not in address[len(folder) :] and format_of(unquote(path)):
            found.add(address)
    return sorted(found)


def rows(lines: Iterable[Line], form: Format, *, separator: str = "", encoding: str = "utf-8") -> Iterator[Row]:
    """Return the records of a text file's lines, blank lines left out. Lines over 8 MB are rejects.

    Of a CSV file, `encoding` is the one of its bytes, `separator` what stands between values (empty: found out).
    """
    return _csv(iter(lines), separator, encoding) if form == "csv" else _ndjson(lines)


def encoding_of(sample: bytes) -> str:
    """Return the encoding of a text of which `sample` is the beginning: its mark's, UTF-8, or one of the code pages.

    UTF-8 unless more bytes break its rules than follow them. Windows' Arabic and Western pages hold the French
    letters at the same places; where bytes beyond ASCII come in runs, as in Arabic words, it is the Arabic page.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if sample.startswith(mark):
            return encoding
    if sample[:400].count(0) > len(sample[:400]) / 4:
        return "utf-16-le" if sample[1:2] == b"\0" else "utf-16-be"
    multiples = _MULTIPLE.findall(sample)
    high = sum(byte >= 0x80 for byte in sample)
    if 2 * sum(map(len, multiples)) >= high:
        return "utf-8"
    runs = [len(run) for run in _HIGH.findall(sample)]
    arabic = sum(length for length in runs if length >= 3)
    if 2 * arabic > sum(runs):
        return "cp1256"
    return "cp850" if len(_DOS.findall(sample)) > len(_WINDOWS.findall(sample)) else "cp1252"


def separator_of(sample: str) -> str:
    """Return what separates the values of the CSV text of which `sample` is the first lines.

    The one that gives most lines the header's number of values, then the one that gives most values.
    """

    def merit(separator: str) -> tuple[float, int]:
        read = [row for row in csv.reader(sample.splitlines(), delimiter=separator) if row]
        width = len(read[0]) if read else 0
        same = sum(len(row) == width for row in read) / max(1, len(read))
        return (same if width > 1 else 0.0, width)

    try:
        return max(SEPARATORS, key=merit)
    except csv.Error:
        return max(SEPARATORS, key=sample.partition("\n")[0].count)


def _whole(line: Line) -> Row | None:
    """Return the row of a line that is too long to be one; None for any other."""
    if line.length < 0:
        return None
    return Row(line.number, line.data, None, Reject("oversize", line.data, length=line.length, sha256=line.sha256))


def _ndjson(lines: Iterable[Line]) -> Iterator[Row]:
    for line in lines:
        if row := _whole(line):
            yield row
            continue
        data = line.data.removeprefix(b"\xef\xbb\xbf") if line.number == 1 else line.data
        if not data.strip():
            continue
        try:
            fields = _DECODER.decode(data)
        except UnicodeDecodeError as wrong:
            yield Row(line.number, data, None, Reject("invalid_utf8", data, str(wrong)[:200]))
        except (msgspec.DecodeError, RecursionError) as wrong:
            yield Row(line.number, data, None, Reject("malformed_json", data, str(wrong)[:200]))
        else:
            if isinstance(fields, dict):
                yield Row(line.number, data, fields)
            else:
                yield Row(line.number, data, None, Reject("malformed_json", data, "not an object"))


def _csv(lines: Iterator[Line], separator: str, encoding: str) -> Iterator[Row]:
    """CSV with a header line. A row with an unclosed quote or a wrong width is a reject."""
    csv.field_size_limit(WHOLE_MB)  # the library's own 131,072 would refuse long descriptions
    header: list[str] | None = None
    waiting: deque[Line] = deque()
    while (line := waiting.popleft() if waiting else next(lines, None)) is not None:
        if row := _whole(line):
            yield row
            continue
        if not line.data.strip():
            continue
        if header is None:
            waiting.extend(islice(lines, SAMPLED - len(waiting)))
            head = line.data.removeprefix(b"\xef\xbb\xbf").decode(encoding, "replace").lstrip("\ufeff")
            following = [part.data.decode(encoding, "replace") for part in waiting if part.length < 0]
            separator = separator or separator_of("\n".join((head, *following)))
            header = [name.strip() for name in next(csv.reader([head], delimiter=separator))]
            continue
        group = [line]
        while sum(part.data.count(b'"') for part in group) % 2 and len(group) < SPAN:
            further = waiting.popleft() if waiting else next(lines, None)
            if further is None:
                break
            group.append(further)
        row = _record(group, header, separator, encoding)
        if row.reject and len(group) > 1:
            waiting.extendleft(reversed(group[1:]))
            row = _record(group[:1], header, separator, encoding)
        yield row


def _record(group: list[Line], header: list[str], separator: str, encoding: str) -> Row:
    data = b"\n".join(part.data for part in group)
    number = group[-1].number
    try:
        unclosed = data.count(b'"') % 2 == 1  # an inch sign is fine, a value that never ends is not
        values = next(csv.reader([data.decode(encoding)], delimiter=separator, strict=unclosed), [])
    except UnicodeDecodeError as wrong:
        return Row(number, data, None, Reject("invalid_utf8", data, str(wrong)[:200]))
    except csv.Error as wrong:
        return Row(number, data, None, Reject("malformed_row", data, str(wrong)[:200]))
    if len(values) != len(header):
        return Row(number, data, None, Reject("malformed_row", data, f"{len(values)} values in {len(header)} columns"))
    return Row(number, data, {name: value for name, value in zip(header, values, strict=True) if name and value})


def table_row(number: int, cells: Mapping[str, object]) -> Row:
    """Return the record of a table's cells by column, numbers and dates as their text; formulas are but text."""
    fields = {name.strip(): text for name, cell in cells.items() if name and (text := _cell(cell)) is not None}
    return Row(number, msgspec.json.encode(fields), fields)


def _cell(cell: object) -> str | list[str] | None:
    if isinstance(cell, list | tuple):
        return [text for part in cell if isinstance(text := _cell(part), str)] or None
    text = _printed(cell)
    return text or None


def _printed(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() and not cell.tzinfo else cell.isoformat()
    if isinstance(cell, float):
        return "" if isnan(cell) else str(int(cell)) if cell.is_integer() else str(cell)
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return "" if cell is None else str(cell)


def parse(row: Row, *, source: FileSource, observed_at: datetime) -> Posting | Reject:
    """Return the posting of a row: columns named like fields, or as the source's mapping says."""
    if row.fields is None:
        if row.reject is None:
            raise ValueError("a row without fields says why")
        return row.reject.withheld() if source.side == "seeker" else row.reject
    return posting(
        dict(row.fields) | mapped(row.fields, source.mapping),
        source=source.name,
        side=source.side,
        observed_at=observed_at,
        data=row.data,
        removed=source.removed,
    )
