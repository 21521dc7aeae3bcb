"""The dashboard's web application: the API under /api/v1, the live stream, the metrics and the wall.

`build` is the one place where its parts are joined. Store calls run in threads, so that a slow query never holds the
event loop; one live agent feeds every client.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar, cast

import msgspec
from aiohttp import web
from aiohttp_sse import sse_response

from dashboard import health, quality
from dashboard.facts import LiveInterrupted, RequestAnswered, RequestFailed
from dashboard.indicators import Indicators
from dashboard.live.agent import LiveAgent
from dashboard.live.fetch import SINK_TOPICS, WORKER_TOPICS, KafkaAwayError, KafkaReader
from dashboard.live.hub import Hub
from dashboard.names import LANGUAGES, Language, Names, read_names
from dashboard.parameters import COUNTS, Query, counts_request
from dashboard.problems import Problem, answer, bad_parameter
from dashboard.reach import scope_of
from dashboard.wall import STATIC, Wall, read_wall
from dashboard.windows import PERIOD_DAYS
from schemas.connections import KafkaConnection
from schemas.messages import NATION
from schemas.topics import Namespace
from store import Store, StoreError

STREAM_EVENTS = ("figures", "market-counts", "market-alerts")
PING_SECONDS = 10.0
SEND_SECONDS = 30.0
HEALTH_SECONDS = 5.0
"""A dependency that takes longer to answer than this is down."""

PROBE_SECONDS = 2.0

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class KafkaProbe:
    """Asks Kafka how it, the workers and the sink are; one asker at a time, and at most once in PROBE_SECONDS."""

    def __init__(self, kafka: KafkaConnection | None, namespace: Namespace) -> None:
        self._kafka = kafka
        self._namespace = namespace
        self._lock = asyncio.Lock()
        self._asked = float("-inf")
        self._said = (health.Dependency("degraded", "not configured"),) * 3

    async def ask(self) -> tuple[health.Dependency, health.Dependency, health.Dependency]:
        """Return the state of Kafka, of the stream workers and of the sink."""
        async with self._lock:
            if self._kafka and time.monotonic() - self._asked >= PROBE_SECONDS:
                self._said = await self._measure(self._kafka)
                self._asked = time.monotonic()
            return self._said

    async def _measure(self, kafka: KafkaConnection) -> tuple[health.Dependency, health.Dependency, health.Dependency]:
        began = time.monotonic()
        try:
            async with asyncio.timeout(HEALTH_SECONDS), KafkaReader(kafka, self._namespace) as reader:
                streams, sink = await reader.lags("streams", WORKER_TOPICS), await reader.lags("sink", SINK_TOPICS)
        except (KafkaAwayError, TimeoutError) as error:
            unknown = health.Dependency("down", "unknown: Kafka does not answer")
            return health.Dependency("down", str(error) or "no answer in time"), unknown, unknown
        return (
            health.Dependency("ok", seconds=round(time.monotonic() - began, 3)),
            health.of_reader("the stream workers are", streams),
            health.of_reader("the sink is", sink),
        )


@dataclass(frozen=True)
class Parts:
    """What the handlers use."""

    indicators: Indicators
    probe: KafkaProbe
    namespace: Namespace
    names: Mapping[Language, Names]
    regions: tuple[str, ...]
    hub: Hub
    agent: LiveAgent
    clock: Callable[[], datetime]
    observe: Callable[[object], None]
    metrics: Callable[[], str]
    store: Store
    wall: Wall


PARTS = web.AppKey("parts", Parts)


def build(
    *,
    store: Store,
    kafka: KafkaConnection | None,
    namespace: Namespace,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    observe: Callable[[object], None] = lambda _: None,
    metrics: Callable[[], str] = str,
) -> web.Application:
    """Join the application. The tables are there already (store.migrate); the caller closes `store` after it.

    `kafka` None: no live records, the wall reads the store every few seconds. `clock` returns aware UTC; `observe`
    takes the facts of `dashboard.facts`; `metrics` returns the text of `/metrics`.
    """
    names = read_names()
    regions = tuple(sorted(code for code in names["fr"].regions if code != NATION))
    indicators = Indicators(store, namespace)
    hub = Hub(observe)
    agent = LiveAgent(
        indicators=indicators,
        kafka=kafka,
        namespace=namespace,
        regions=regions,
        hub=hub,
        clock=clock,
        observe=observe,
    )
    app = web.Application(middlewares=[_answers])
    app[PARTS] = Parts(
        indicators,
        KafkaProbe(kafka, namespace),
        namespace,
        names,
        regions,
        hub,
        agent,
        clock,
        observe,
        metrics,
        store,
        read_wall(),
    )
    app.cleanup_ctx.append(_live)
    app.on_shutdown.append(_send_clients_away)
    app.router.add_get("/", _home)
    app.router.add_get("/wall", _wall)
    app.router.add_get("/wall/now", _now)
    app.router.add_get("/wall/labels/{language}.json", _labels)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/stream", _stream)
    for path, handler in (
        ("counts", _counts),
        ("occupations/top", _occupations),
        ("regions", _regions),
        ("alerts", _alerts),
        ("summary", _summary),
        ("sources", _sources),
        ("health", _health),
    ):
        app.router.add_get(f"/api/v1/{path}", handler)
    app.router.add_routes(quality.routes(quality.read()))
    app.router.add_static("/static", STATIC, append_version=False)
    return app


async def _live(app: web.Application) -> AsyncIterator[None]:
    parts = app[PARTS]
    task = asyncio.create_task(parts.agent.run(), name="live")

    def ended(done: asyncio.Task[None]) -> None:
        if not done.cancelled() and (error := done.exception()):
            parts.agent.reason = f"{type(error).__name__}: {error}"
            parts.observe(LiveInterrupted(parts.agent.reason, float("inf")))

    task.add_done_callback(ended)
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _send_clients_away(app: web.Application) -> None:
    """End the streams, which would hold the server's stop for as long as their clients stay."""
    app[PARTS].hub.close()


FLAGGED = "X-Marsad-Flagged"
"""Sources that are not well while an answer is given and feed its figures, or fail to, joined by commas."""


@web.middleware
async def _answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn problems into problem details, set the headers that every answer has, and observe what was answered."""
    parts = request.app[PARTS]
    began = time.monotonic()
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unmatched"
    try:
        response = await handler(request)
    except Problem as problem:
        response = answer(problem, request.path)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = answer(Problem(error.status, error.reason, error.reason), request.path)
        response.headers.update({name: error.headers[name] for name in ("Allow",) if name in error.headers})
    except StoreError as error:
        parts.observe(RequestFailed(route, str(error)))
        response = answer(Problem(503, "Store unavailable", "the store cannot answer now", retry_after=5), request.path)
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - the edge of the process: nothing is told to the client
        parts.observe(RequestFailed(route, f"{type(error).__name__}: {error}"))
        response = answer(Problem(500, "Internal error", "an unexpected error; it was recorded"), request.path)
    if not response.prepared:
        response.headers.update(HEADERS)
        if request.path.startswith("/api/"):
            response.headers["Cache-Control"] = "no-store"
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = FLAGGED
            asked = scope_of(request.query, side="offer" if route.endswith("/occupations/top") else "")
            response.headers[FLAGGED] = ",".join(parts.agent.flagged(asked))
    parts.observe(RequestAnswered(route, response.status, time.monotonic() - began))
    return response


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def _query(request: web.Request, *known: str) -> Query:
    return Query(_once(request), known, request.app[PARTS].regions)


def _once(request: web.Request) -> Mapping[str, str]:
    for name in request.query:
        if len(request.query.getall(name)) > 1:
            raise bad_parameter(name, "was given twice")
    return request.query


def _language(query: Query) -> Language:
    return cast(Language, query.choice("lang", LANGUAGES, "fr"))


async def _counts(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    now = parts.clock()
    asked = counts_request(_query(request, *COUNTS), now)
    return _json(await asyncio.to_thread(parts.indicators.counts, asked, now))


async def _occupations(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    query = _query(request, "side", "region", "by", "digits", "limit", "days", "at", "lang")
    answered = await asyncio.to_thread(
        parts.indicators.occupations,
        query.moment("at", parts.clock()),
        side=query.choice("side", ("offer", "seeker"), "offer"),
        region=query.region(),
        by=cast(Literal["stock", "opened"], query.choice("by", ("stock", "opened"), "stock")),
        digits=query.whole("digits", 4, 1, 4),
        limit=query.whole("limit", 10, 1, 500),
        days=query.whole("days", PERIOD_DAYS, 1, 366),
        names=parts.names[_language(query)],
    )
    return _json(answered)


async def _regions(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    query = _query(request, "days", "at", "lang")
    answered = await asyncio.to_thread(
        parts.indicators.regions,
        query.moment("at", parts.clock()),
        codes=parts.regions,
        names=parts.names[_language(query)],
        days=query.whole("days", PERIOD_DAYS, 1, 366),
    )
    return _json(answered)


async def _alerts(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    query = _query(request, "since", "event", "limit")
    now = parts.clock()
    answered = await asyncio.to_thread(
        parts.indicators.alerts,
        now,
        since=query.moment("since", now - timedelta(days=1)),
        event=query.choice("event", ("started", "ended", "withdrawn"), ""),
        limit=query.whole("limit", 100, 1, 1000),
    )
    return _json(answered)


async def _summary(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    at = _query(request, "at").moment("at", parts.clock())
    return _json(await asyncio.to_thread(parts.indicators.summary, at))


async def _sources(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    _query(request)
    now = parts.clock()
    return _json(await asyncio.to_thread(parts.indicators.sources, now, rejects_since=now - timedelta(days=1)))


async def _health(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    _query(request)
    store, (kafka, streams, sink) = await asyncio.gather(_store_health(parts), parts.probe.ask())
    dependencies = {
        "kafka": kafka,
        "store": store,
        "streams": streams,
        "sink": sink,
        "live": health.of_live(parts.agent.age(), parts.agent.reason, len(parts.hub)),
    }
    state = health.worst(list(dependencies.values()))
    body = {
        "as_of": parts.clock(),
        "generation": parts.namespace.generation,
        "state": state,
        "dependencies": dependencies,
    }
    return _json(body, 503 if state == "down" else 200)


async def _store_health(parts: Parts) -> health.Dependency:
    began = time.monotonic()
    try:
        async with asyncio.timeout(HEALTH_SECONDS):
            await asyncio.to_thread(parts.store.query, "SELECT 1")
    except (StoreError, TimeoutError) as error:
        return health.of_store(None, str(error) or "no answer in time")
    return health.of_store(time.monotonic() - began, "")


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(
        text=request.app[PARTS].metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


async def _stream(request: web.Request) -> web.StreamResponse:
    parts = request.app[PARTS]
    asked = _query(request, "events").words("events", STREAM_EVENTS)
    if parts.hub.snapshot is None:
        raise Problem(503, "Not ready", "the live board has not been read from the store yet", retry_after=2)
    client = parts.hub.join(frozenset(asked))
    try:
        async with sse_response(
            request,
            sep="\n",
            headers=HEADERS | {"Access-Control-Allow-Origin": "*"},
            ping_interval=PING_SECONDS,
            send_timeout=SEND_SECONDS,
        ) as response:
            while response.is_connected():
                try:
                    async with asyncio.timeout(PING_SECONDS):
                        events = await client.waiting()
                except TimeoutError:
                    continue  # nothing to say: look whether the client is still there
                # One write for all that wait: a busy market has thousands of events a second.
                async with asyncio.timeout(SEND_SECONDS):
                    await response.write("".join(event.frame() for event in events).encode())
                if events[-1].name == "reset":
                    break
    except ConnectionResetError:
        pass  # the client went away: its side of the story is over
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()  # a client that does not read would hold up an orderly end as well
    finally:
        parts.hub.leave(client)
    return response


async def _home(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/wall")


async def _wall(request: web.Request) -> web.Response:
    language = _language(_query(request, "lang"))
    return web.Response(
        text=request.app[PARTS].wall.page(language), content_type="text/html", headers={"Cache-Control": "no-cache"}
    )


async def _now(request: web.Request) -> web.Response:
    return _json({"now": request.app[PARTS].clock()})


async def _labels(request: web.Request) -> web.Response:
    language = request.match_info["language"]
    if language not in LANGUAGES:
        raise web.HTTPNotFound
    parts = request.app[PARTS]
    return _json(parts.wall.labels(language, parts.names[language]))
