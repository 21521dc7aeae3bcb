"""The seeded schedule: which faults and actions, in which order. Pure; the same seed gives the same schedule.

Each seed must draw its share of the catalogue, so that any ten seeds in a row draw every fault at least twice; what
time is left is drawn freely.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.catalogue import ACTIONS, FAULTS, Fault

FULL_MINUTES = 5.0
"""A schedule of this length has its whole share of faults, and outages of their full length."""

SHARE = math.ceil(2 * len(FAULTS) / 10)
_STRIDE = 7  # neighbours in the catalogue are of one kind: a share takes every seventh


@dataclass(frozen=True)
class Step:
    """One fault or action; `seed` draws its particulars."""

    name: str
    fault: bool
    seed: int


@dataclass(frozen=True)
class Schedule:
    """What a run does. `scale` shortens outages."""

    seed: int
    minutes: float
    scale: float
    steps: tuple[Step, ...]

    @property
    def faults(self) -> list[str]:
        """Names of the faults, in order."""
        return [step.name for step in self.steps if step.fault]


def draw(seed: int, minutes: float, faults: Sequence[Fault] = FAULTS) -> Schedule:
    """Draw the schedule of `seed`; shorter than `FULL_MINUTES`, it has as many of its share as fit."""
    scale = min(1.0, minutes / FULL_MINUTES)
    draws = random.Random(seed)
    share = _share(seed, faults)
    if scale < 1.0:
        share = _fitting(share, minutes * 60, scale)
    chosen: list[tuple[str, bool]] = [(fault.name, True) for fault in share]
    left = minutes * 60 - sum(_cost(fault, scale) for fault in share)
    while left > 0:
        action = draws.choice(ACTIONS)
        chosen.append((action.name, False))
        left -= action.seconds
        extra = draws.choice(faults)
        if _cost(extra, scale) <= left and draws.random() < 0.5:
            chosen.append((extra.name, True))
            left -= _cost(extra, scale)
    draws.shuffle(chosen)
    steps = tuple(Step(name, fault, draws.randrange(1 << 30)) for name, fault in chosen)
    return Schedule(seed, minutes, scale, steps)


def _share(seed: int, faults: Sequence[Fault]) -> list[Fault]:
    """The `SHARE` faults of a seed: the next seed's begin where this one's end."""
    order = sorted(range(len(faults)), key=lambda n: (n % _STRIDE, n))
    start = seed * SHARE
    return [faults[order[(start + n) % len(faults)]] for n in range(min(SHARE, len(faults)))]


def _fitting(share: Sequence[Fault], seconds: float, scale: float) -> list[Fault]:
    """As many as fit, and one at least."""
    found: list[Fault] = []
    for fault in share:
        if not found or _cost(fault, scale) <= seconds:
            found.append(fault)
            seconds -= _cost(fault, scale)
    return found


def _cost(fault: Fault, scale: float) -> float:
    return fault.seconds - fault.waits * (1 - scale)
