"""Figures with the 95 % intervals of a bootstrap over rows."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from schemas.reports import Figure

Numbers = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

RESAMPLES = 1_000
SEED = 2_008


class Bootstrap:
    """Draws rows with replacement, by a seed; the same number of rows is always drawn alike."""

    def __init__(self, seed: int = SEED, resamples: int = RESAMPLES) -> None:
        self._seed = seed
        self._resamples = resamples
        self._draws: dict[int, Ids] = {}

    def statistic(self, name: str, n: int, of: Callable[[Ids], float], group: str = "") -> Figure:
        """Measure `of` on `n` rows: it takes row numbers, some of them several times, and may return NaN."""
        if not n:
            return Figure(name, group, None, None, None, 0)
        samples = np.array([of(draw) for draw in self._drawn(n)])
        return _figure(name, group, of(np.arange(n)), samples, n)

    def ratio(self, name: str, top: Sequence[float], bottom: Sequence[float], group: str = "") -> Figure:
        """Measure a ratio of two sums over rows: an accuracy, a precision, a weighted mean."""
        n = len(top)
        if not n:
            return Figure(name, group, None, None, None, 0)
        above, below = np.array(top, float), np.array(bottom, float)
        draws = self._drawn(n)
        with np.errstate(divide="ignore", invalid="ignore"):
            samples = above[draws].sum(axis=1) / below[draws].sum(axis=1)
            value = above.sum() / below.sum()
        return _figure(name, group, float(value), samples, n)

    def mean(self, name: str, values: Sequence[float], group: str = "") -> Figure:
        """Measure the mean over rows."""
        return self.ratio(name, values, [1.0] * len(values), group)

    def _drawn(self, n: int) -> Ids:
        if n not in self._draws:
            self._draws[n] = np.random.default_rng(self._seed).integers(0, n, (self._resamples, n))
        return self._draws[n]


def _figure(name: str, group: str, value: float, samples: Numbers, n: int) -> Figure:
    known = samples[np.isfinite(samples)]
    if not np.isfinite(value) or not len(known):
        return Figure(name, group, None, None, None, n)
    low, high = np.percentile(known, (2.5, 97.5))
    return Figure(name, group, round(float(value), 4), round(float(low), 4), round(float(high), 4), n)


def precision_recall(
    draw: Bootstrap, found: Sequence[float], false: Sequence[float], lost: Sequence[float], group: str = ""
) -> tuple[Figure, Figure, Figure]:
    """Measure precision, recall and F1 of what was found rightly, found wrongly and lost, by row."""
    yes, no, missed = (np.array(numbers, float) for numbers in (found, false, lost))
    return (
        draw.ratio("precision", yes.tolist(), (yes + no).tolist(), group),
        draw.ratio("recall", yes.tolist(), (yes + missed).tolist(), group),
        draw.ratio("F1", (2 * yes).tolist(), (2 * yes + no + missed).tolist(), group),
    )
