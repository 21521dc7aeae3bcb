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


def likelihood(
    leaves: Sequence[str], titles: Iterable[tuple[tuple[int, int], tuple[str, ...]]], number: Mapping[str, int]
) -> Floats:
    """Count `titles`: each the range of its `leaves` (one, or all below a broader group) and its stems.

    Returns the weight of each stem, by its `number`, for each leaf.
    """
    count = len(leaves)
    size = np.zeros(count, np.float32)
    cells: list[tuple[int, int, int]] = []
    for (first, last), stems in titles:
        size[first:last] += 1 / (last - first)
        cells.extend((number[stem], first, last) for stem in stems)
    table = np.zeros((len(number), count), np.float32)
    for row, first, last in cells:
        table[row, first:last] += 1 / (last - first)
    share = (table.sum(axis=1, keepdims=True) + 0.5) / (size.sum() + 1)
    drawn = np.repeat(share, count, axis=1)
    for digits in (2, 3):
        above = np.unique([leaf[:digits] for leaf in leaves], return_inverse=True)[1]
        member = np.zeros((count, int(above.max()) + 1), np.float32)
        member[np.arange(count), above] = 1
        drawn = ((table @ member + DRAWN * (drawn @ member) / member.sum(axis=0)) / (size @ member + DRAWN))[:, above]
    weight = np.log((table + DRAWN * drawn) / (size + DRAWN) / share)
    return np.ascontiguousarray(weight, np.float32)  # a word's weights lie together: `kernel` takes rows
