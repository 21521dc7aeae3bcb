"""A file on this disk to its records, whatever its format: lines of text, sheets, columns."""

import codecs
import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook

from producers.file.parse import Format, Line, Row, encoding_of, rows, table_row
from producers.shape import FIRST_MB, WHOLE_MB
from producers.sources import FileSource
from producers.web.failure import FetchFailed

SAMPLE = 1_000_000
"""Bytes of a CSV file that are looked at for its encoding."""

WORKBOOK = 500_000_000
"""Bytes that a workbook may unpack to: it is held in memory. A larger table is CSV or Parquet."""

ROWS = 2_000
"""Rows of a Parquet file that are held at once."""


class _Lines(Protocol):
    def readline(self, size: int, /) -> bytes: ...


class _Recoded:
    """The lines of a text as UTF-8, whatever the bytes with which its own end."""

    def __init__(self, file: gzip.GzipFile | io.BufferedReader, encoding: str) -> None:
        self._text = io.TextIOWrapper(file, encoding, errors="replace", newline="\n")

    def readline(self, size: int, /) -> bytes:
        return self._text.readline(size).encode()


class Unreadable(FetchFailed):
    """A file cannot be opened or decompressed."""


def records(path: Path, form: Format, source: FileSource) -> Iterator[Row]:
    """Return the records of a file in its order. Raises Unreadable."""
    match form:
        case "xlsx":
            return _sheet(path, source.sheet)
        case "parquet":
            return _parquet(path)
        case "ndjson":
            return rows(lines(path), form)
        case "csv":
            encoding = source.encoding or encoding_of(_sample(path))
            if codecs.lookup(encoding).name.startswith("utf-16"):
                return rows(lines(path, encoding), form, separator=source.separator)
            return rows(lines(path), form, separator=source.separator, encoding=encoding)


def _sheet(path: Path, name: str) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > WORKBOOK:
                raise Unreadable(f"{path}: unpacks to over {WORKBOOK} bytes")
        with CalamineWorkbook.from_path(path) as book:
            sheet = book.get_sheet_by_name(name) if name else book.get_sheet_by_index(0)
            header: list[str] | None = None
            for number, cells in enumerate(sheet.iter_rows(), 1):
                if header is None:
                    header = [str(cell).strip() for cell in cells] if any(cells) else None
                elif any(cell not in {"", None} for cell in cells):
                    yield table_row(number, dict(zip(header, cells, strict=False)))
    except (OSError, CalamineError, zipfile.BadZipFile, zlib.error) as error:
        raise Unreadable(f"{path}: {error}") from error


def _parquet(path: Path) -> Iterator[Row]:
    try:
        with pq.ParquetFile(path) as table:
            number = 0
            for batch in table.iter_batches(batch_size=ROWS):
                for cells in batch.to_pylist():
                    number += 1
                    yield table_row(number, cells)
    except (OSError, pa.ArrowException, zlib.error) as error:
        raise Unreadable(f"{path}: {error}") from error


def _sample(path: Path) -> bytes:
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            return (gzip.GzipFile(fileobj=raw) if packed else raw).read(SAMPLE)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{path}: {error}") from error


def lines(path: Path, recoded: str = "") -> Iterator[Line]:
    """Return the lines of a file, plain or gzip.

    One of over 8 MB comes as its first MB, length and SHA-256. `recoded` is an encoding whose lines do not end with
    a byte of their own: they are read as UTF-8. Raises Unreadable.
    """
    try:
        with ExitStack() as opened:
            raw = opened.enter_context(path.open("rb"))
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            bytes_of = opened.enter_context(gzip.GzipFile(fileobj=raw)) if packed else raw
            file: _Lines = _Recoded(bytes_of, recoded) if recoded else bytes_of
            number = 0
            while data := file.readline(WHOLE_MB + 1):
                number += 1
                if len(data) > WHOLE_MB and not data.endswith(b"\n"):
                    yield _long(file, number, data)
                else:
                    yield Line(number, data.rstrip(b"\r\n"))
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{path}: {error}") from error


def _long(file: _Lines, number: int, data: bytes) -> Line:
    digest, length, head = hashlib.sha256(), 0, data[:FIRST_MB]
    while data:
        ended = data.endswith(b"\n")
        part = data.rstrip(b"\r\n") if ended else data
        digest.update(part)
        length += len(part)
        data = b"" if ended else file.readline(FIRST_MB)
    return Line(number, head, length, digest.hexdigest())
