"""Negative controls: five ways to count that pass a schedule without faults and fail it with them, by a number.

Each control is fed words, struck, fed again, and drained; its count is compared with what was fed. The engine itself
goes through the strikes of the two engines that were spoilt, and must pass them.
"""

import asyncio
import json
import os
import random
import signal
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.connections import KafkaConnection
from store.connect import connect
from tests.faults.controls import engine_app, faust_app, summing_app
from tests.faults.proxy import Loss, Proxy, insert_noted
from tests.faults.report import say
from tests.faults.running import ClickHouse, FaultyKafka, Running, kafka_in
from tests.faults.stack import PATIENCE

WORDS = tuple(f"w{n}" for n in range(20))
FIRST, SECOND = 600, 200
"""Lines fed before and after the strike."""


@dataclass(frozen=True)
class Counted:
    """What a control counted of what it was fed."""

    name: str
    faults: bool
    fed: int
    counted: int

    @property
    def differs(self) -> int:
        """How far it is off."""
        return self.counted - self.fed


class Ground:
    """Broker and store of the controls, and the topics and words of one of them at a time."""

    def __init__(self, folder: Path, libs: Path) -> None:
        self.folder = folder
        self.broker: FaultyKafka
        self.broker, _ = kafka_in(folder, libs)
        self.clickhouse = ClickHouse(folder / "clickhouse")
        self.proxy = Proxy(self.clickhouse.port, framed=False)
        self.processes: list[Running] = []
        self.name = ""
        self.fed = 0
        self._draw = random.Random(5)

    @property
    def kafka(self) -> KafkaConnection:
        """The broker."""
        return self.broker.connection

    @property
    def strike_file(self) -> Path:
        """See `engine_app`."""
        return self.folder / f"{self.name}.strike"

    async def start(self) -> None:
        """Start broker and store."""
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.proxy.start()
        await asyncio.gather(
            asyncio.to_thread(self.broker.start, self.folder / "kafka.log", lambda _line: None),
            asyncio.to_thread(self.clickhouse.start),
        )

    async def stop(self) -> None:
        """End every process."""
        await self.end()
        await self.proxy.stop()
        await asyncio.to_thread(self.clickhouse.stop)
        await asyncio.to_thread(self.broker.stop)

    async def end(self) -> None:
        """End the control's processes."""
        for one in self.processes:
            await asyncio.to_thread(one.stop, 5.0)
        self.processes = []

    async def begin(self, kind: str) -> None:
        """Name a control anew, with topics of its own."""
        self.name, self.fed = f"{kind}-{uuid.uuid4().hex[:6]}", 0
        admin = AIOKafkaAdminClient(**self.kafka.client_options())
        await admin.start()
        compacted = {"cleanup.policy": "compact"}
        await admin.create_topics(
            [
                NewTopic(f"{self.name}-in", 1, 1),
                NewTopic(f"{self.name}-out", 1, 1),
                NewTopic(f"{self.name}-changelog", 1, 1, topic_configs=compacted),
                NewTopic(f"{self.name}-counts-changelog", 1, 1, topic_configs=compacted),
            ]
        )
        await admin.close()

    def run(self, command: Sequence[str]) -> Running:
        """Start a process of the control; it is started again when it ends."""
        log = self.folder / f"{self.name}-{len(self.processes)}.log"
        made = Running(f"{self.name}-{len(self.processes)}", command, dict(os.environ), log)
        self.processes.append(made)
        made.start()
        return made

    async def feed(self, lines: int) -> None:
        """Append lines of three words."""
        producer = AIOKafkaProducer(**self.kafka.client_options(), linger_ms=2)
        await producer.start()
        for _ in range(lines):
            await producer.send(f"{self.name}-in", " ".join(self._draw.choices(WORDS, k=3)).encode())
        await producer.stop()
        self.fed += 3 * lines

    async def last_values(self, topic: str) -> dict[bytes, bytes]:
        """Last committed value of each key."""
        consumer = AIOKafkaConsumer(**self.kafka.client_options(), isolation_level="read_committed")
        await consumer.start()
        tp = TopicPartition(f"{self.name}-{topic}", 0)
        end = (await consumer.end_offsets([tp]))[tp]
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        found: dict[bytes, bytes] = {}
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, ()):
                found[record.key] = record.value
        await consumer.stop()
        return found

    async def settled(self, count: Callable[[], Awaitable[int]], quiet: float = 8.0, longest: float = 60.0) -> int:
        """Wait until the count has all that was fed, or has moved for the last time; return it."""
        loop = asyncio.get_running_loop()
        began = moved = loop.time()
        before = -1
        while True:
            now = await count()
            if now != before:
                before, moved = now, loop.time()
            still = loop.time() - moved
            if (now >= self.fed and still > 3) or (now > 0 and still > quiet * PATIENCE):
                return now
            if loop.time() - began > longest * PATIENCE:
                return now
            await asyncio.sleep(0.5)

    async def reached(self, count: Callable[[], Awaitable[int]], least: int, longest: float = 60.0) -> bool:
        """Wait until the count is `least` or more; whether it came so far in time."""
        deadline = time.monotonic() + longest * PATIENCE
        while await count() < least:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
        return True


async def restart(app: Running) -> None:
    """SIGKILL, and start again."""
    await asyncio.to_thread(app.kill)
    app.start()


async def increment(ground: Ground, *, faults: bool) -> Counted:
    """`+=` on a Faust table, killed in between."""
    await ground.begin("increment")

    async def count() -> int:
        return sum(int(json.loads(value)) for value in (await ground.last_values("counts-changelog")).values())

    options = faust_app.Options(
        ground.kafka.bootstrap, ground.name, "increment", str(ground.folder / ground.name), ground.clickhouse.url
    )
    await ground.feed(FIRST)
    app = ground.run(options.command())
    for share in (0.3, 0.6) if faults else ():
        while not await ground.reached(count, int(share * ground.fed), 15.0):
            await restart(app)  # it may hang after a kill: to be off by a number it must go on
        await restart(app)
    await ground.feed(SECOND)
    return Counted("`+=` on a Faust table", faults, ground.fed, await ground.settled(count))


async def take(ground: Ground, *, faults: bool) -> Counted:
    """`take()` before a store that is away for a moment."""
    await ground.begin("take")
    table = ground.name.replace("-", "_")
    store = connect(ground.clickhouse.url, ground.folder)
    await asyncio.to_thread(store.command, f"CREATE TABLE {table} (word String) ENGINE = Log")

    async def count() -> int:
        return int(str((await asyncio.to_thread(store.query, f"SELECT count() FROM {table}"))[0][0]))

    options = faust_app.Options(
        ground.kafka.bootstrap,
        ground.name,
        "take",
        str(ground.folder / ground.name),
        ground.clickhouse.url_at(ground.proxy.port),
    )
    await ground.feed(FIRST)
    ground.run(options.command())
    await ground.reached(count, 1)
    if faults:
        await ground.reached(count, 3 * FIRST)
        ground.proxy.refusing = True
        ground.proxy.cut()
        await ground.feed(100)
        await _until(lambda: ground.proxy.refused > 0)
        await asyncio.sleep(1)
        ground.proxy.heal()
    await ground.feed(SECOND)
    counted = await ground.settled(count)
    await asyncio.to_thread(store.close)
    return Counted("`take()`", faults, ground.fed, counted)


async def zombie(ground: Ground, *, faults: bool, kind: str = "unfenced") -> Counted:
    """Stopped with a flush half done, past its session; woken when its successor has gone on."""
    await ground.begin(kind)

    async def count() -> int:
        return sum(int(value) for value in (await ground.last_values("out")).values())

    await ground.feed(FIRST // 2)
    first = ground.run(_engine(ground, kind, "a").command())
    await ground.reached(count, 3 * FIRST // 2)
    if faults:
        ground.strike_file.write_text(str(int(signal.SIGSTOP)), "utf-8")
    await ground.feed(FIRST // 2)
    if faults:
        await _until(lambda: not ground.strike_file.exists())
        ground.run(_engine(ground, kind, "b").command())
        await ground.feed(SECOND)
        await ground.reached(count, ground.fed)
        first.wanted = False
        first.signal(signal.SIGCONT)
        await asyncio.sleep(6)
    else:
        await ground.feed(SECOND)
    return Counted(_told(kind, "a zombie writes"), faults, ground.fed, await ground.settled(count))


async def half_flushed(ground: Ground, *, faults: bool, kind: str = "untransacted") -> Counted:
    """Killed with a flush half done; the next start goes on from the changelog."""
    await ground.begin(kind)

    async def count() -> int:
        return sum(int(value) for value in (await ground.last_values("out")).values())

    await ground.feed(FIRST // 2)
    app = ground.run(_engine(ground, kind, "a").command())
    await ground.reached(count, 3 * FIRST // 2)
    if faults:
        ground.strike_file.write_text(str(int(signal.SIGKILL)), "utf-8")
    await ground.feed(FIRST // 2)
    if faults:
        await _until(lambda: not ground.strike_file.exists())
        await _until(lambda: app.pid is None)
        app.start()
    await ground.feed(SECOND)
    return Counted(_told(kind, "killed in a flush"), faults, ground.fed, await ground.settled(count))


async def summing(ground: Ground, *, faults: bool) -> Counted:
    """A summing view, and inserts whose answers are lost."""
    await ground.begin("summing")
    store = connect(ground.clickhouse.url, ground.folder)
    await asyncio.to_thread(summing_app.create, store, ground.name)
    view = ground.name.replace("-", "_") + "_sum"

    async def count() -> int:
        return int(str((await asyncio.to_thread(store.query, f"SELECT sum(n) FROM {view}"))[0][0] or 0))

    await ground.feed(FIRST)
    loss = Loss(2 if faults else 0)
    ground.proxy.up, ground.proxy.down = insert_noted, loss.insert_answer
    url = ground.clickhouse.url_at(ground.proxy.port)
    ground.run(summing_app.Options(ground.kafka.bootstrap, ground.name, url).command())
    await ground.reached(count, 1)
    await _until(lambda: not loss.left)
    ground.proxy.heal()
    await ground.feed(SECOND)
    counted = await ground.settled(count)
    await asyncio.to_thread(store.close)
    return Counted("inserting into a summing view", faults, ground.fed, counted)


def _engine(ground: Ground, kind: str, member: str) -> engine_app.Options:
    state = str(ground.folder / f"{ground.name}-{member}")
    return engine_app.Options(ground.kafka.bootstrap, ground.name, kind, state, str(ground.strike_file))


def _told(kind: str, strike: str) -> str:
    names = {"unfenced": "an unfenced producer", "untransacted": "a flush without the transaction"}
    return names.get(kind, f"the engine itself: {strike}")


async def _until(look: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds * PATIENCE):
        while not look():
            await asyncio.sleep(0.1)


def told(one: Counted) -> Counted:
    """Print a control's count, and return it."""
    faults = "with" if one.faults else "without"
    say(f"  {one.name:<40} {faults:<7} faults: {one.counted} counted of {one.fed}, {one.differs:+d}")
    return one


async def every(folder: Path, libs: Path) -> list[Counted]:
    """Run each control without and with faults, and the engine with the strikes of the spoilt ones."""
    ground = Ground(folder, libs)
    found: list[Counted] = []
    try:
        await ground.start()
        for control in (increment, take, zombie, half_flushed, summing):
            for faults in (False, True):
                found.append(told(await control(ground, faults=faults)))
                await ground.end()
        for strike in (zombie, half_flushed):
            found.append(told(await strike(ground, faults=True, kind="exact")))
            await ground.end()
    finally:
        await ground.stop()
    return found
