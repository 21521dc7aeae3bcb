"""Labelled rows: what a coder said of a posting is taken off before the posting is asked of the production code."""

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

Row = dict[str, Any]

ANSWERS = frozenset(
    (
        "isco4", "isco4_alt", "coders_agree", "region", "attributes", "attributes_unsure", "label", "confidence",
        "origin", "n", "hash", "reader",
    )
)  # fmt: skip
"""Fields of labelled files that hold answers or say where a row comes from; no posting has them."""

NOT_STATED = "X"
"""The answer "no occupation stated", or "no region stated"."""


def question(row: Mapping[str, Any]) -> Row:
    """Return a labelled row without its answers."""
    return {name: value for name, value in row.items() if name not in ANSWERS}


def lines(rows: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """Return rows as the lines of an NDJSON file."""
    encoder = msgspec.json.Encoder()
    return [encoder.encode(row) for row in rows]


def rows_of(data: Iterable[bytes]) -> list[Row]:
    """Read a labelled file. Raises ValueError, naming the line, for one that is no object."""
    rows: list[Row] = []
    for number, line in enumerate(data, 1):
        try:
            rows.append(msgspec.json.decode(line, type=dict[str, Any]))
        except msgspec.DecodeError as error:
            raise ValueError(f"line {number} is no labelled row: {error}") from error
    return rows


def row_hash(row: Mapping[str, Any]) -> str:
    """Name a posting by its content, so that a file of labels need not hold it: 16 hex digits."""
    return blake2b(
        json.dumps(row, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass"), digest_size=8
    ).hexdigest()


def joined(labels: Iterable[Row], postings: Iterable[bytes]) -> list[Row]:
    """Put labels that name their posting by hash beside it. Raises ValueError for one that is not in `postings`."""
    wanted = {str(label["hash"]): label for label in labels}
    found = {}
    for line in postings:
        row = msgspec.json.decode(line, type=dict[str, Any])
        name = row_hash(row)
        if name in wanted:
            found[name] = row | wanted[name]
    if len(found) < len(wanted):
        raise ValueError(f"{len(wanted) - len(found)} of {len(wanted)} labelled rows are not among the postings")
    return [found[name] for name in wanted]
