import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer

from dashboard.app import build
from dashboard.facts import RequestAnswered
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from store import Row, Store, StoreUnavailable
from tests.integration.dashboard.sample_market import make, pour

NOW = datetime(2026, 3, 4, 14, 20, 30, tzinfo=UTC)
RESOURCES = ["summary", "counts", "occupations/top", "regions", "alerts", "sources"]


@asynccontextmanager
async def serving(store: Store, facts: list[object] | None = None, **parts: object) -> AsyncIterator[TestClient]:
    """A client of the application over `store`, at a clock that stands still."""
    observe = [].append if facts is None else facts.append
    app = build(
        store=store,
        namespace=Namespace("sample"),
        clock=lambda: NOW,
        observe=observe,
        **({"kafka": None} | parts),  # type: ignore[arg-type]
    )
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def filled(chdb: Store) -> Store:
    """A store with a made-up market."""
    pour(chdb, make(21, now=NOW, vacancies=500).messages())
    return chdb


@pytest.mark.parametrize("resource", RESOURCES)
async def test_every_answer_says_when_and_of_what(filled: Store, resource: str) -> None:
    """Every answer carries the instant that it speaks of and its generation, and is never cached."""
    async with serving(filled) as client:
        response = await client.get(f"/api/v1/{resource}")
        body = await response.json()
    assert response.status == 200
    assert datetime.fromisoformat(body["as_of"]) == NOW
    assert body["generation"] == "sample"
    assert response.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


async def test_every_answer_names_the_sources_that_are_not_well(filled: Store) -> None:
    """Once the statuses are read, every resource's answer flags exactly the sources that are not ok."""
    sick = sorted(one.source for one in make(21, now=NOW, vacancies=500).statuses if one.state != "ok")
    assert sick
    async with serving(filled) as client, asyncio.timeout(120):
        while not (await client.get("/api/v1/summary")).headers["X-Marsad-Flagged"]:
            await asyncio.sleep(0.1)
        for resource in RESOURCES:
            response = await client.get(f"/api/v1/{resource}")
            assert response.headers["X-Marsad-Flagged"].split(",") == sick


async def test_a_source_flags_what_it_feeds_and_nothing_else(filled: Store) -> None:
    """Of a side, region and group only the sick sources are named that have a vacancy there; elsewhere none is."""
    sample = make(21, now=NOW, vacancies=500)
    sick = [one.source for one in sample.statuses if one.state != "ok"]
    fed = {
        (ad.source, one.side, region, (one.isco or "")[:1])
        for one in sample.vacancies
        for ad in one.ads
        for region in one.regions
    }
    known = {source for source, *_ in fed}
    everywhere = {(region, str(group)) for _, _, region, _ in fed for group in range(1, 10)}
    places = {(region, group) for source, side, region, group in fed if (source, side) == ("portail-3", "seeker")}
    asked_for = [*sorted(places & everywhere)[:3], *sorted(everywhere - places)[:3]]
    answers = set()
    async with serving(filled) as client, asyncio.timeout(240):
        while not (await client.get("/api/v1/summary")).headers["X-Marsad-Flagged"]:
            await asyncio.sleep(0.1)
        for region, group in asked_for:
            asked = {"side": "seeker", "region": region, "isco": group}
            told = (await client.get("/api/v1/counts", params=asked)).headers["X-Marsad-Flagged"]
            expected = [one for one in sick if one not in known or (one, "seeker", region, group) in fed]
            assert told == ",".join(sorted(expected)), asked
            answers.add(told)
    assert len(answers) > 1


async def test_the_past_can_be_asked_for(filled: Store) -> None:
    """`at` moves the instant: the stock of a moment is that of its cells."""
    sample = make(21, now=NOW, vacancies=500)
    at = NOW - timedelta(days=3, hours=2)
    async with serving(filled) as client:
        body = await (await client.get("/api/v1/summary", params={"at": at.isoformat()})).json()
    assert body["offer"]["stock"] == sample.stock("offer", at)


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/v1/summary?at=soon", "at"),
        ("/api/v1/summary?when=now", "when"),
        ("/api/v1/counts?grain=month", "grain"),
        ("/api/v1/counts?grain=day&grain=hour", "grain"),
        ("/api/v1/occupations/top?limit=0", "limit"),
        ("/api/v1/occupations/top?digits=5", "digits"),
        ("/api/v1/occupations/top?region=FR-75", "region"),
        ("/api/v1/regions?days=-1", "days"),
        ("/api/v1/alerts?event=begun", "event"),
        ("/api/v1/regions?lang=de", "lang"),
        ("/stream?events=everything", "events"),
        ("/wall?lang=xx", "lang"),
    ],
)
async def test_a_bad_parameter_is_a_problem_with_its_name(filled: Store, path: str, parameter: str) -> None:
    """What cannot be used is answered with problem details that name it."""
    async with serving(filled) as client:
        response = await client.get(path)
        body = await response.json(content_type="application/problem+json")
    assert (response.status, body["status"], body["parameter"]) == (400, 400, parameter)
    assert body["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/api/v1/nothing", 404), ("POST", "/api/v1/summary", 405)]
)
async def test_other_errors_are_problems_too(filled: Store, method: str, path: str, status: int) -> None:
    """A path that is not there and a method that is not allowed have problem details."""
    async with serving(filled) as client:
        response = await client.request(method, path)
        body = await response.json(content_type="application/problem+json")
    assert (response.status, body["status"]) == (status, status)


async def test_hostile_values_reach_the_store_as_values(filled: Store) -> None:
    """Text that would end a literal is answered 400 or as data, and the tables stay."""
    async with serving(filled) as client:
        for name, value in [("region", "MA' OR 1=1 --"), ("isco", "2') OR 1=1 --"), ("side", "\x00'")]:
            assert (await client.get("/api/v1/counts", params={name: value})).status == 400
        assert (await client.get("/api/v1/summary")).status == 200


class BrokenStore:
    """A store that is away, and says so once it is released."""

    def __init__(self, *, released: bool = True) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()
        if released:
            self.released.set()

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Be slow, then away."""
        assert sql
        assert parameters is None or parameters
        self.asked.set()
        assert self.released.wait(120)
        raise StoreUnavailable("the store is away")

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Never asked here."""
        raise NotImplementedError

    def command(self, sql: str) -> None:
        """Never asked here."""
        raise NotImplementedError

    def close(self) -> None:
        """Never asked here."""


async def test_an_absent_store_is_said_so() -> None:
    """Without its store the API answers 503 with a time to come back, tells no detail, and health names the store."""
    async with serving(BrokenStore()) as client:
        response = await client.get("/api/v1/summary")
        body = await response.json(content_type="application/problem+json")
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
        assert "away" not in body["detail"]
        response = await client.get("/api/v1/health")
        body = await response.json()
        assert (response.status, body["state"]) == (503, "down")
        assert body["dependencies"]["store"]["state"] == "down"
        assert body["dependencies"]["live"]["state"] == "down"
        assert (await client.get("/stream")).status == 503
        assert (await client.get("/wall")).status == 200


async def test_health_names_each_dependency(filled: Store) -> None:
    """Health answers for Kafka, the store, the sink and the live feed; an absent broker is down, not a hang."""
    async with serving(filled, kafka=KafkaConnection("127.0.0.1:1")) as client:
        response = await client.get("/api/v1/health")
        body = await response.json()
    assert response.status == 503
    assert body["dependencies"].keys() == {"kafka", "store", "streams", "sink", "live"}
    assert body["dependencies"]["store"]["state"] == "ok"
    assert body["dependencies"]["kafka"]["state"] == "down"


async def test_a_slow_store_holds_nobody_else() -> None:
    """While a query has no end, what needs no store answers."""
    store = BrokenStore(released=False)
    async with serving(store) as client:
        slow = asyncio.create_task(client.get("/api/v1/summary"))
        assert await asyncio.to_thread(store.asked.wait, 180)
        assert (await client.get("/metrics")).status == 200
        assert not slow.done()
        store.released.set()
        assert (await slow).status == 503


async def test_requests_are_observed_by_route(filled: Store) -> None:
    """A request is observed under its route's pattern, so that no visitor can invent a label."""
    facts: list[object] = []
    async with serving(filled, facts) as client:
        await client.get("/api/v1/summary")
        await client.get("/invented/by/a/visitor")
    routes = [fact.route for fact in facts if isinstance(fact, RequestAnswered)]
    assert routes == ["/api/v1/summary", "unmatched"]


async def test_metrics_are_the_injected_text(filled: Store) -> None:
    """The metrics page shows what the process gives it."""
    async with serving(filled, metrics=lambda: "up 1\n") as client:
        response = await client.get("/metrics")
        assert await response.text() == "up 1\n"
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")


async def test_the_stream_begins_with_a_snapshot(filled: Store) -> None:
    """The first event of the stream is everything the wall shows, and it equals the summary."""
    async with serving(filled) as client:
        for _ in range(2400):
            response = await client.get("/stream")
            if response.status == 200:
                break
            await asyncio.sleep(0.05)
        assert response.headers["Content-Type"].startswith("text/event-stream")
        lines = [(await response.content.readline()).decode().strip() for _ in range(2)]
        response.close()
        summary = await (await client.get("/api/v1/summary")).json()
    assert lines[0] == "event: snapshot"
    assert f'"stock":{summary["offer"]["stock"]},' in lines[1]
