"""What `rating` hands to `kernel`: the lexicon as arrays, and a query as numbers."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int32]

HOLDING = np.dtype(
    [("title", np.int32), ("weight", np.float32), ("size", np.float32), ("turn", np.int32), ("group", np.int32)]
)
"""A title that holds a stem, and what the stem weighs in it; the sum of the weights of the title's stems, the number of
the one that it turns on, and its group. The holdings of a stem lie together, and the title's numbers with each: memory
is read in a row."""
STEM = np.dtype([("begin", np.int32), ("end", np.int32), ("faint", np.float32)])
"""Where a stem's holdings lie, and its factor in the likelihood of the words."""
LEAF = np.dtype([("code", np.int32), ("elsewhere", np.float32)])
"""A unit group, by its code; `elsewhere` is the factor of those for what is not elsewhere classified."""
BROAD = np.dtype([("first", np.int32), ("last", np.int32)])
"""A broader group: its unit groups, from `first` to before `last`. Groups are numbered from the unit groups on."""

NUMBERS = ("headless", "unexplained", "whole", "sharpness", "words", "explained", "circumstance", "unsure")
"""The fields of `Weights` that `Tables` end with."""


class Query(NamedTuple):
    """What is asked.

    `stems`, `factors`: the first `asked` are the query's, the others its context's. `wanted`: weight of the query's
    words. `turn`: the stem that it turns on where that tells a level rather than a field, else -1. `whole`: groups of
    the titles that it holds whole where it turns. `within`: how fast a unit group's share in the mass of a broader
    group grows with its own score. `floor`: score at which a group weighs as much as what the lexicon does not know.
    """

    stems: Numbers
    factors: Doubles
    asked: int
    wanted: float
    turn: int
    whole: Numbers
    within: float
    floor: float


class Tables(NamedTuple):
    """The lexicon as arrays of the types above, the likelihood of stems by unit group, and numbers of `Weights`.

    `total` is scratch: a number a title, `kernel.UNTOUCHED` before and after.
    """

    holdings: Rows
    stems: Rows
    leaves: Rows
    broad: Rows
    likelihood: Floats
    total: Doubles
    headless: float
    unexplained: float
    whole: float
    sharpness: float
    words: float
    explained: float
    circumstance: float
    unsure: float
