"""Fits the numbers of `streams.enrich.occupation.confidence.Calibration` on coded postings, and checks them in folds.

    PYTHONPATH=. python tests/labelled/fit_confidence.py ../shared/data/occupations_dev.ndjson

Logistic regression of "right at so many digits" on the log odds of the mass and on the major group (professionals and
clerks, or others), with a weak ridge; each digit has its own level and slope, the term of the group is fitted at two
digits. Prints what five folds say of the figures that the numbers decide, then the numbers fitted on all rows.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.enrich.occupation import Coder
from streams.enrich.occupation.confidence import DISTINCT, Calibration, log_odds
from streams.evaluate.labelled import NOT_STATED, question, rows_of
from streams.evaluate.occupations import calibration_error, coverage

Numbers = npt.NDArray[np.float64]

ROUNDS = 20
FOLDS = 5
RIDGE = 1.0
LEAST_RIGHT = 0.935
"""Share of published codes that the threshold aims at, a little above what is promised (.93)."""


class Example(NamedTuple):
    """One coded posting: the best group, the masses of its prefixes, and whether each prefix is accepted."""

    best: str
    masses: tuple[float, ...]
    right: tuple[bool, ...]


def examples(path: Path) -> list[Example]:
    """Ask the coder for each row with an occupation."""
    coder = Coder.load()
    found = []
    with path.open("rb") as lines:
        rows = rows_of(lines)
    for row in rows:
        accepted = [code for code in row["isco4"] if code != NOT_STATED]
        asked = question(row)
        told = coder.weigh(
            asked.get("title"),
            sector=asked.get("sector_raw"),
            description=asked.get("description"),
            company=asked.get("company"),
            contract=asked.get("contract_raw"),
        )
        if accepted and told.rating is not None:
            best = told.rating.best
            right = tuple(any(best[:n] == code[:n] for code in accepted) for n in (1, 2, 3, 4))
            found.append(Example(best, told.rating.masses, right))
    return found


def logistic(design: Numbers, right: Numbers) -> Numbers:
    """Return the weights of a ridge logistic regression by Newton's method; the first column is the level."""
    weights = np.zeros(design.shape[1])
    ridge = RIDGE * np.diag([0.0] + [1.0] * (design.shape[1] - 1))
    for _ in range(40):
        p = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (p - right) + ridge @ weights
        bend = (design * (p * (1 - p))[:, None]).T @ design + ridge + 1e-9 * np.eye(len(weights))
        weights = weights - np.linalg.solve(bend, slope)
    return weights


def fit(rows: Sequence[Example]) -> Calibration:
    """Fit level and slope of each digit, and the term of the group at two digits."""
    odds = np.array([[log_odds(mass) for mass in row.masses] for row in rows])
    right = np.array([row.right for row in rows], float)
    group = np.array([row.best[0] in DISTINCT for row in rows], float)
    ones = np.ones(len(rows))
    distinct = float(logistic(np.stack([ones, odds[:, 1], group], 1), right[:, 1])[2])
    levels, slopes = [], []
    for digit in range(4):
        shifted = np.stack([ones, odds[:, digit], group], 1)
        weights = _offset(shifted[:, :2], right[:, digit], distinct * group)
        levels.append(round(float(weights[0]), 2))
        slopes.append(round(float(weights[1]), 2))
    return Calibration(tuple(levels), tuple(slopes), round(distinct, 2))  # type: ignore[arg-type]


def _offset(design: Numbers, right: Numbers, offset: Numbers) -> Numbers:
    weights = np.zeros(design.shape[1])
    for _ in range(40):
        p = 1 / (1 + np.exp(-(design @ weights + offset)))
        bend = (design * (p * (1 - p))[:, None]).T @ design + np.diag([1e-9, RIDGE])
        weights = weights - np.linalg.solve(bend, design.T @ (p - right) + np.array([0.0, RIDGE]) * weights)
    return weights


def held_out(rows: Sequence[Example], seed: int) -> list[tuple[Example, tuple[float, ...]]]:
    """Return each row with the probabilities that a fit without its fold gives it."""
    fold = np.random.default_rng(seed).permutation(len(rows)) % FOLDS
    out = []
    for k in range(FOLDS):
        calibration = fit([row for row, f in zip(rows, fold, strict=True) if f != k])._replace(stated=0.0)
        out += [
            (row, calibration.coding(row.best, row.masses).isco_p) for row, f in zip(rows, fold, strict=True) if f == k
        ]
    return out


def published(rows: Sequence[tuple[Example, tuple[float, ...]]], threshold: float) -> tuple[float, float, float]:
    """Return of a threshold: the share published, the share of those right, and their digits."""
    lone = Calibration().lone
    digits = [sum(p >= threshold for p in told) for _, told in rows]
    digits = [0 if n == 1 and told[0] < lone else n for n, (_, told) in zip(digits, rows, strict=True)]
    right = [row.right[n - 1] for (row, _), n in zip(rows, digits, strict=True) if n]
    return len(right) / len(rows), float(np.mean(right)), float(np.mean([n for n in digits if n]))


def main() -> None:
    """Print held-out figures, then the numbers."""
    rows = examples(Path(sys.argv[1]))
    rounds = [held_out(rows, seed) for seed in range(ROUNDS)]
    p = [np.array([told[1] for _, told in one]) for one in rounds]
    right = [np.array([row.right[1] for row, _ in one], float) for one in rounds]
    for error in (0.04, 0.08):
        mean = np.mean([coverage(a, b, error) for a, b in zip(p, right, strict=True)])
        print(f"coverage at {error:.0%} error, 2 digits, held out: {mean:.3f}")
    print(
        f"calibration error, 2 digits: {np.mean([calibration_error(a, b) for a, b in zip(p, right, strict=True)]):.3f}"
    )
    best = None
    for threshold in np.arange(0.8, 0.97, 0.005):
        share, good, digits = np.mean([published(one, threshold) for one in rounds], axis=0)
        print(f"publish from {threshold:.3f}: {share:.3f} of rows, {good:.3f} right at {digits:.2f} digits")
        if best is None and good >= LEAST_RIGHT:
            best = round(float(threshold), 3)
    print(fit(rows)._replace(publish=best or 0.95))


if __name__ == "__main__":
    main()
