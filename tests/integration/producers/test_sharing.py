"""Several producer processes share the hosts: each host is one's, and what kills or stops one loses nothing."""

import asyncio
import json
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import msgspec
import pytest
from aiohttp import web
from aiokafka.partitioner import DefaultPartitioner

from schemas.messages import CheckpointRow
from tests.integration.producers.bench import Bench, until

_partition = DefaultPartitioner()


@dataclass
class Asked:
    """One request: when (seconds on the loop's clock), of which host, by which process."""

    at: float
    host: str
    by: str


@dataclass
class Town:
    """Hosts whose feeds name, in every ad, the process that asked and the number of the request."""

    addresses: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    pages: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a feed, a sitemap or a page."""
        by = request.headers["User-Agent"].partition("+")[2].rstrip(")")
        if request.path == "/robots.txt":
            return web.Response(status=404)
        self.asked.append(Asked(asyncio.get_running_loop().time(), request.host, by))
        if request.path == "/sitemap.xml":
            listed = "".join(f"<url><loc>http://{request.host}/offre/{n}</loc></url>" for n in range(self.pages))
            return web.Response(text=f"<urlset>{listed}</urlset>")
        if request.path.startswith("/offre/"):
            job = {"@type": "JobPosting", "title": "Comptable", "identifier": request.path[7:]}
            return web.Response(
                text=f'<script type="application/ld+json">{json.dumps(job)}</script>', content_type="text/html"
            )
        item = f"<item><guid>1</guid><title>{by} {len(self.asked)}</title></item>"
        return web.Response(text=f'<rss version="2.0"><channel>{item}</channel></rss>')

    def by(self, host: str, since: float = 0.0) -> list[str]:
        """Who asked a host, in order."""
        return [one.by for one in self.asked if one.host == host and one.at >= since]


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """Six hosts or more, on even and odd partitions: of two processes, the group gives one the even, one the odd."""
    made = Town()
    places = list(range(8))
    async with AsyncExitStack() as opened:
        while (
            len(made.addresses) < 6 or len({_partition(one.encode(), places, places) % 2 for one in made.addresses}) < 2
        ):
            app = web.Application()
            app.router.add_get("/{path:.*}", made.answer)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            opened.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            made.addresses.append(f"127.0.0.1:{runner.addresses[0][1]}")
        yield made


def connect(bench: Bench, town: Town, kind: str, path: str) -> None:
    """Follow each host of the town."""
    for number, host in enumerate(town.addresses):
        bench.connect(f"portal-{number}", f'kind = "{kind}"\nurl = "http://{host}{path}"')


async def shared(town: Town) -> dict[str, str]:
    """Wait until both processes ask hosts; return whose each host is."""
    loop = asyncio.get_running_loop()

    def settled() -> bool:
        since = loop.time() - 1.0
        askers = [set(town.by(host, since)) for host in town.addresses]
        return all(len(one) == 1 for one in askers) and set.union(*askers) == {"one", "two"}

    await until(settled)
    return {host: town.by(host)[-1] for host in town.addresses}


async def test_a_host_is_one_process_and_a_killed_one_is_replaced(bench: Bench, town: Town) -> None:
    """Two processes share the hosts; when one is killed, the other asks its hosts."""
    connect(bench, town, "rss", "/feed.xml")
    first = await bench.process("one")
    await bench.process("two")
    whose = await shared(town)
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(2)
    assert all(set(town.by(host, began)) <= {asker} for host, asker in whose.items())
    first.kill()
    killed = asyncio.get_running_loop().time()
    await until(lambda: all("two" in town.by(host, killed) for host in town.addresses))


async def test_a_process_that_was_stopped_is_fenced(bench: Bench, town: Town) -> None:
    """Woken after 30 s, it makes at most one request of a host that is another's by now and publishes nothing of it."""
    connect(bench, town, "rss", "/feed.xml")
    first = await bench.process("one")
    await bench.process("two")
    whose = await shared(town)
    hosts = [host for host, asker in whose.items() if asker == "one"]
    first.send_signal(signal.SIGSTOP)
    stopped = asyncio.get_running_loop().time()
    await until(lambda: all("two" in town.by(host, stopped) for host in hosts))
    await asyncio.sleep(max(0.0, stopped + 30 - asyncio.get_running_loop().time()))
    before = set(await titles(bench, "one"))
    first.send_signal(signal.SIGCONT)
    woken = asyncio.get_running_loop().time()
    await until(lambda: bench.assigned("one")[-1] > woken)
    await asyncio.sleep(2)
    given = min(at for at in bench.assigned("one") if at > woken)
    late = [one for one in town.asked if one.by == "one" and one.host in hosts and woken < one.at < given]
    assert len(late) <= 1
    stale = {f"one {number}" for number, one in enumerate(town.asked, 1) if one.by == "one" and one.at < given}
    assert not stale & (set(await titles(bench, "one")) - before)


async def titles(bench: Bench, by: str) -> list[str]:
    """What was published of what a process read."""
    return [one.title for one in await bench.postings() if one.title and one.title.startswith(f"{by} ")]


async def test_whatever_is_killed_or_stopped_nothing_is_lost(bench: Bench, town: Town) -> None:
    """Processes killed and stopped at any time over pages that are read once: every ad is there, and none twice."""
    town.pages = 150
    connect(bench, town, "jsonld", "/sitemap.xml")
    draw = random.Random(7)
    running = {name: await bench.process(name) for name in ("one", "two")}
    for turn in range(5):
        await asyncio.sleep(draw.uniform(0.5, 3.5))
        name = draw.choice(["one", "two"])
        if turn % 2:
            running[name].send_signal(signal.SIGSTOP)
            await asyncio.sleep(draw.uniform(1, 9))
            running[name].send_signal(signal.SIGCONT)
        else:
            running[name].kill()
            await running[name].wait()
            running[name] = await bench.process(name)
    wanted = {(f"portal-{number}", str(n)) for number in range(len(town.addresses)) for n in range(town.pages)}

    async def arrived() -> bool:
        return {(one.source, one.id) for one in await bench.postings()} == wanted

    await until(arrived, seconds=300)
    counted = Counter((one.source, one.id, one.event) for one in await bench.postings())
    assert set(counted.values()) == {1}
    rows = [
        msgspec.json.decode(value, type=CheckpointRow)
        for _, value in await bench.records("producer-checkpoints")
        if value
    ]
    assert {(row.source, row.name) for row in rows if row.part == "item"} == wanted
