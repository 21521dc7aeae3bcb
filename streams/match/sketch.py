"""The sketch of a text: the smallest hashes of its word triples, which tell how much two texts share.

A word's hash is its CRC-32, a triple's 24 bits that mix those of its words in order.
"""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.compiled import compiled
from streams.match.learnt import Hashes

Bytes = npt.NDArray[np.uint8]

SKETCH = 20
"""Hashes kept of a text: the overlap of two texts is told to about ±.1."""

TEXT_READ = 700
"""Words of a text that are compared: 4,000 characters, where portals cut."""

_CRC = np.array([zlib.crc32(bytes([byte ^ 0xFF])) ^ 0xFF000000 for byte in range(256)], np.uint32)
"""CRC-32's own table, by zlib."""


class Sketch(NamedTuple):
    """At most `SKETCH` hashes, ascending, and the words of the text; both less what stands under many jobs."""

    hashes: tuple[int, ...]
    words: int


def sketch(parts: Sequence[str], boilerplate: Bytes) -> Sketch:
    """Return the sketch of a text's first `TEXT_READ` words; `boilerplate` is a bitmap of the hashes to leave out.

    An agency's or an employer's sentences, which stand under many jobs, tell no two ads apart.
    """
    if not parts:
        return Sketch((), 0)
    count, least = _own(triples(parts), boilerplate)
    return Sketch(tuple(least.tolist()), count + 2 if count else 0)


def triples(parts: Sequence[str]) -> Hashes:
    """Return the 24-bit hashes of the word triples of a text's first `TEXT_READ` words, in order."""
    return _triples(np.frombuffer(" ".join(parts[:TEXT_READ]).encode("utf-8", "replace"), np.uint8), _CRC)


@compiled
def _triples(text: Bytes, table: Hashes) -> Hashes:
    """Return the hashes of the word triples of a text of UTF-8, its words parted by single spaces."""
    found = np.empty(len(text) // 2 + 1, np.uint32)
    count = 0
    first = second = third = np.uint32(0)
    word = np.uint32(0xFFFFFFFF)
    for k in range(len(text) + 1):
        if k < len(text) and text[k] != 32:
            word = table[(word ^ text[k]) & 0xFF] ^ (word >> np.uint32(8))
            continue
        first, second, third = second, third, np.uint32(~word)
        word = np.uint32(0xFFFFFFFF)
        mixed = np.uint32(first * 0x9E3779B1 + second * 0x85EBCA6B + third * 0xC2B2AE35)
        mixed = np.uint32((mixed ^ (mixed >> np.uint32(15))) * 0x2C1B3C6D)
        found[count] = mixed >> np.uint32(8)
        count += 1
    return found[2:count]


@compiled
def _own(found: Hashes, boilerplate: Bytes) -> tuple[int, Hashes]:
    """Return how many hashes are no boilerplate, and the `SKETCH` smallest of these, each once, ascending."""
    least = np.empty(SKETCH + 1, np.uint32)
    size = count = 0
    for one in found:
        if boilerplate[one >> 3] >> (one & 7) & 1:
            continue
        count += 1
        if size == SKETCH and one >= least[size - 1]:
            continue
        at = size
        while at and least[at - 1] > one:
            at -= 1
        if at and least[at - 1] == one:
            continue
        for k in range(size, at, -1):
            least[k] = least[k - 1]
        least[at] = one
        size = min(size + 1, SKETCH)
    return count, least[:size]
