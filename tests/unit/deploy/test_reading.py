from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from deploy import reading

PLACE = TopicPartition("t", 0)


class Consumer:
    """A consumer that brings what it was given, then nothing for ever, as one whose fetching has died."""

    def __init__(self, *runs: list[int]) -> None:
        self._runs = list(runs)
        self._position = 0

    async def position(self, _tp: TopicPartition) -> int:
        """Where the next record will be."""
        return self._position

    async def getmany(self, tp: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        """The next run."""
        assert timeout_ms > 0
        run = self._runs.pop(0) if self._runs else []
        self._position += len(run)
        return {tp: [SimpleNamespace(offset=offset) for offset in run]} if run else {}


async def read(consumer: Consumer, end: int) -> list[int]:
    """Offsets read up to `end`."""
    return [record.offset async for run in reading.runs(consumer, PLACE, end) for record in run]


async def test_a_stretch_is_read_to_its_end() -> None:
    """All that comes up to the end is read, pauses and all, and no more is asked for."""
    assert await read(Consumer([0, 1], [], [2], [3]), 3) == [0, 1, 2]


async def test_a_partition_that_falls_silent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where records are left and none come, the reader says where it stands instead of waiting for ever."""
    monkeypatch.setattr(reading, "SILENT_SECONDS", 0.01)
    with pytest.raises(KafkaTimeoutError, match="t partition 0 brings nothing after offset 2"):
        await read(Consumer([0, 1]), 3)
