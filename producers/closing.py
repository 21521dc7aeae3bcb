"""Kafka's clients that are no longer used, closed in the background.

aiokafka's `stop` waits for what a client still holds, and one that is given up half-way leaves its tasks running: a
consumer would be a member of its group for ever. So it is never given up, only no longer waited for.
"""

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka.errors import KafkaError


class Closing:
    """The clients of one owner that are being closed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, client: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
        """Begin to close a producer or consumer."""
        task = asyncio.create_task(_stop(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self, seconds: float) -> None:
        """Return once all are closed, or after so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)


async def _stop(client: Any) -> None:  # noqa: ANN401
    with suppress(KafkaError, OSError, TimeoutError):
        await client.stop()
