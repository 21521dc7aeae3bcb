"""How much likelier each word makes a unit group: counts of the lexicon's words, smoothed down the classification.

A title that no lexicon title explains is still made of words that some groups say often and others never. The share
of a unit group's titles that hold a word is drawn towards its minor group's, that towards its sub-major group's, and
that towards the share among all titles; the word's weight for the group is the logarithm of its share over that among
all. (Naive Bayes with hierarchical backing off.)
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

DRAWN = 3.0
"""Titles that the level above counts for: between 1 and 10 the figures move by less than .01."""


class Likelihood:
    """Weights of words by unit group, `leaves` in order. Immutable."""

    def __init__(self, leaves: Sequence[str], titles: Iterable[tuple[tuple[int, int], tuple[str, ...]]]) -> None:
        """Count `titles`: each the range of its leaves (one, or all below a broader group) and its stems."""
        count = len(leaves)
        size = np.zeros(count, np.float32)
        number: dict[str, int] = {}
        cells: list[tuple[int, int, int]] = []
        for (first, last), stems in titles:
            size[first:last] += 1 / (last - first)
            cells.extend((number.setdefault(stem, len(number)), first, last) for stem in stems)
        table = np.zeros((len(number), count), np.float32)
        for row, first, last in cells:
            table[row, first:last] += 1 / (last - first)
        share = (table.sum(axis=1, keepdims=True) + 0.5) / (size.sum() + 1)
        drawn = np.repeat(share, count, axis=1)
        for digits in (2, 3):
            above = np.unique([leaf[:digits] for leaf in leaves], return_inverse=True)[1]
            member = np.zeros((count, int(above.max()) + 1), np.float32)
            member[np.arange(count), above] = 1
            drawn = ((table @ member + DRAWN * (drawn @ member) / member.sum(axis=0)) / (size @ member + DRAWN))[
                :, above
            ]
        weight = np.log((table + DRAWN * drawn) / (size + DRAWN) / share)
        self._weight = np.ascontiguousarray(weight, np.float32)  # a word's weights lie together: `weigh` takes rows
        self._row = number

    def weigh(self, query: Mapping[str, float], context: Mapping[str, float]) -> Floats:
        """Return the sum of the words' weights for each unit group, factors applied; unknown words weigh nothing."""
        rows: list[int] = []
        factors: list[float] = []
        for said, once in ((query, False), (context, True)):
            for stem, factor in said.items():
                row = self._row.get(stem)
                if row is not None and not (once and stem in query):
                    rows.append(row)
                    factors.append(factor)
        found: Floats = np.array(factors, np.float32) @ self._weight.take(rows, axis=0)
        return found
