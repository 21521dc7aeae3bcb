"""One polite HTTP client for all sources: conditional requests, a limit a host, retries, bounded bodies."""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import aiohttp
import stamina
from aiolimiter import AsyncLimiter
from yarl import URL

from producers.facts import RequestAnswered, RequestRetried
from producers.sources import Source
from producers.web import robots
from producers.web.address import public_socket
from producers.web.breaker import Breaker, quiet_for
from producers.web.failure import Disallowed, Gone, Missing, Refused, Throttled, TooLarge, Unavailable
from producers.web.parse import is_block_page, retry_after

PRODUCT = f"{robots.TOKEN}/0.1"
Clock = Callable[[], datetime]
CHUNK = 1 << 16
PATIENCE = 60.0
"""Longest Retry-After, in seconds, that is waited for inside a poll; a longer one ends the poll."""

REDIRECTS = 5
NOTHING = frozenset({400, 404, 410, 416, 422})
"""What hosts answer for a page that is no more, or that is past the last one of a list."""

HEAD = 64_000
"""Bytes of an error's body that are read, to see whether it is a block page."""

SLOWEST = 20.0
"""How long a body may take in all, in timeouts of its source; one that goes into a file, twenty times that."""


@dataclass(frozen=True)
class Answer:
    """What a host answered. `fresh` is false for 304, `body` empty then, and where the body went to a file.

    `link` is the address that its `Link` header calls the next.
    """

    url: str
    fresh: bool
    body: bytes
    etag: str
    modified: str
    charset: str | None
    sha256: str
    link: str = ""


@dataclass
class _Host:
    """What is known of a host: one request at a time, none too soon after the last, none against its rules."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    spacing: float = 0.0
    limiter: AsyncLimiter | None = None
    rules: robots.Rules | None = None
    breaker: Breaker = field(default_factory=Breaker)
    unknown: bool = True

    def slow_down(self, spacing: float) -> AsyncLimiter:
        """Return the limit: evenly spaced, as slow as the slowest source that names the host and as its robots.txt."""
        if self.limiter is None or spacing > self.spacing:
            self.spacing = max(spacing, self.spacing)
            self.limiter = AsyncLimiter(1, self.spacing)
        return self.limiter


class _Transient(Exception):  # noqa: N818 (never leaves this module)
    """A failure that may pass, with the seconds that the host asks us to wait."""

    def __init__(self, cause: str, seconds: float | None = None) -> None:
        super().__init__(cause)
        self.seconds = seconds


async def _always(_source: Source) -> None:
    """Every host is ours: there is no other process."""


class Web:
    """The client: at most `attempts` requests before a host is Unavailable, the first wait `backoff` seconds.

    `contact` is whom a host can write to. `permit` returns before a request once the host is ours, and not while it may
    be another's.
    """

    def __init__(
        self,
        *,
        observe: Callable[[object], None],
        clock: Clock,
        contact: str = "",
        permit: Callable[[Source], Awaitable[None]] = _always,
        attempts: int = 4,
        backoff: float = 0.5,
    ) -> None:
        self._observe = observe
        self._clock = clock
        self._contact = contact
        self._permit = permit
        self._attempts = attempts
        self._backoff = backoff
        self._hosts: dict[str, _Host] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def open(self) -> None:
        """Open the connection pools, one connection a host: one pool reaches loopback, the other public hosts only."""
        for private in (False, True):
            connector = aiohttp.TCPConnector(
                limit_per_host=1,
                happy_eyeballs_delay=None,  # addresses in turn, so that a forbidden one ends the request
                socket_factory=None if private else public_socket,
            )
            self._sessions[private] = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def get(
        self, source: Source, url: str, *, etag: str = "", modified: str = "", into: Path | None = None
    ) -> Answer:
        """GET `url`, conditional where `etag` or `modified` say what we have; the body goes to file `into` if given.

        Redirects are followed, each under the rules of its own host. Raises a FetchFailed.
        """
        condition = {"If-None-Match": etag} if etag else {"If-Modified-Since": modified} if modified else {}
        target = URL(url)
        for _ in range(REDIRECTS + 1):
            found = await self._hop(source, target, condition, into)
            if isinstance(found, Answer):
                return found
            target = found
        raise Gone(f"{url}: more than {REDIRECTS} redirects")

    async def _hop(self, source: Source, url: URL, condition: dict[str, str], into: Path | None) -> Answer | URL:
        """Ask one host, politely, until it answers. Returns the answer, or where it sends us."""
        if url.scheme not in {"http", "https"} or not url.host:
            raise Gone(f"{url}: not an HTTP address")
        host = self._host(url)
        await self._obey(source, host, url)
        waits = stamina.retry_context(
            on=self._again(source), attempts=self._attempts, timeout=None, wait_initial=self._backoff, wait_max=15.0
        )
        try:
            async for attempt in waits:
                with attempt:
                    async with self._turn(source, host):
                        found = await self._once(source, url, condition, into)
        except _Transient as failure:
            if failure.seconds is not None and failure.seconds > PATIENCE:
                raise Throttled(f"{url}: asks for {failure.seconds:.0f} s", failure.seconds) from None
            host.breaker = host.breaker.failed(time.monotonic(), source.interval, random.random())  # noqa: S311 (a wait)
            raise Unavailable(f"{url}: {failure}") from failure
        except Refused:
            host.breaker = host.breaker.refused(time.monotonic(), source.interval, random.random())  # noqa: S311 (same)
            raise
        host.breaker = Breaker()
        return found

    def _host(self, url: URL) -> _Host:
        return self._hosts.setdefault(f"{url.host}:{url.port}", _Host())

    async def _obey(self, source: Source, host: _Host, url: URL) -> None:
        """Return once the host's rules are known and let `url` be asked for. Raises Disallowed, Unavailable, Refused.

        A host that refuses or keeps failing is left alone, even for its rules.
        """
        if wait := host.breaker.wait(time.monotonic()):
            if host.breaker.unwanted:
                raise Refused(f"{url.host}: refused us, and is left alone for {wait:.0f} s")
            raise Unavailable(f"{url.host}: failed again and again, and is left alone for {wait:.0f} s")
        if host.rules is None or time.monotonic() >= host.rules.until:
            host.rules = await self._rules(source, host, url)
        if not host.rules.allow(str(url)):
            if host.rules.text is None:
                raise Unavailable(f"{url.host}: its robots.txt cannot be read, so nothing may be asked for")
            raise Disallowed(f"{url}: robots.txt disallows it")
        host.slow_down(host.rules.delay)

    async def _rules(self, source: Source, host: _Host, url: URL) -> robots.Rules:
        """Ask for a host's robots.txt; five redirects are followed, to whatever host they lead."""
        target = url.origin().with_path("/robots.txt")
        for _ in range(REDIRECTS + 1):
            try:
                async with (
                    self._turn(source, self._host(target) if target.host != url.host else host),
                    self._ask(source, target, {}) as answer,
                ):
                    if answer.status not in {301, 302, 303, 307, 308}:
                        body = await _head(answer, robots.LARGEST)
                        return robots.rules(answer.status, body, time.monotonic(), source.interval)
                    target = _redirected(answer)
            except (Gone, aiohttp.InvalidURL):
                return robots.rules(404, b"", time.monotonic(), source.interval)
            except (_Transient, TooLarge):
                return robots.rules(503, b"", time.monotonic(), source.interval)
        return robots.rules(
            404, b"", time.monotonic(), source.interval
        )  # RFC 9309, 2.3.1.2: too many redirects are no robots.txt

    @asynccontextmanager
    async def _turn(self, source: Source, host: _Host) -> AsyncIterator[None]:
        """Hold a host for one request: alone, in its time, outside its quiet hours, and while it is ours."""
        limiter = host.slow_down(1 / source.requests_per_second)
        async with host.turn:
            await self._quiet(source)
            if host.unknown:  # whoever had it before us may have asked it a moment ago
                await asyncio.sleep(limiter.time_period)
                host.unknown = False
            await limiter.acquire()
            await self._permit(source)
            yield

    async def _quiet(self, source: Source) -> None:
        """Return outside of the source's quiet hours."""
        while wait := quiet_for(source.quiet, _minute(self._clock())):  # noqa: ASYNC110 (the clock is the one given)
            await asyncio.sleep(min(wait, 60.0))

    def _again(self, source: Source) -> Callable[[Exception], bool | float]:
        def wait(failure: Exception) -> bool | float:
            if not isinstance(failure, _Transient):
                return False
            if failure.seconds is None:
                again: bool | float = True
            else:
                again = failure.seconds if failure.seconds <= PATIENCE else False
            if again is not False:
                self._observe(RequestRetried(source.name, str(failure)))
            return again

        return wait

    @asynccontextmanager
    async def _ask(
        self, source: Source, url: URL, headers: dict[str, str], *, total: float | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request and hold its answer. Raises _Transient, Gone, TooLarge or Forbidden."""
        if not self._sessions:
            raise RuntimeError("Web is not open")
        contact = source.contact or self._contact
        agent = f"{PRODUCT} (labour market observatory{f'; +{contact}' if contact else ''})"
        timeout = aiohttp.ClientTimeout(
            total=total or SLOWEST * source.timeout, sock_connect=source.timeout, sock_read=source.timeout
        )
        started = time.monotonic()
        try:
            async with self._sessions[source.allow_loopback].get(
                url, headers={"User-Agent": agent, **headers}, timeout=timeout, allow_redirects=False
            ) as answer:
                yield answer
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise Gone(f"{url}: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if time.monotonic() - started >= (timeout.total or 0.0):
                raise TooLarge(f"{url}: its body does not come to an end") from error
            raise _Transient(f"{type(error).__name__} {error}".strip()) from error

    async def _once(self, source: Source, url: URL, condition: dict[str, str], into: Path | None) -> Answer | URL:
        started = time.monotonic()
        digest = hashlib.sha256()
        total = SLOWEST * SLOWEST * source.timeout if into else None
        async with self._ask(source, url, condition, total=total) as answer:
            status, headers, charset = answer.status, answer.headers, answer.charset
            if status in {301, 302, 303, 307, 308}:
                self._observe(RequestAnswered(source.name, status, 0, time.monotonic() - started))
                return _redirected(answer)
            await self._judge(str(url), answer)
            body = await self._body(source, str(url), answer, into, digest)
            following = answer.links.get("next")
        self._observe(RequestAnswered(source.name, status, len(body), time.monotonic() - started))
        if status != 304 and is_block_page(body):
            raise Refused(f"{url}: a block page")
        return Answer(
            url=str(url),
            fresh=status != 304,
            body=body,
            etag=headers.get("ETag", ""),
            modified=headers.get("Last-Modified", ""),
            charset=charset,
            sha256=digest.hexdigest(),
            link=str(following["url"]) if following else "",
        )

    async def _judge(self, url: str, answer: aiohttp.ClientResponse) -> None:
        """Raise what the answer's status stands for, unless it brings what was asked for."""
        status = answer.status
        if status in {200, 203, 304}:
            return
        if status in {401, 403, 451}:
            raise Refused(f"{url}: HTTP {status}")
        if status in {408, 425, 429} or status >= 500:
            if is_block_page(await _head(answer, HEAD)):
                raise Refused(f"{url}: a block page, HTTP {status}")
            raise _Transient(f"HTTP {status}", retry_after(answer.headers.get("Retry-After"), self._clock()))
        raise (Missing if status in NOTHING else Gone)(f"{url}: HTTP {status}")

    async def _body(
        self,
        source: Source,
        url: str,
        answer: aiohttp.ClientResponse,
        into: Path | None,
        digest: "hashlib._Hash",
    ) -> bytes:
        """Return the decompressed body, read no further than the source's limit."""
        parts: list[bytes] = []
        size = 0
        file: IO[bytes] | None = await asyncio.to_thread(into.open, "wb") if into else None
        try:
            async for part in answer.content.iter_chunked(CHUNK):
                size += len(part)
                if size > source.max_bytes:
                    raise TooLarge(f"{url}: over {source.max_bytes} bytes")
                digest.update(part)
                if file:
                    file.write(part)
                else:
                    parts.append(part)
        finally:
            if file:
                file.close()
        return b"".join(parts)


async def _head(answer: aiohttp.ClientResponse, size: int) -> bytes:
    """Return the beginning of a body, decompressed."""
    parts: list[bytes] = []
    held = 0
    async for part in answer.content.iter_chunked(CHUNK):
        parts.append(part)
        held += len(part)
        if held >= size:
            break
    return b"".join(parts)[:size]


def _redirected(answer: aiohttp.ClientResponse) -> URL:
    """Where an answer sends us. Raises Gone when it does not say so."""
    place = answer.headers.get("Location")
    if not place:
        raise Gone(f"{answer.url}: a redirect to nowhere")
    try:
        return answer.url.join(URL(place))
    except ValueError as error:
        raise Gone(f"{answer.url}: a redirect to no address") from error


def _minute(at: datetime) -> float:
    """Minute of the UTC day."""
    at = at.astimezone(UTC)
    return at.hour * 60 + at.minute + at.second / 60


def utc_now() -> datetime:
    """Return the wall clock, for those who start the producers; everything below is given the time."""
    return datetime.now(UTC)
