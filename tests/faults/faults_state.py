"""Faults of the local rows and of the changelog behind them. Each returns whether its effect was observed."""

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.markers import Readback
from schemas.topics import topics
from streams.engine.state import Local, LocalState
from tests.faults.faults_worker import discard_state
from tests.faults.running import Fact, Running
from tests.faults.stack import LIVE, Stack, copy_state, until


async def lost(stack: Stack, _draw: random.Random) -> bool:
    """The machine's disk is gone."""
    victim = await _ended(stack)
    discard_state(stack, victim)
    opened = await _started(victim)
    return all(not fact["kept"] for fact in opened) and any(fact["replayed"] > 0 for fact in opened)


async def old(stack: Stack, _draw: random.Random) -> bool:
    """Rows restored from a copy made a while ago."""
    victim = await _ended(stack)
    state = stack.place.folder / victim.name / "state"
    saved = state.with_name("state-old")
    copy_state(state, saved)
    await _started(victim)
    await asyncio.sleep(4)
    await _ended(stack)
    copy_state(saved, state)
    shutil.rmtree(saved)
    opened = await _started(victim)
    return any(fact["kept"] and fact["replayed"] > 1 for fact in opened)


async def corrupt(stack: Stack, draw: random.Random) -> bool:
    """Nonsense in the database's files."""
    victim = await _ended(stack)
    for manifest in (stack.place.folder / victim.name / "state").rglob("MANIFEST-*"):
        manifest.write_bytes(draw.randbytes(100))
    opened = await _started(victim)
    return all("unreadable local rows" in fact["reason"] for fact in opened if fact["replayed"])


async def ahead(stack: Stack, _draw: random.Random) -> bool:
    """Rows that claim a marker beyond the changelog's end, with a value that no changelog holds."""
    victim = await _ended(stack)
    for path in _databases(stack.place.folder / victim.name / "state"):
        _claim(path)
    opened = await _started(victim)
    return any("ahead of the changelog" in fact["reason"] for fact in opened)


def _claim(path: Path) -> None:
    state = LocalState(path)
    local = state.local()
    if local is not None:
        state.write(
            {b"nothing of ours": b"1"},
            Local(local.identity, local.marker_offset + 1_000_000, local.marker, local.saved_at),
        )
    state.close()


def _databases(state: Path) -> list[Path]:
    return sorted(current.parent for current in state.rglob("CURRENT"))


async def _ended(stack: Stack) -> Running:
    victim = stack.worker
    await stack.only(victim)
    await asyncio.to_thread(victim.kill)
    return victim


async def _started(victim: Running) -> list[Fact]:
    """Start it, and return what it says of each shard that it opened."""
    mark = victim.mark()
    victim.start()
    await until(lambda: len(victim.facts(mark, "shard opened")) >= 8, 45)
    return victim.facts(mark, "shard opened")


async def disk_full(stack: Stack, _draw: random.Random) -> bool:
    """A worker's rows lie on a small tmpfs that fills up; there is room again later."""
    if os.geteuid() != 0:
        raise AssertionError("this fault needs root: it mounts a small tmpfs")
    small = stack.place.folder / "small"
    small.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(small)]
    await asyncio.to_thread(subprocess.run, mount, check=True)
    first = stack.worker
    try:
        cramped = stack.add_worker(data=small / "data")
        await until(lambda: cramped.facts(0, "shard opened"), 40)
        await stack.only(cramped)
        await until(lambda: len(cramped.facts(0, "shard opened")) >= 9, 40)
        mark = cramped.mark()
        _fill(small / "ballast")
        full = await until(lambda: _no_space(cramped, mark), 30)
        (small / "ballast").unlink()
        again = cramped.mark()
        await until(lambda: cramped.facts(again, "run flushed"), 60)
        first.start()
        await until(lambda: first.facts(0, "shard opened"), 40)
        await asyncio.to_thread(cramped.stop)
    finally:
        first.start()
        await asyncio.to_thread(cramped.kill)
        await asyncio.to_thread(subprocess.run, ["umount", "-l", str(small)], check=True)
    return bool(full)


def _fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(b"\0" * 4096)
            file.flush()


def _no_space(worker: Running, mark: int) -> bool:
    return any("No space left" in fact["reason"] for fact in worker.facts(mark, "worker ends"))


async def compacted(stack: Stack, _draw: random.Random) -> bool:
    """Let the broker compact the changelogs, lose the local rows, and restore from what is left."""
    names = [f"{stage}-changelog" for stage in ("ads", "market")]
    before = await _records(stack, names)
    await _configure(stack, names, {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01"})
    try:
        await asyncio.sleep(6)
        await until(lambda: _shrunk(stack, names, before), 30, every=1.0)
    finally:
        await _configure(stack, names, {})
    victim = await _ended(stack)
    discard_state(stack, victim)
    opened = await _started(victim)
    return 0 < sum(fact["replayed"] for fact in opened if fact["stage"] != "detect") < before


async def _shrunk(stack: Stack, names: list[str], before: int) -> bool:
    return await _records(stack, names) < before


async def _records(stack: Stack, names: list[str]) -> int:
    async with Readback(stack.kafka, LIVE) as readback:
        return sum([1 for name in names async for _ in readback.records(name)])


async def _configure(stack: Stack, names: list[str], changes: dict[str, str]) -> None:
    """Set topics to their contracts with `changes`."""
    admin = AIOKafkaAdminClient(**stack.kafka.client_options())
    await admin.start()
    kind = ConfigResourceType.TOPIC
    await admin.alter_configs(
        [ConfigResource(kind, LIVE.topic(name), configs={**topics()[name].config, **changes}) for name in names]
    )
    await admin.close()
