"""What `marsad learn` writes and matching reads: sentences that stand under many jobs, and how common title words are.

Learnt from a file of postings, kept as two small files beside this module and part of the taxonomy's name, so fixed
within a generation. Both hold hashes and counts, no word of anybody's: a hash is kept only where `LEAST` ads share it.
"""

import math
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).parent / "learnt"
BOILERPLATE = "boilerplate.txt"
TITLE_WORDS = "title_words.txt"

LEAST = 5
"""Ads that must share a hash, and different jobs under which a triple of words must stand to be boilerplate."""

Hashes = npt.NDArray[np.uint32]

_BITS = 24
_A_LINE = 16


class Text(NamedTuple):
    """What is learnt from one ad: the stems of its title, and the hashes of its text's word triples."""

    title: tuple[str, ...]
    triples: tuple[int, ...]


@dataclass(frozen=True)
class Learnt:
    """`ads` that were read; `boilerplate` hashes of word triples, `title_words` hashes of stems to ads with them."""

    ads: int
    boilerplate: frozenset[int]
    title_words: dict[int, int]

    @classmethod
    def load(cls, folder: Path = HERE) -> Self:
        """Read both files. Raises ValueError for one that does not fit."""
        ads, rows = _read(folder / BOILERPLATE)
        counted, counts = _read(folder / TITLE_WORDS)
        if ads != counted:
            raise ValueError(f"{folder} holds files learnt from {ads} and from {counted} ads")
        pairs = (row.split(":") for row in counts)
        return cls(ads, frozenset(int(row, 16) for row in rows), {int(one, 16): int(n) for one, n in pairs})

    def write(self, folder: Path) -> None:
        """Write both files, sorted, so that the same ads give the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / BOILERPLATE, self.ads, (f"{one:06x}" for one in sorted(self.boilerplate)))
        _write(folder / TITLE_WORDS, self.ads, (f"{one:06x}:{n}" for one, n in sorted(self.title_words.items())))

    def bits(self) -> npt.NDArray[np.uint8]:
        """Return `boilerplate` as a bitmap of all 24-bit hashes."""
        flags = np.zeros(1 << _BITS, bool)
        flags[list(self.boilerplate)] = True
        return np.packbits(flags, bitorder="little")

    def rarity(self, title: Iterable[str]) -> float:
        """Return how rare the stems of a title are together: the sum of ln(ads / ads with the stem)."""
        logarithms = self._logarithms
        unseen = logarithms[-1]
        return round(sum([logarithms.get(word_hash(one), unseen) for one in title]), 1)

    @cached_property
    def _logarithms(self) -> dict[int, float]:
        """What each hash of `title_words` adds to a title's rarity, and under -1 any other."""
        counts = {**self.title_words, -1: LEAST - 1}
        return {one: math.log(self.ads / count) for one, count in counts.items()}


@lru_cache(maxsize=1 << 14)
def word_hash(word: str) -> int:
    """Return 24 bits of a word."""
    return zlib.crc32(word.encode()) >> (32 - _BITS)


def learn(ads: Iterable[Text]) -> Learnt:
    """Count what many ads share. Memory grows with the different triples of all texts."""
    read = 0
    words: dict[int, int] = defaultdict(int)
    shared: dict[int, int] = defaultdict(int)
    jobs: dict[int, set[int]] = defaultdict(set)
    for ad in ads:
        read += 1
        job = zlib.crc32("\t".join(sorted(ad.title)).encode())
        for one in {word_hash(stem) for stem in ad.title}:
            words[one] += 1
        for triple in set(ad.triples):
            shared[triple] += 1
            if len(jobs[triple]) < LEAST:
                jobs[triple].add(job)
    boilerplate = frozenset(one for one, n in shared.items() if n >= LEAST and len(jobs[one]) >= LEAST)
    return Learnt(read, boilerplate, {one: n for one, n in words.items() if n >= LEAST})


def _write(path: Path, ads: int, rows: Iterable[str]) -> None:
    found = list(rows)
    lines = [" ".join(found[k : k + _A_LINE]) for k in range(0, len(found), _A_LINE)]
    path.write_text("\n".join([f"ads {ads}", *lines]) + "\n", "utf-8")


def _read(path: Path) -> tuple[int, Iterator[str]]:
    head, _, body = path.read_text("utf-8").partition("\n")
    name, _, number = head.partition(" ")
    if name != "ads" or not number.isdecimal() or int(number) < 1:
        raise ValueError(f"{path.name}: the first line must say from how many ads it was learnt: {head!r}")
    return int(number), iter(body.split())
