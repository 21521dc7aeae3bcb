"""What a stage is to the engine: a pure fold over runs of records, and the values it speaks in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec


class Record(Protocol):
    """One consumed record, as aiokafka gives it; `timestamp` is in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Output(msgspec.Struct, frozen=True, gc=False):
    """A record to send: `topic` is Kafka's name. `value` None is a tombstone."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None


class State(Protocol):
    """The stage's rows, as seen by one run; writes are visible to later reads of the same run."""

    notes: dict[str, Any]
    """Small facts of the whole partition (clock, tallies), kept in the marker; JSON values only."""

    def get(self, key: bytes) -> bytes | None:
        """Value of a row, or None."""
        ...

    def put(self, key: bytes, value: bytes) -> None:
        """Write a row."""
        ...

    def delete(self, key: bytes) -> None:
        """Remove a row; removing a missing one is no error."""
        ...

    def prefetch(self, keys: Iterable[bytes]) -> None:
        """Read many rows at once, ahead of `get`."""
        ...

    def get_many(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """Values of many rows, None for each that is not there, in the order of `keys`."""
        ...

    def put_many(self, rows: Mapping[bytes, bytes]) -> None:
        """Write many rows."""
        ...

    def after(self, key: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Up to `limit` flushed rows whose key is greater than `key`, in key order.

        A sweep's view, blind to this run.
        """
        ...


class Stage(Protocol):
    """A deterministic fold: no wall clock, no randomness, no state but `state`."""

    @property
    def name(self) -> str:
        """The stage's name, as in its topics' contracts."""
        ...

    @property
    def inputs(self) -> Sequence[str]:
        """Kafka names of its input topics; partition p of all of them is folded together."""
        ...

    def fold(self, state: State, run: Sequence[Record]) -> Iterable[Output]:
        """Fold a run in order. May raise Refused only through `verdict`; bad records are values, not exceptions."""
        ...

    def verdict(self, notes: Mapping[str, Any]) -> str | None:
        """A reason to stop the worker after the flush that made these notes, or None."""
        ...

    def resume(self, notes: dict[str, Any]) -> None:
        """Clear what made `verdict` speak: the operator has decided to go on."""
        ...


@dataclass
class StageOptions:
    """How runs are cut; nothing here changes a result.

    A run is what `flush_seconds` can flush, from `min_run` to `max_run` records: a cheap fold gets long runs, that
    share a transaction, and a dear one short runs, that a stop or a rebalance waits for.
    """

    min_run: int = 500
    max_run: int = 8000
    flush_seconds: float = 1.0
    max_buffered_runs: int = 2
    fetch_wait_ms: int = 60
    """How long the broker gathers records for a fetch: less is quicker in a quiet flow, and dearer (performance.md)."""
    session_timeout: float = 8.0
    transaction_timeout_ms: int = 10_000
    stall_after: float = 90.0
    commit_interval: float = 1.0
