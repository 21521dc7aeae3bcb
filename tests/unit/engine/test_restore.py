import asyncio
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.engine.errors import Stalled
from streams.engine.restore import _replay
from streams.engine.state import LocalState


class Consumer:
    """A consumer of an empty-handed fetcher, whose own task has `ended`."""

    def __init__(self, ended: "asyncio.Future[None]") -> None:
        self._fetcher = SimpleNamespace(_records={}, error_future=ended, _create_fetch_waiter=asyncio.Future)

    def assign(self, _tps: list[TopicPartition]) -> None: ...

    def seek(self, _tp: TopicPartition, _offset: int) -> None: ...

    async def position(self, _tp: TopicPartition) -> int:
        return 0

    async def getmany(self, _tp: TopicPartition, timeout_ms: int) -> dict[TopicPartition, Any]:
        await asyncio.sleep(timeout_ms)
        return {}


async def test_a_restore_whose_fetcher_has_ended_ends_too(tmp_path: Path) -> None:
    """Nothing would ever come: the worker must end, to be started again. One that still runs is waited for."""
    state = LocalState(tmp_path)
    ended: asyncio.Future[None] = asyncio.Future()

    def reading() -> Coroutine[Any, Any, Any]:
        return _replay(Consumer(ended), TopicPartition("changelog", 0), 0, 10, state, None)  # type: ignore[arg-type]

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await reading()
    ended.set_exception(OSError("no more"))
    with pytest.raises(Stalled, match="no more"):
        async with asyncio.timeout(5):
            await reading()
    state.close()
