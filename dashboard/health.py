"""What `/health` says of each dependency. Pure: measurements in, verdicts out."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from dashboard.live.fetch import Lag

State = Literal["ok", "degraded", "down"]

SLOW_STORE_SECONDS = 2.0
LAGGING_OFFSETS = 50_000
"""One full batch of the sink: more than that waits."""
SILENT_SECONDS = 30.0


class Dependency(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dependency: its state, a sentence where it is not ok, and what was measured."""

    state: State
    detail: str = ""
    seconds: float | None = None
    lag: int | None = None
    topics: dict[str, int] | None = None
    clients: int | None = None


def of_store(seconds: float | None, error: str) -> Dependency:
    """Judge the store by a query that took `seconds` (None: it failed with `error`)."""
    if seconds is None:
        return Dependency("down", error)
    if seconds > SLOW_STORE_SECONDS:
        return Dependency("degraded", "slow", round(seconds, 3))
    return Dependency("ok", seconds=round(seconds, 3))


def of_reader(name: str, lags: Sequence[Lag]) -> Dependency:
    """Judge a group of consumers by how far it is behind, in offsets (transaction markers leave a few at rest)."""
    behind = sum(lag.behind for lag in lags)
    topics = {lag.topic: lag.behind for lag in lags}
    if behind > LAGGING_OFFSETS:
        return Dependency("degraded", f"{name} behind", lag=behind, topics=topics)
    return Dependency("ok", lag=behind, topics=topics)


def of_live(age: float | None, reason: str, clients: int) -> Dependency:
    """Judge the live feed by the seconds since it last heard from its source."""
    if age is None:
        return Dependency("down", reason or "not loaded yet", clients=clients)
    if age > SILENT_SECONDS:
        return Dependency("degraded", reason or "silent", round(age, 3), clients=clients)
    return Dependency("ok", seconds=round(age, 3), clients=clients)


def worst(dependencies: Sequence[Dependency]) -> State:
    """Return the worst state of all."""
    states = {dependency.state for dependency in dependencies}
    return "down" if "down" in states else "degraded" if "degraded" in states else "ok"
