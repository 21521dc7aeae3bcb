"""The push endpoint: an aiohttp application that takes signed postings and answers once Kafka has them."""

import asyncio
import hashlib
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from pathlib import Path

import msgspec
from aiohttp import web
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from producers.facts import PushAnswered, SourceChanged
from producers.publish import KafkaAway, Publisher
from producers.push import keys as keyring
from producers.push.agent import AnswersAgent
from producers.push.answers import entry_of
from producers.push.keys import Key
from producers.push.refusal import Refusal
from producers.push.request import MAX_BYTES, PATH, SCHEMA, Line, fresh, lines, outcomes, signed
from producers.shape import Reject
from schemas.connections import KafkaConnection
from schemas.messages import Posting, PushAnswer
from schemas.topics import Namespace

BODY_SECONDS = 30.0
"""Longest time that a body may take to arrive."""

_TYPES = {"application/json": False, "application/x-ndjson": True, "application/ndjson": True}
_IDEMPOTENCY = re.compile(r"[\x21-\x7e]{1,255}")
_Answer = tuple[int, bytes]


def build(
    *,
    kafka: KafkaConnection,
    namespace: Namespace,
    keys_path: Path,
    observe: Callable[[object], None],
    clock: Callable[[], datetime],
    pseudonym_key: bytes = b"",
) -> web.Application:
    """Return the application, not yet running. Raises KeysError when the keys cannot be read."""
    publisher = Publisher(kafka=kafka, namespace=namespace, observe=observe, clock=clock, patience=8.0)
    endpoint = Endpoint(keys_path, publisher, AnswersAgent(kafka, namespace, publisher), observe, clock, pseudonym_key)
    app = web.Application(client_max_size=MAX_BYTES)
    app.router.add_post(PATH, endpoint.postings)
    app.router.add_get("/ingest/v1/health", endpoint.health)
    app.cleanup_ctx.append(endpoint.running)
    return app


def runner(app: web.Application) -> web.AppRunner:
    """Return what serves the application: bodies as they were sent, for they are signed so."""
    return web.AppRunner(app, access_log=None, shutdown_timeout=3.0, auto_decompress=False)


class Endpoint:
    """The handlers, and what they share."""

    def __init__(
        self,
        keys_path: Path,
        publisher: Publisher,
        answers: AnswersAgent,
        observe: Callable[[object], None],
        clock: Callable[[], datetime],
        pseudonym_key: bytes,
    ) -> None:
        self._pseudonym_key = pseudonym_key
        self._keys_path = keys_path
        self._keys: Mapping[str, Key] = keyring.read(keys_path)
        self._read_at = keys_path.stat().st_mtime_ns
        self._publisher = publisher
        self._answers = answers
        self._observe = observe
        self._clock = clock
        storage = MemoryStorage()
        self._requests = MovingWindowRateLimiter(storage)
        self._postings = SlidingWindowCounterRateLimiter(storage)

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Hold the connections while the application runs."""
        await self._answers.start()
        watching = asyncio.create_task(self._watch())
        yield
        watching.cancel()
        await self._answers.stop()
        await self._publisher.close()

    async def health(self, _request: web.Request) -> web.Response:
        """Answer 200 while the topic of answers can be read, else 503."""
        try:
            await self._answers.get(now=self._clock())
        except KafkaAway:
            return _refused(Refusal("kafka-away", retry_after=30))
        return web.json_response({"status": "ok"})

    async def postings(self, request: web.Request) -> web.Response:
        """Take one posting (JSON) or a batch (NDJSON)."""
        started = time.monotonic()
        told = await self._answer(request)
        response = (
            _refused(told)
            if isinstance(told, Refusal)
            else web.Response(status=told[0], body=told[1], content_type=_content_type(told[0]))
        )
        self._observe(PushAnswered(response.status, time.monotonic() - started))
        return response

    async def _answer(self, request: web.Request) -> _Answer | Refusal:
        admitted = await self._admitted(request)
        if isinstance(admitted, Refusal):
            return admitted
        key, body = admitted
        token = request.headers.get("Idempotency-Key")
        if token is not None and not _IDEMPOTENCY.fullmatch(token):
            return Refusal("bad-idempotency-key")
        try:
            return await self._once(request, key, body, token)
        except KafkaAway:
            return Refusal("kafka-away", "Kafka does not acknowledge; send it again", retry_after=30)

    async def _admitted(self, request: web.Request) -> tuple[Key, bytes] | Refusal:  # noqa: PLR0911 (one a refusal)
        """Who sends, and the body; or why it goes no further."""
        told = request.headers
        if not all(name in told for name in ("X-Marsad-Key", "X-Marsad-Timestamp", "X-Marsad-Signature")):
            return Refusal("unsigned", "X-Marsad-Key, X-Marsad-Timestamp and X-Marsad-Signature are needed")
        key = self._keys.get(told["X-Marsad-Key"])
        if key is None:
            return Refusal("unknown-key")
        if stale := fresh(told["X-Marsad-Timestamp"], self._clock()):
            return stale
        if told.get("Content-Encoding", "identity") != "identity":
            return Refusal("unsupported-encoding")
        body = await _body(request)
        if isinstance(body, Refusal):
            return body
        if not signed(key, told["X-Marsad-Timestamp"], told["X-Marsad-Signature"], body):
            return Refusal("bad-signature")
        if request.content_type not in _TYPES:
            return Refusal("unsupported-type")
        if told.get("X-Marsad-Schema", SCHEMA) != SCHEMA:
            return Refusal("unknown-schema", f"only {SCHEMA} is known")
        return await self._over(RateLimitItemPerMinute(key.requests_per_minute), key, 1) or (key, body)

    async def _over(self, quota: RateLimitItem, key: Key, cost: int) -> Refusal | None:
        limiter = self._requests if isinstance(quota, RateLimitItemPerMinute) else self._postings
        if await limiter.hit(quota, key.id, cost=cost):
            return None
        reset = (await limiter.get_window_stats(quota, key.id)).reset_time - time.time()
        return Refusal("over-quota", str(quota), retry_after=max(1, round(reset + 0.5)))

    async def _once(self, request: web.Request, key: Key, body: bytes, token: str | None) -> _Answer | Refusal:
        """Answer as before what was answered before, and take the rest."""
        now = self._clock()
        digest = hashlib.sha256(body).hexdigest()
        holder = uuid.uuid4().hex
        signature = f"signature:{request.headers['X-Marsad-Signature'].strip().lower()}"
        entries = [entry_of(key.id, signature), *([entry_of(key.id, f"key:{token}")] if token is not None else [])]
        claims = [PushAnswer(entry=one, state="claimed", holder=holder, body=digest, at=now) for one in entries]
        if before := _before(claims, await self._answers.get(*entries, now=now)):
            return before
        await self._answers.write(*claims)
        try:
            if before := _before(claims, await self._answers.get(*entries, now=now)):
                await self._answers.give_up(*claims)
                return before
            answer = await self._take(request, key, body, now)
            if isinstance(answer, Refusal) and answer.status == 429:
                await self._answers.give_up(*claims)
                return answer
            status, text = (answer.status, answer.body()) if isinstance(answer, Refusal) else answer
            await self._answers.write(*_answered(claims, status, text, self._clock()))
        except KafkaAway:
            await self._answers.give_up(*claims)
            raise
        return answer

    async def _take(self, request: web.Request, key: Key, body: bytes, now: datetime) -> _Answer | Refusal:
        batch = _TYPES[request.content_type]
        told = lines(body, batch=batch, key=key, now=now, pseudonym_key=self._pseudonym_key)
        if isinstance(told, Refusal):
            return told
        if told and (over := await self._over(RateLimitItemPerDay(key.postings_per_day), key, len(told))):
            return over
        await self._publish(told)
        if any(isinstance(line.found, Posting) for line in told):
            return 202, msgspec.json.encode(outcomes(told))
        return _none_taken(told, batch=batch)

    async def _publish(self, told: list[Line]) -> None:
        """Publish postings and rejects, source by source. Raises KafkaAway unless all of it is acknowledged."""
        by_source = sorted(told, key=lambda line: line.source)
        for source, group in groupby(by_source, key=lambda line: line.source):
            found = [line.found for line in group]
            rejects = [one for one in found if isinstance(one, Reject)]
            oversize = await self._publisher.postings(source, [one for one in found if isinstance(one, Posting)])
            await self._publisher.rejects(source, [*rejects, *oversize])

    async def _watch(self) -> None:
        """Take a changed file of keys; one that cannot be used leaves the keys as they were, and is told."""
        while True:
            await asyncio.sleep(2)
            with suppress(OSError):
                changed = self._keys_path.stat().st_mtime_ns
                if changed == self._read_at:
                    continue
                self._read_at = changed
                try:
                    self._keys = await asyncio.to_thread(keyring.read, self._keys_path)
                    self._observe(SourceChanged(self._keys_path.name, "restarted"))
                except keyring.KeysError as error:
                    self._observe(SourceChanged(self._keys_path.name, "wrong", str(error)))


def _none_taken(told: list[Line], *, batch: bool) -> _Answer | Refusal:
    """Why nothing of a body was taken."""
    reasons = {line.found.reason for line in told if isinstance(line.found, Reject)}
    if reasons == {"not_allowed"}:
        return Refusal("side-not-allowed")
    if reasons == {"unknown_version"}:
        return Refusal("unknown-schema", f"only {SCHEMA} is known")
    if batch:
        return 400, msgspec.json.encode(Refusal("no-posting").fields() | outcomes(told))
    return Refusal("no-posting", ", ".join(sorted(reasons)))


async def _body(request: web.Request) -> bytes | Refusal:
    """Read the body, no further than the limit and no longer than its time."""
    too_large = Refusal("too-large", f"more than {MAX_BYTES} bytes")
    if (request.content_length or 0) > MAX_BYTES:
        return too_large
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return too_large
    except TimeoutError:
        return Refusal("too-large", f"not here within {BODY_SECONDS:.0f} seconds")


def _before(claims: list[PushAnswer], found: list[PushAnswer | None]) -> _Answer | Refusal | None:
    """Return what another request of the same key or signature was answered, or None where ours is the first."""
    by_key = list(zip(claims, found, strict=True))[1:]
    for claim, held in by_key:
        if held is None or held.holder == claim.holder:
            continue
        if held.body != claim.body:
            return Refusal("idempotency-key-reused")
        if held.state == "claimed" or held.status is None:
            return Refusal("in-progress", retry_after=5)
        return held.status, held.answer.encode()
    if found[0] is not None and found[0].holder != claims[0].holder:
        return Refusal("replayed") if found[0].state == "answered" else Refusal("in-progress", retry_after=5)
    return None


def _answered(claims: list[PushAnswer], status: int, text: bytes, at: datetime) -> list[PushAnswer]:
    """Return the answer under the idempotency key; under the signature only that there was one."""
    return [
        msgspec.structs.replace(
            claim, state="answered", status=status, answer=text.decode() if number == 1 else "", at=at
        )
        for number, claim in enumerate(claims)
    ]


def _content_type(status: int) -> str:
    return "application/json" if status < 400 else "application/problem+json"


def _refused(refusal: Refusal) -> web.Response:
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    return web.Response(
        status=refusal.status, body=refusal.body(), content_type="application/problem+json", headers=headers
    )
