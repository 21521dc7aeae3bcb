"""How sources' hosts are asked: by their rules, in their time, and never where a source may not lead."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web

from producers.sources import Source, parse
from producers.web import address
from producers.web.failure import Disallowed, Forbidden, Gone, Refused, Throttled, TooLarge, Unavailable
from producers.web.fetch import Web
from tests.integration.producers.bench import Portal

BLOCK_PAGE = "<html><head><title>Accès refusé</title></head><body>Prouvez que vous êtes humain</body></html>".encode()


@dataclass
class Clock:
    """A wall clock that stands where it is put."""

    now: datetime = datetime(2026, 5, 4, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Noon."""
    return Clock()


@pytest.fixture
async def client(clock: Clock) -> AsyncIterator[Web]:
    """A client that does not wait long."""
    made = Web(observe=lambda _fact: None, clock=clock, contact="mailto:ops@marsad.example", backoff=0.01)
    await made.open()
    yield made
    await made.close()


def source(more: str = "", *, rate: float = 1000, loopback: bool = True, interval: float = 0.2) -> Source:
    """Make a source on loopback."""
    head = f'kind = "rss"\nname = "p"\nurl = "http://127.0.0.1/"\ninterval = {interval}\nrequests_per_second = {rate}\n'
    return parse("p.toml", head + (f"allow_loopback = {str(loopback).lower()}\n") + more)


def test_by_default_a_host_is_asked_once_in_two_seconds() -> None:
    """A file that says nothing of it asks for one request in two seconds."""
    assert parse("p.toml", 'kind = "rss"\nname = "p"\nurl = "http://a.example/"').requests_per_second == 0.5


async def test_requests_say_who_asks(client: Web, portal: Portal) -> None:
    """Each request, that for robots.txt included, carries a name and a contact; a source's own goes before."""
    portal.pages["/a"] = b"a"
    await client.get(source(), f"{portal.address}/a")
    assert len(portal.agents) == 2
    assert all(agent.startswith("Marsad/") and "+mailto:ops@marsad.example" in agent for agent in portal.agents)
    await client.get(source('contact = "https://agence.example/bot"'), f"{portal.address}/a")
    assert "+https://agence.example/bot" in portal.agents[-1]


async def test_robots_txt_is_obeyed_and_asked_for_once(client: Web, portal: Portal) -> None:
    """What robots.txt disallows is never asked for; the longest rule counts, and the file is read once."""
    portal.pages |= {
        "/robots.txt": b"User-agent: *\nDisallow: /\n\nUser-agent: marsad\nDisallow: /private\nAllow: /private/jobs",
        "/a": b"a",
        "/private/x": b"x",
        "/private/jobs": b"j",
    }
    assert (await client.get(source(), f"{portal.address}/a")).body == b"a"
    assert (await client.get(source(), f"{portal.address}/private/jobs")).body == b"j"
    with pytest.raises(Disallowed):
        await client.get(source(), f"{portal.address}/private/x")
    assert portal.asked("/private/x") == 0
    assert portal.robots == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_no_robots_txt_allows(client: Web, portal: Portal, status: int) -> None:
    """A robots.txt that is answered with any 4xx allows everything."""
    portal.faults["/robots.txt"] = [web.Response(status=status)]
    portal.pages["/a"] = b"a"
    assert (await client.get(source(), f"{portal.address}/a")).body == b"a"


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_unreachable_robots_txt_disallows(client: Web, portal: Portal, status: int) -> None:
    """While robots.txt is answered 5xx nothing is asked for; it is asked for again at the next poll, not before."""
    portal.faults["/robots.txt"] = [web.Response(status=status)]
    portal.pages["/a"] = b"a"
    for _ in range(2):
        with pytest.raises(Unavailable):
            await client.get(source(), f"{portal.address}/a")
    assert (portal.requests, portal.robots) == ([], 1)
    await asyncio.sleep(0.25)
    assert (await client.get(source(), f"{portal.address}/a")).body == b"a"


async def test_the_target_of_a_redirect_is_under_its_rules(client: Web, portal: Portal) -> None:
    """A redirect into what robots.txt disallows is not followed, a loop ends, and a good one is followed."""
    portal.pages |= {"/robots.txt": b"User-agent: *\nDisallow: /private", "/private": b"x", "/good": b"g"}
    portal.faults |= {
        "/a": [web.Response(status=302, headers={"Location": "/private"})],
        "/b": [web.Response(status=302, headers={"Location": "/b"}) for _ in range(9)],
        "/c": [web.Response(status=301, headers={"Location": f"{portal.address}/good"})],
        "/d": [web.Response(status=301, headers={"Location": "file:///etc/passwd"})],
    }
    with pytest.raises(Disallowed):
        await client.get(source(), f"{portal.address}/a")
    assert portal.asked("/private") == 0
    for path in ("/b", "/d"):
        with pytest.raises(Gone):
            await client.get(source(), f"{portal.address}{path}")
    assert portal.asked("/b") == 6
    assert (await client.get(source(), f"{portal.address}/c")).body == b"g"


async def test_the_slower_of_crawl_delay_and_file_counts(client: Web, portal: Portal) -> None:
    """Requests to a host are one at a time and as far apart as its robots.txt asks for."""
    portal.pages |= {"/robots.txt": b"User-agent: *\nCrawl-delay: 0.3", **{f"/{n}": b"x" for n in range(4)}}
    await asyncio.gather(*(client.get(source(), f"{portal.address}/{n}") for n in range(4)))
    times = [at for at, _ in portal.requests]
    assert all(after - before >= 0.28 for before, after in pairwise(times))


async def test_one_connection_a_host(client: Web, portal: Portal) -> None:
    """However many ask at once, a host has one request of ours under way."""
    under_way = most = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return web.Response(text="x")

    portal.answer = answer  # type: ignore[method-assign]
    async with served(answer) as base:
        await asyncio.gather(*(client.get(source(), f"{base}/{n}") for n in range(10)))
    assert most == 1


async def test_a_host_that_fails_is_left_alone(client: Web, portal: Portal) -> None:
    """After three failed requests no more are made for a while, and one good answer makes all well again."""
    portal.faults["/a"] = [web.Response(status=500) for _ in range(12)]
    portal.pages["/a"] = b"a"
    for _ in range(6):
        with pytest.raises(Unavailable):
            await client.get(source(interval=1), f"{portal.address}/a")
    assert len(portal.requests) == 12
    await asyncio.sleep(6.1)  # four to six intervals
    assert (await client.get(source(interval=1), f"{portal.address}/a")).body == b"a"


@pytest.mark.parametrize(("status", "body"), [(403, b""), (200, BLOCK_PAGE), (503, BLOCK_PAGE), (429, BLOCK_PAGE)])
async def test_a_host_that_refuses_is_not_asked_again(client: Web, portal: Portal, status: int, body: bytes) -> None:
    """A refusal or a block page, whatever its status, ends it at once: no retry, no other way in."""
    portal.faults["/a"] = [web.Response(status=status, body=body)]
    portal.pages |= {"/a": b"a", "/b": b"b"}
    for path in ("/a", "/a", "/b"):
        with pytest.raises(Refused):
            await client.get(source(), f"{portal.address}{path}")
    assert len(portal.requests) == 1


async def test_retry_after_is_kept(client: Web, portal: Portal) -> None:
    """A short Retry-After is waited for, a long one ends the poll with the seconds that the host asks for."""
    portal.faults["/a"] = [web.Response(status=429, headers={"Retry-After": "1"})]
    portal.faults["/b"] = [web.Response(status=503, headers={"Retry-After": "3600"})]
    portal.pages["/a"] = b"a"
    assert (await client.get(source(), f"{portal.address}/a")).body == b"a"
    first, second = (at for at, _ in portal.requests)
    assert second - first >= 0.9
    with pytest.raises(Throttled) as told:
        await client.get(source(), f"{portal.address}/b")
    assert told.value.seconds == 3600


async def test_quiet_hours_are_kept(client: Web, portal: Portal, clock: Clock) -> None:
    """In a host's quiet hours nothing is asked for, over midnight too; a request waits for their end."""
    portal.pages["/a"] = b"a"
    clock.now = datetime(2026, 5, 4, 5, 59, 59, 900_000, tzinfo=UTC)
    asking = asyncio.create_task(client.get(source('quiet = "22:00-06:00"'), f"{portal.address}/a"))
    await asyncio.sleep(0.05)
    assert (portal.robots, portal.requests) == (0, [])
    clock.now = datetime(2026, 5, 4, 6, tzinfo=UTC)
    async with asyncio.timeout(60):
        assert (await asking).body == b"a"


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class served:  # noqa: N801 (it reads as what it is)
    """A server of one handler on an address of loopback."""

    def __init__(self, handler: Handler, host: str = "127.0.0.1") -> None:
        self._handler, self._host = handler, host

    async def __aenter__(self) -> str:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._handler)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, 0).start()
        self.port = self._runner.addresses[0][1]
        return f"http://{self._host}:{self.port}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def test_what_is_not_public_is_never_reached(client: Web, portal: Portal) -> None:
    """Loopback by number, name or other spelling is refused before a byte is sent, unless the file allows it."""
    port = portal.address.rsplit(":", 1)[1]
    portal.pages["/a"] = b"a"
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0", "127.1"):
        with pytest.raises((Forbidden, Unavailable, Gone)):  # some spellings are no host to the client
            await client.get(source(loopback=False), f"http://{host}:{port}/a")
    assert (portal.requests, portal.robots) == ([], 0)
    with pytest.raises(Forbidden):
        await client.get(source(loopback=False), f"{portal.address}/a")
    assert (await client.get(source(), f"{portal.address}/a")).body == b"a"


async def test_a_redirect_into_the_private_network_is_refused(
    client: Web, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A public host that redirects to a private address, for a page or for its robots.txt, gets us nowhere."""
    monkeypatch.setattr(address, "public", lambda found: found == "127.0.0.2")
    portal.pages["/a"] = b"secret"

    async def redirect(request: web.Request) -> web.Response:
        if request.path == "/robots.txt":
            return web.Response(status=404)
        return web.Response(status=302, headers={"Location": f"{portal.address}/a"})

    async with served(redirect, "127.0.0.2") as base:
        with pytest.raises(Forbidden):
            await client.get(source(loopback=False), f"{base}/a")
    assert (portal.requests, portal.robots) == ([], 0)


async def test_a_name_that_moves_into_the_private_network_is_refused(
    client: Web, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is judged when the connection is made: a name that was public a moment ago does not help it."""
    monkeypatch.setattr(address, "public", lambda found: found == "127.0.0.2")
    portal.pages["/a"] = b"secret"
    port = int(portal.address.rsplit(":", 1)[1])
    answers = ["127.0.0.2", "127.0.0.1", "127.0.0.1"]

    async def getaddrinfo(host: str, port: int, **_: object) -> list[Any]:
        assert host == "rebinding.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    for _ in range(2):
        with pytest.raises((Forbidden, Unavailable)):
            await client.get(source(loopback=False), f"http://rebinding.example:{port}/a")
        for session in client._sessions.values():
            session.connector.clear_dns_cache()  # type: ignore[union-attr]
        await asyncio.sleep(0.25)
    assert (portal.requests, portal.robots) == ([], 0)


@pytest.mark.parametrize(
    ("found", "allowed"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("not an address", False),
    ],
)
def test_addresses_are_told_apart(found: str, *, allowed: bool) -> None:
    """Public addresses are public; private, local, shared, multicast ones are not, nor what carries one inside."""
    assert address.public(found) is allowed


async def test_a_body_ends_somewhere(client: Web) -> None:
    """A body that unpacks to more than allowed, or drips for ever, is given up."""

    async def bomb(request: web.Request) -> web.StreamResponse:
        if request.path == "/robots.txt":
            return web.Response(status=404)
        response = web.StreamResponse()
        if request.path == "/bomb":
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        try:
            while True:
                await response.write(b"\0" * 1_000_000 if request.path == "/bomb" else b".")
                await asyncio.sleep(0 if request.path == "/bomb" else 0.05)
        except (ConnectionError, OSError):
            return response

    async with served(bomb) as base:
        with pytest.raises(TooLarge):
            await client.get(source("max_bytes = 10_000_000"), f"{base}/bomb")
        with pytest.raises(TooLarge):
            await client.get(source("timeout = 0.1"), f"{base}/drip")
