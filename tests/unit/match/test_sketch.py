import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.match.sketch import SKETCH, TEXT_READ, sketch, triples

WORDS = st.lists(st.sampled_from(["chef", "de", "projet", "مهندس", "été", "3", "\ud800x"]), max_size=120)


def plain(parts: list[str]) -> list[int]:
    """The hashes of the word triples, by zlib and whole numbers."""
    run = [zlib.crc32(part.encode("utf-8", "replace")) for part in parts]
    found = []
    for first, second, third in zip(run, run[1:], run[2:], strict=False):
        mixed = (first * 0x9E3779B1 + second * 0x85EBCA6B + third * 0xC2B2AE35) % 2**32
        found.append((mixed ^ (mixed >> 15)) * 0x2C1B3C6D % 2**32 >> 8)
    return found


@given(WORDS, st.sets(st.integers(0, 119), max_size=30))
def test_a_sketch_is_the_smallest_hashes_that_are_no_boilerplate(parts: list[str], common: set[int]) -> None:
    """The compiled hashes are those of zlib; a sketch leaves out what the bitmap names, and counts the rest."""
    hashes = plain(parts)
    assert triples(parts).tolist() == hashes
    flags = np.zeros(1 << 24, bool)
    flags[[hashes[k] for k in common if k < len(hashes)]] = True
    own = [one for one in hashes if not flags[one]]
    found = sketch(parts, np.packbits(flags, bitorder="little"))
    assert found.hashes == tuple(sorted(set(own)))[:SKETCH]
    assert found.words == (len(own) + 2 if own else 0)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_text_of_less_than_three_words_has_no_sketch(size: int) -> None:
    """Where there is no triple there is nothing to compare."""
    assert sketch(["mot"] * size, np.zeros(1 << 21, np.uint8)) == ((), 0)


def test_a_giant_text_is_read_to_its_limit() -> None:
    """What stands behind the limit changes nothing."""
    run = [f"mot{k}" for k in range(2 * TEXT_READ)]
    assert triples(run).tolist() == triples(run[:TEXT_READ]).tolist()
