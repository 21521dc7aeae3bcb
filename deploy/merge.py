"""Records of several partitions in the order in which they were logged. Pure; for a copy under other partitions.

The fold's clock is the running maximum of log times within a partition. Were one old partition copied after another,
the second one's records would meet a clock that is years ahead. Within an old partition the order never changes, so
that the records of a key stay in theirs.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar


class Logged(Protocol):
    """A record with its log time (ms)."""

    @property
    def timestamp(self) -> int: ...  # noqa: D102


Source = TypeVar("Source", bound=Hashable)
Record = TypeVar("Record", bound=Logged)


class Merge(Generic[Source, Record]):
    """Merges sources by log time. No record is taken while a source that has not come to its end of `ends` is empty."""

    def __init__(self, ends: Mapping[Source, int]) -> None:
        self._ends = dict(ends)
        self._waiting: dict[Source, deque[Record]] = {source: deque() for source in ends}
        self._clock: dict[Source, int] = dict.fromkeys(ends, 0)

    def buffered(self, source: Source) -> int:
        """Records of a source that were not taken yet."""
        return len(self._waiting[source])

    def offer(self, source: Source, records: Iterable[Record]) -> None:
        """Add records of a source, in its order."""
        self._waiting[source].extend(records)

    def passed(self, source: Source, position: int) -> None:
        """Say that a source was read up to `position`; from its end on nobody waits for it."""
        if position >= self._ends.get(source, 0):
            self._ends.pop(source, None)

    @property
    def at_ends(self) -> bool:
        """Whether every source was read to its end."""
        return not self._ends

    def take(self, most: int) -> list[tuple[Source, Record]]:
        """Up to `most` records that are next, with where they are from."""
        taken: list[tuple[Source, Record]] = []
        while len(taken) < most and all(self._waiting[source] for source in self._ends):
            heads = [(self._clock_of(source, waiting[0]), n, source) for n, (source, waiting) in self._heads()]
            if not heads:
                break
            clock, _, source = min(heads)
            self._clock[source] = clock
            taken.append((source, self._waiting[source].popleft()))
        return taken

    def _heads(self) -> Iterable[tuple[int, tuple[Source, deque[Record]]]]:
        return [(n, item) for n, item in enumerate(self._waiting.items()) if item[1]]

    def _clock_of(self, source: Source, record: Record) -> int:
        """A log time that went back (a broker's clock was set) counts as the greatest before it, as in the fold."""
        return max(self._clock[source], record.timestamp)
