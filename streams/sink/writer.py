"""Writes batches of a topic into the store. Waits for a store that is away, for as long as it takes; never drops."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from store import Store, StoreUnavailable
from streams.sink.rows import TABLES, Row, rows_of

MAX_ROWS = 50_000
"""Rows of one insert at most."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds between two tries: doubled each time, half of it by chance so that several sinks do not knock together."""


@dataclass(frozen=True)
class RowsWritten:
    """Fact: `rows` rows of a topic are in `table`, after `seconds` (waits included)."""

    topic: str
    table: str
    rows: int
    seconds: float


@dataclass(frozen=True)
class StoreAway:
    """Fact: the store could not take a batch of `rows`; it is tried again in `wait` seconds."""

    topic: str
    rows: int
    attempt: int
    wait: float
    reason: str


class SinkWriter:
    """Inserts a sink's batches into `store`.

    `raw` is the raw namespace that it reads (for the topics that generations share); `observe` takes the facts above.
    """

    def __init__(
        self,
        store: Store,
        *,
        raw: str = "",
        observe: Callable[[object], None] = lambda _: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._raw = raw
        self._observe = observe
        self._sleep = sleep

    async def write(self, topic: str, values: Sequence[bytes]) -> None:
        """Insert the messages of contract topic `topic`; returns once the store has all of them.

        Retries for ever while the store is unavailable. Raises StoreRefused, and msgspec.ValidationError for a message
        that is not the topic's: both are defects, and nothing may be acknowledged after them.
        """
        rows = await asyncio.to_thread(rows_of, topic, values, self._raw)
        for first in range(0, len(rows), MAX_ROWS):
            await self._insert(topic, rows[first : first + MAX_ROWS])

    async def _insert(self, topic: str, rows: Sequence[Row]) -> None:
        table = TABLES[topic]
        began = time.monotonic()
        attempt = 0
        while True:
            try:
                await asyncio.to_thread(self._store.insert, table.table, table.columns, rows)
            except StoreUnavailable as error:
                attempt += 1
                wait = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT) * (0.5 + random.random() / 2)  # noqa: S311
                self._observe(StoreAway(topic, len(rows), attempt, wait, str(error)))
                await self._sleep(wait)
            else:
                self._observe(RowsWritten(topic, table.table, len(rows), time.monotonic() - began))
                return
