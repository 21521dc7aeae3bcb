import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from schemas.connections import KafkaConnection
from streams.engine.facts import FlushReached
from streams.engine.marker import Position
from streams.engine.shard import FoldShard, ShardContext
from streams.engine.stage import Output, Record, State
from streams.engine.state import LocalState
from tests.unit.engine.test_shards import FakeRecord


class Silent:
    """A stage that sends nothing and keeps nothing."""

    name = "silent"
    inputs = ("input",)

    def fold(self, _state: State, _run: Sequence[Record]) -> list[Output]:
        return []

    def verdict(self, _notes: Mapping[str, Any]) -> str | None:
        return None

    def resume(self, _notes: dict[str, Any]) -> None:
        pass


class FakeProducer:
    """A producer whose transactions always succeed."""

    async def begin(self) -> None:
        pass

    async def send(self, *_given: object) -> "FakeProducer":
        return self

    async def commit(self) -> None:
        pass

    async def last_offset(self) -> int:
        return 0


async def test_what_the_group_may_commit_is_durable(tmp_path: Path) -> None:
    """Until a flush is committed and stored the position stays where it was: a kill in between loses no claim."""
    seen: list[tuple[str, int | None]] = []

    def observe(fact: object) -> None:
        if isinstance(fact, FlushReached):
            seen.append((fact.step, shard.position("input")))

    context = ShardContext(KafkaConnection("127.0.0.1:1"), "test", {}, tmp_path, ThreadPoolExecutor(1), observe)
    shard = FoldShard(context, Silent(), "changelog", 0)
    shard._producer = FakeProducer()  # type: ignore[assignment]
    shard._state = LocalState(tmp_path / "rows")
    shard._positions = {"input": Position(3, "")}
    async with asyncio.timeout(60):
        await shard.process([FakeRecord(offset) for offset in range(5)])
    shard._state.close()
    assert seen == [("folded", 3), ("begun", 3), ("sent", 3), ("committed", 3), ("stored", 5)]
