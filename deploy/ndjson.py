"""NDJSON files of the command line: plain, gzipped, or standard input; rows out as they come."""

import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from deploy.errors import DeployError

GZIP = b"\x1f\x8b"


@contextmanager
def lines_of(name: str) -> Iterator[Iterable[bytes]]:
    """Open a file (`-`: standard input), gzipped or not, whatever its name. Raises DeployError if it cannot be read."""
    try:
        with cast("BufferedReader", sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            yield cast("BinaryIO", gzip.GzipFile(fileobj=file)) if file.peek(2).startswith(GZIP) else file
    except (OSError, EOFError) as error:
        raise DeployError(f"{name} cannot be read: {error}") from error


def write_rows(rows: Iterable[object]) -> None:
    """Write each row as one line of JSON to standard output."""
    encoder = msgspec.json.Encoder()
    out = sys.stdout.buffer
    for row in rows:
        out.write(encoder.encode(row))
        out.write(b"\n")
    out.flush()
