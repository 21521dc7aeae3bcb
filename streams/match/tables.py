"""The tables by which signatures are normalised: places, the words that administrations share, and what was learnt."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from streams.enrich.occupation.words import stem
from streams.enrich.text import fold, words
from streams.match.learnt import Learnt

HERE = Path(__file__).parent
PLACES = HERE.parent / "enrich" / "gazetteer" / "places.tsv"
CONCEPTS = HERE / "concepts.tsv"


class Place(NamedTuple):
    """A place by its canonical name; `quarter` when it is a part of a town."""

    name: str
    quarter: bool


@dataclass(frozen=True, eq=False)
class Tables:
    """`places`: words of a name to the place, `certain` those that need no context. `concepts`: stem to concept.

    `towns`: their names of six letters or more, for misspelt ones. `learnt`: how rare title words are; `boilerplate`:
    a bitmap of the hashes of sentences that stand under many jobs.
    """

    places: dict[tuple[str, ...], Place]
    certain: frozenset[tuple[str, ...]]
    starts: frozenset[str]
    towns: tuple[str, ...]
    concepts: dict[str, str]
    learnt: Learnt
    boilerplate: npt.NDArray[np.uint8]

    @classmethod
    def load(cls, learnt: Learnt | None = None) -> Self:
        """Read the files; `learnt` takes the place of those that stand beside. Raises ValueError for a broken line."""
        learnt = learnt or Learnt.load()
        places: dict[tuple[str, ...], Place] = {}
        certain: set[tuple[str, ...]] = set()
        for line in PLACES.read_text("utf-8").splitlines()[1:]:
            _, kind, french, arabic, variants = line.split("\t")
            if kind in {"region", "kind"} or not french:
                continue
            place = Place("".join(words(fold(french.lstrip("!")))), kind in {"quarter", "site"})
            for name in (french, arabic, *variants.split(";")):
                key = tuple(words(fold(name.lstrip("!"))))
                if not key or (key in places and not places[key].quarter):
                    continue
                places[key] = place
                if not name.startswith("!"):
                    certain.add(key)
        concepts: dict[str, str] = {}
        for line in CONCEPTS.read_text("utf-8").splitlines()[1:]:
            concept, french, arabic = line.split("\t")
            for word in words(fold(f"{french} {arabic}")):
                concepts.setdefault(stem(word), concept)
        starts = frozenset(key[0] for key in places)
        towns = sorted({place.name for place in places.values() if not place.quarter and len(place.name) >= 6})
        return cls(places, frozenset(certain), starts, tuple(towns), concepts, learnt, learnt.bits())
