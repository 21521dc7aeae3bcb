"""Faults of the store and of the sink before it. Each returns whether its effect was observed."""

import asyncio
import contextlib
import random
import signal

from store import StoreError
from tests.faults.proxy import Link, Loss, insert_noted, note_insert
from tests.faults.stack import Stack, until

TOO_MANY_PARTS = 252


async def killed_in_insert(stack: Stack, _draw: random.Random) -> bool:
    """SIGKILL ClickHouse when half of an insert's rows are sent; start it again."""
    struck = asyncio.Event()

    async def gate(link: Link, data: bytes) -> bytes | None:
        if note_insert(link, data) and not struck.is_set():
            struck.set()
            stack.clickhouse.kill()
            return None
        return data

    mark = stack.sink.mark()
    stack.store_proxy.up = gate
    try:
        async with asyncio.timeout(120):
            await struck.wait()
    finally:
        stack.store_proxy.heal()
        await asyncio.to_thread(stack.clickhouse.start)
    return await _repeated(stack, mark)


async def away(stack: Stack, _draw: random.Random, seconds: float = 120.0) -> bool:
    """Down for two minutes."""
    mark = stack.sink.mark()
    await asyncio.to_thread(stack.clickhouse.stop)
    try:
        await asyncio.sleep(max(seconds * stack.scale, 6))
    finally:
        await asyncio.to_thread(stack.clickhouse.start)
    return await _repeated(stack, mark)


async def slow(stack: Stack, _draw: random.Random) -> bool:
    """Each answer to an insert takes a second more."""

    async def gate(link: Link, data: bytes) -> bytes | None:
        if link.inserting:
            await asyncio.sleep(1.0)
        return data

    mark = stack.sink.mark()
    stack.store_proxy.up, stack.store_proxy.down = insert_noted, gate
    try:
        await until(lambda: any(fact["seconds"] >= 1 for fact in stack.sink.facts(mark, "rows written")), 20)
        await asyncio.sleep(3)
    finally:
        stack.store_proxy.heal()
    return True


async def too_many_parts(stack: Stack, _draw: random.Random) -> bool:
    """Stop merges and flood a table with small parts until ClickHouse refuses; then let it merge."""
    mark = stack.sink.mark()
    stack.flooded = True

    def flood() -> None:
        stack.store.command("SYSTEM STOP MERGES")
        for n in range(400):
            stack.store.insert("market_counts", ("generation", "version"), [("flood", n)])
            stack.store.insert("ads", ("generation", "version"), [("flood", n)])

    try:
        with contextlib.suppress(StoreError):
            await asyncio.to_thread(flood)
        await until(lambda: _refused(stack, mark), 25)
        return True
    finally:
        await asyncio.to_thread(stack.store.command, "SYSTEM START MERGES")
        for name in ("market_counts", "ads"):
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(stack.store.command, f"OPTIMIZE TABLE {name} FINAL")
        stack.flooded = False


def _refused(stack: Stack, mark: int) -> bool:
    return any("Too many parts" in fact["reason"] for fact in stack.sink.facts(mark, "store away"))


async def answer_lost(stack: Stack, draw: random.Random) -> bool:
    """Inserts succeed, and the sink never hears of it."""
    mark = stack.sink.mark()
    loss = Loss(draw.randint(2, 4))
    stack.store_proxy.up, stack.store_proxy.down = insert_noted, loss.insert_answer
    try:
        await until(lambda: not loss.left, 20)
    finally:
        stack.store_proxy.heal()
    return loss.lost > 0 and await _repeated(stack, mark)


async def sink_terminated_in_outage(stack: Stack, _draw: random.Random) -> bool:
    """SIGTERM while the store is away: it must end in ten seconds, with what it could not write uncommitted."""
    mark, endings = stack.sink.mark(), len(stack.sink.endings)
    stack.store_proxy.refusing = True
    stack.store_proxy.cut()
    try:
        await until(lambda: stack.sink.facts(mark, "store away"), 20)
        stack.sink.signal(signal.SIGTERM)
        await until(lambda: len(stack.sink.endings) > endings, 10)
    finally:
        stack.store_proxy.heal()
    return stack.sink.endings[endings] == 0


async def sink_killed(stack: Stack, _draw: random.Random) -> bool:
    """SIGKILL, in the middle of an insert if one comes by."""
    mark, endings = stack.sink.mark(), len(stack.sink.endings)
    stack.sink.signal(signal.SIGKILL)
    await until(lambda: stack.sink.facts(mark, "rows written"), 40)
    return stack.sink.endings[endings] == -signal.SIGKILL


async def _repeated(stack: Stack, mark: int) -> bool:
    """Whether an insert failed after the mark and the same rows were then written."""

    def look() -> bool:
        failed = stack.sink.facts(mark, "store away")
        written = {(fact["topic"], fact["rows"]) for fact in stack.sink.facts(mark, "rows written")}
        return any((fact["topic"], fact["rows"]) in written for fact in failed)

    return bool(await until(look, 45))
