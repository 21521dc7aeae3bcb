"""Faults of the broker and of the way to it. Each returns whether its effect was observed."""

import asyncio
import random
import signal

import psutil

from deploy.kafka.broker import answers
from tests.faults.proxy import Loss, slow_transactions
from tests.faults.stack import Stack, until


async def restarted(stack: Stack, draw: random.Random) -> bool:
    """End the broker, by SIGTERM or SIGKILL, and start another on its files."""
    before = stack.broker.pid()
    if before is not None and draw.random() < 0.5:
        dying = psutil.Process(before)
        dying.kill()
        await asyncio.to_thread(dying.wait, 180)  # until it is gone it holds its ports
    await asyncio.to_thread(stack.broker.stop)
    await asyncio.to_thread(stack.start_broker)
    return before is not None and stack.broker.pid() not in (None, before)


async def away(stack: Stack, _draw: random.Random, seconds: float = 60.0) -> bool:
    """No broker for a minute."""
    await asyncio.to_thread(stack.broker.stop)
    try:
        gone = not await answers(stack.kafka)
        await asyncio.sleep(max(seconds * stack.scale, 5))
    finally:
        await asyncio.to_thread(stack.start_broker)
    return gone


async def stopped(stack: Stack, _draw: random.Random, seconds: float = 15.0) -> bool:
    """The broker takes connections and answers nothing."""
    stack.signal_broker(signal.SIGSTOP)
    try:
        deaf = not await answers(stack.kafka)
        await asyncio.sleep(max(seconds * stack.scale, 4))
    finally:
        stack.signal_broker(signal.SIGCONT)
    return deaf


async def coordinator_slow(stack: Stack, draw: random.Random) -> bool:
    """A worker whose transaction calls each take a second or two."""
    first = stack.worker
    delay = draw.uniform(1.0, 2.0)
    stack.kafka_proxy.up = slow_transactions(delay)
    try:
        slow = stack.add_worker(kafka=f"127.0.0.1:{stack.kafka_proxy.port}")
        await until(lambda: slow.facts(0, "shard opened"), 40)
        await stack.only(slow)
        flushed = await until(
            lambda: [fact for fact in slow.facts(0, "run flushed") if fact["transaction_seconds"] >= delay], 30
        )
    finally:
        stack.kafka_proxy.heal()
        first.start()
        await asyncio.to_thread(slow.stop)
    return bool(flushed)


async def answers_lost(stack: Stack, draw: random.Random) -> bool:
    """The producers' batches are written, their acknowledgements dropped: they are sent again."""
    loss = Loss(draw.randint(2, 5))
    stack.kafka_proxy.down = loss.produce_answer
    try:
        await until(lambda: not loss.left, 30)
    finally:
        stack.kafka_proxy.heal()
    before = len(stack.sent)
    await until(lambda: len(stack.sent) > before, 20)
    return loss.lost > 0
