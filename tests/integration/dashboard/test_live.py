import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from dashboard.app import build
from dashboard.live.agent import CATCHING_UP_RECORDS
from schemas.connections import KafkaConnection
from schemas.messages import Count
from schemas.topics import Namespace
from store import Store
from tests.integration.dashboard.sample_market import Sample, make, pour

NOW = datetime(2026, 3, 4, 14, 20, 30, tzinfo=UTC)


class Sink:
    """A sink that writes and commits when the test says so."""

    def __init__(self, kafka: KafkaConnection, namespace: Namespace, store: Store) -> None:
        self._kafka = kafka
        self._namespace = namespace
        self._store = store

    async def take(self, topic: str, values: Sequence[bytes], offset: int) -> None:
        """Write `values` of `topic` into the store, then commit `offset`."""
        await asyncio.to_thread(pour, self._store, {topic: list(values)})
        await commit(self._kafka, self._namespace.group("sink"), self._namespace.topic(topic), offset)


async def commit(kafka: KafkaConnection, group: str, topic: str, offset: int) -> None:
    """Commit an offset of partition 0 in a group's name."""
    consumer = AIOKafkaConsumer(**kafka.client_options(), group_id=group, enable_auto_commit=False)
    await consumer.start()
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    await consumer.commit({partition: offset})
    await consumer.stop()


class Viewer:
    """A client of the stream that remembers the newest figures."""

    def __init__(self, client: TestClient, query: str = "?events=figures") -> None:
        self._client = client
        self._query = query
        self.events: list[tuple[str, Any]] = []
        self._response: Any = None

    async def open(self) -> "Viewer":
        """Connect, as soon as the board is there."""
        for _ in range(2400):
            self._response = await self._client.get(f"/stream{self._query}")
            if self._response.status == 200:
                return self
            await asyncio.sleep(0.05)
        pytest.fail("the board was never loaded")

    async def next(self) -> tuple[str, Any]:
        """The next event."""
        name, data = "", ""
        while True:
            line = (await self._response.content.readline()).decode()
            if line.startswith("event: "):
                name = line[7:].strip()
            elif line.startswith("data: "):
                data = line[6:]
            elif not line.strip() and name:
                self.events.append((name, msgspec.json.decode(data)))
                return self.events[-1]

    async def until(self, wanted: Any) -> dict[str, Any]:  # noqa: ANN401 - a predicate over decoded JSON
        """The first figures for which `wanted` holds."""
        async with asyncio.timeout(120):
            while True:
                _, figures = await self.next()
                if wanted(figures):
                    return figures


@asynccontextmanager
async def serving(
    store: Store, kafka: KafkaConnection, namespace: Namespace, clock: Callable[[], datetime] = lambda: NOW
) -> AsyncIterator[TestClient]:
    """The application on a real broker, at a clock that stands still unless the test moves it."""
    async with TestClient(TestServer(build(store=store, kafka=kafka, namespace=namespace, clock=clock))) as client:
        yield client


async def produce(kafka: KafkaConnection, topic: str, values: Sequence[bytes]) -> int:
    """Send to partition 0; returns the offset after the last."""
    producer = AIOKafkaProducer(**kafka.client_options())
    await producer.start()
    sent = [
        await producer.send(topic, value=value, key=str(place).encode(), partition=0)
        for place, value in enumerate(values)
    ]
    last = (await sent[-1]).offset
    await producer.stop()
    return int(last) + 1


def encoded(counts: Sequence[Count]) -> list[bytes]:
    """Counts as they travel."""
    return [msgspec.json.encode(count) for count in counts]


def shown(sample: Sample, figures: dict[str, Any]) -> bool:
    """Whether the figures equal the recount of the sample."""
    return all(figures[side]["stock"] == sample.stock(side, NOW) for side in ("offer", "seeker"))


async def test_cells_arrive_before_the_sink_writes_them(
    chdb: Store, kafka: KafkaConnection, namespace: Namespace
) -> None:
    """Cells of today move the figures at once, though the sink is stopped; cells in store and stream count once."""
    sample = make(31, now=NOW, vacancies=300, today=100, generation=namespace.generation)
    midnight = NOW.replace(hour=0, minute=0, second=0)
    past = [one for one in sample.counts if one.start < midnight]
    today = [one for one in sample.counts if one.start >= midnight]
    half = len(today) // 2
    sink = Sink(kafka, namespace, chdb)
    topic = namespace.topic("market-counts")
    after_past = await produce(kafka, topic, encoded(past))
    await produce(kafka, topic, encoded(today[:half]))
    await sink.take("market-counts", encoded(past), after_past)
    await asyncio.to_thread(pour, chdb, {"market-counts": encoded(today[: half // 2])})  # written, not yet committed
    async with serving(chdb, kafka, namespace) as client:
        viewer = await Viewer(client).open()
        older = [one for one in sample.older if one.start >= midnight]
        await produce(kafka, topic, encoded([*today[half:], *older]))
        figures = await viewer.until(lambda figures: shown(sample, figures))
    assert figures["offer"]["opened_today"] == sample.opened("offer", midnight, NOW)


async def test_a_changed_past_is_summed_again_once_the_sink_has_it(
    chdb: Store, kafka: KafkaConnection, namespace: Namespace
) -> None:
    """A cell of an earlier day shows as soon as the sink is past it, and then figures and SQL name the same state."""
    sample = make(32, now=NOW, vacancies=300, generation=namespace.generation)
    sink = Sink(kafka, namespace, chdb)
    cut = len(sample.counts) // 2
    topic = namespace.topic("market-counts")
    after_first = await produce(kafka, topic, encoded(sample.counts[:cut]))
    await sink.take("market-counts", encoded(sample.counts[:cut]), after_first)
    async with serving(chdb, kafka, namespace) as client:
        viewer = await Viewer(client).open()
        after_all = await produce(kafka, topic, encoded(sample.counts[cut:]))
        await asyncio.sleep(1)
        await sink.take("market-counts", encoded(sample.counts[cut:]), after_all)
        figures = await viewer.until(lambda figures: shown(sample, figures))
        summary = await (await client.get("/api/v1/summary")).json()
        assert figures["revision"] == summary["revision"]
        health = await (await client.get("/api/v1/health")).json()
    assert health["dependencies"]["kafka"]["state"] == "ok"
    assert health["dependencies"]["sink"]["topics"]["market-counts"] == 0


async def test_a_wall_opened_during_a_backlog_never_mixes_days(
    chdb: Store, kafka: KafkaConnection, namespace: Namespace
) -> None:
    """History comes in with the sink far behind: no stock is below zero, what is to go is told, the end is right."""
    sample = make(35, now=NOW, vacancies=300, generation=namespace.generation)
    in_order = sorted(sample.counts, key=lambda one: (one.opened == 0, one.start))  # closings after all openings
    half = len(in_order) // 2
    sink = Sink(kafka, namespace, chdb)
    raw, counts = namespace.topic("postings-raw"), namespace.topic("market-counts")
    to_come = await produce(kafka, raw, [b"{}"] * (CATCHING_UP_RECORDS + 1))
    async with serving(chdb, kafka, namespace) as client:
        viewer = await Viewer(client).open()
        await produce(kafka, counts, encoded(in_order[:half]))
        end = await produce(kafka, counts, encoded(in_order[half:]))
        behind = await viewer.until(lambda figures: figures["catching_up"] > CATCHING_UP_RECORDS)
        assert behind["offer"]["stock"] == behind["seeker"]["stock"] == 0
        await commit(kafka, namespace.group("streams"), raw, to_come)
        waiting = await viewer.until(lambda figures: 0 < figures["catching_up"] <= CATCHING_UP_RECORDS)
        assert waiting["catching_up"] == end
        await sink.take("market-counts", encoded(in_order[:half]), half)
        await sink.take("market-counts", encoded(in_order[half:]), end)
        await viewer.until(lambda figures: shown(sample, figures) and not figures["catching_up"])
        health = await (await client.get("/api/v1/health")).json()
    assert health["dependencies"]["streams"]["lag"] == 0
    said = [figures for _, figures in viewer.events]
    assert all(one[side]["stock"] >= 0 for one in said for side in ("offer", "seeker"))
    assert all(region[side] >= 0 for one in said for region in one["regions"] for side in ("offer", "seeker"))


async def test_subscribers_get_every_record_after_the_snapshot(
    chdb: Store, kafka: KafkaConnection, namespace: Namespace
) -> None:
    """A subscriber sees each cell and alert that comes after its snapshot, in order, with the offset as event id."""
    sample = make(33, now=NOW, vacancies=40, generation=namespace.generation)
    async with serving(chdb, kafka, namespace) as client:
        viewer = await Viewer(client, "?events=market-counts,market-alerts").open()
        assert (await viewer.next())[0] == "snapshot"
        await produce(kafka, namespace.topic("market-counts"), encoded(sample.counts))
        await produce(kafka, namespace.topic("market-alerts"), sample.messages()["market-alerts"])
        seen: dict[str, list[Any]] = {"market-counts": [], "market-alerts": []}
        async with asyncio.timeout(120):
            while sum(map(len, seen.values())) < len(sample.counts) + len(sample.alerts):
                name, body = await viewer.next()
                seen[name].append(body)
        again = await Viewer(client).open()
        figures = await again.until(lambda figures: len(figures["alerts"]) == 3)
    assert seen["market-counts"] == [msgspec.json.decode(value) for value in encoded(sample.counts)]
    assert [alert["id"] for alert in seen["market-alerts"]] == [alert.id for alert in sample.alerts]
    assert [alert["event"] for alert in figures["alerts"]] == ["started", "started", "ended"]


async def test_a_new_day_begins_from_the_store(chdb: Store, kafka: KafkaConnection, namespace: Namespace) -> None:
    """Past midnight the wall stands on the days before the new one, and new cells go on moving it."""
    sample = make(34, now=NOW, vacancies=300, generation=namespace.generation)
    tomorrow = NOW + timedelta(days=1)
    midnight = tomorrow.replace(hour=0, minute=0, second=0)
    late = [one for one in sample.counts if one.start >= midnight][:40]
    early = [one for one in sample.counts if one not in late]
    topic = namespace.topic("market-counts")
    after_early = await produce(kafka, topic, encoded(early))
    await Sink(kafka, namespace, chdb).take("market-counts", encoded(early), after_early)
    now = [NOW]
    async with serving(chdb, kafka, namespace, lambda: now[0]) as client:
        viewer = await Viewer(client).open()
        assert (await viewer.next())[1]["offer"]["stock"] == sample.stock("offer", NOW)
        now[0] = tomorrow
        await viewer.until(lambda figures: figures["as_of"] >= "2026-03-05")
        await produce(kafka, topic, encoded(late))
        figures = await viewer.until(
            lambda figures: all(figures[side]["stock"] == sample.stock(side, tomorrow) for side in ("offer", "seeker"))
        )
    assert figures["offer"]["opened_today"] == 0
    assert figures["offer"]["closed_today"] == sample.closed("offer", midnight, tomorrow)
