"""What the engine reports as it works: typed facts for an observer to count, log or, in fault tests, to strike at."""

from dataclasses import dataclass
from typing import Literal

FlushStep = Literal["folded", "begun", "sent", "committed", "stored", "reported"]


@dataclass(frozen=True, slots=True)
class FlushReached:
    """A flush has come to `step`."""

    stage: str
    partition: int
    step: FlushStep


@dataclass(frozen=True, slots=True)
class RunFlushed:
    """A run is durable: its records, its outputs, and where the time went (seconds)."""

    stage: str
    partition: int
    records: int
    outputs: int
    fold_seconds: float
    transaction_seconds: float
    store_seconds: float


@dataclass(frozen=True, slots=True)
class ShardOpened:
    """A partition is ours and restored: `replayed` changelog records, from `kept` local state or from nothing."""

    stage: str
    partition: int
    replayed: int
    kept: bool
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ShardClosed:
    """A partition was given back."""

    stage: str
    partition: int
