"""The simulated portals' process.

Real HTTP on loopback, an archive of history, and the source files that point at them.

An epoch begins at the first start, and again at a start after its busy hours are over; it is kept in
`<data directory>/market/`, so that a restart goes on with the same market.
"""

import asyncio
import gzip
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from deploy.market import pages
from deploy.market.shelf import SHOWN_AFTER_REMOVAL, Shelf, Shown
from deploy.market.sources import source_files
from deploy.market.truth import truth
from deploy.market.world import HOUR, MINUTE, Market, Portal

SLOT = 15
"""Seconds that one of the agency's files covers; the files of older stretches cover `STRETCH`."""

STRETCH = 600
FEED_ITEMS = 80
HOST = "127.0.0.1"
RATE = 28.0


@dataclass(frozen=True)
class MarketStarted:
    """Fact: the portals answer at `base`; the epoch began at `begin` (epoch seconds)."""

    base: str
    begin: int


def build(
    *,
    port: int,
    data_dir: Path,
    sources_dir: Path,
    observe: Callable[[object], None],
    clock: Callable[[], float] = time.time,
    seed: int = 1,
    rate: float = RATE,
) -> "Portals":
    """The portals, ready to run; `rate` is new vacancies and requests a minute in busy hours."""
    return Portals(port, data_dir / "market", sources_dir, observe, clock, seed, rate)


def shelf_of(data_dir: Path, now: float | None = None, seed: int = 1, rate: float = RATE) -> Shelf | None:
    """The ads of the epoch that is kept in a data directory, brought up to `now`.

    Pauses are known to the process only.
    """
    kept = data_dir / "market" / "epoch.json"
    if not kept.exists():
        return None
    shelf = Shelf(Market(seed, int(json.loads(kept.read_text("utf-8"))["begin"]), rate))
    shelf.advance(int(time.time() if now is None else now))
    return shelf


class Portals:
    """Serves until stopped."""

    def __init__(
        self,
        port: int,
        folder: Path,
        sources_dir: Path,
        observe: Callable[[object], None],
        clock: Callable[[], float],
        seed: int,
        rate: float,
    ) -> None:
        self._port = port
        self._folder = folder
        self._sources_dir = sources_dir
        self._observe = observe
        self._clock = clock
        self._stopped = asyncio.Event()
        self._paused_at: int | None = None
        self.market = Market(seed, self._epoch(int(clock())), rate)
        self.shelf = Shelf(self.market)

    @property
    def base(self) -> str:
        """Address of the portals."""
        return f"http://{HOST}:{self._port}"

    def _epoch(self, now: int) -> int:
        """When the market began; a new beginning once the busy hours of the last one are over."""
        kept = self._folder / "epoch.json"
        begun = json.loads(kept.read_text("utf-8"))["begin"] if kept.exists() else 0
        if now - begun < (Market.busy_hours - 1) * HOUR:
            return int(begun)
        begin = now - now % MINUTE
        self._folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"begin": begin}), "utf-8")
        return begin

    async def run(self) -> None:
        """Write history and sources, then serve until `stop`."""
        archive = self._folder / f"history-{self.market.begin}.ndjson.gz"
        await asyncio.to_thread(self._write_history, archive)
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, HOST, self._port).start()
        self._sources_dir.mkdir(parents=True, exist_ok=True)
        for name, text in source_files(self.base, archive).items():
            (self._sources_dir / name).write_text(text, "utf-8")
        self._observe(MarketStarted(self.base, self.market.begin))
        await self._stopped.wait()
        await runner.cleanup()

    async def stop(self) -> None:
        """Make `run` return."""
        self._stopped.set()

    def _write_history(self, archive: Path) -> None:
        if archive.exists():
            return
        fresh = archive.with_suffix(".new")
        with gzip.open(fresh, "wb", compresslevel=1) as out:
            for record in pages.history(self.market):
                out.write(record + b"\n")
        fresh.rename(archive)

    def application(self) -> web.Application:
        """The portals as one aiohttp application."""
        app = web.Application()
        app.router.add_get("/portal-a/feed.xml", self._feed)
        app.router.add_get("/portal-b/sitemap.xml", self._sitemap)
        app.router.add_get("/portal-b/jobs/{id}.html", self._page)
        app.router.add_get("/portal-c/api/jobs", self._api)
        app.router.add_get("/agency/", self._index)
        app.router.add_get("/agency/{kind}-{start}-{length}.{form}", self._file)
        app.router.add_get("/truth", self._truth)
        app.router.add_post("/control/pause", self._pause)
        app.router.add_post("/control/resume", self._resume)
        return app

    def _now(self) -> int:
        if self._paused_at is None:
            self.shelf.advance(int(self._clock()))
        return self.shelf.now

    def _open(self, portal: Portal) -> list[Shown]:
        now = self._now()
        kept = SHOWN_AFTER_REMOVAL if portal == "portail-c" else 0
        return [item for item in self.shelf.shown(portal) if not item.removed or item.changed > now - kept]

    async def _feed(self, request: web.Request) -> web.Response:
        return _conditional(request, pages.rss(self._open("portail-a")[-FEED_ITEMS:], self.base), "application/rss+xml")

    async def _sitemap(self, request: web.Request) -> web.Response:
        return _conditional(request, pages.sitemap(self._open("portail-b"), self.base), "application/xml")

    async def _page(self, request: web.Request) -> web.Response:
        for item in self._open("portail-b"):
            if item.ad.source_id == request.match_info["id"]:
                return _conditional(request, pages.page(item).encode(), "text/html")
        raise web.HTTPGone

    async def _api(self, request: web.Request) -> web.Response:
        number = max(1, int(request.query.get("page", "1")))
        return _conditional(request, pages.api(self._open("portail-c"), number), "application/json")

    async def _index(self, request: web.Request) -> web.Response:
        now = self._now()
        first = self.market.begin // STRETCH * STRETCH
        recent = max(first, now // STRETCH * STRETCH - STRETCH)
        slots = [(start, STRETCH) for start in range(first, recent, STRETCH)]
        slots += [(start, SLOT) for start in range(max(recent, self.market.begin), now - SLOT + 1, SLOT)]
        names = [
            f"{kind}-{start}-{length}.{form}"
            for start, length in slots
            for kind, form in (("offres", "ndjson"), ("demandes", "csv"))
        ]
        links = "".join(f"<li><a href='{name}'>{name}</a></li>" for name in names)
        return _conditional(request, f"<html><body><ul>{links}</ul></body></html>".encode(), "text/html")

    async def _file(self, request: web.Request) -> web.Response:
        start, length = int(request.match_info["start"]), int(request.match_info["length"])
        now = self._now()
        if start + length > now or length not in {SLOT, STRETCH}:
            raise web.HTTPNotFound
        side = "offer" if request.match_info["kind"] == "offres" else "seeker"
        items = [
            item
            for item in self.shelf.shown("agence")
            if item.vacancy.side == side and start <= item.changed < start + length
        ]
        if side == "offer":
            return _conditional(request, pages.offers_file(items), "application/x-ndjson")
        return _conditional(request, pages.seekers_file(items), "text/csv")

    async def _truth(self, _request: web.Request) -> web.Response:
        self._now()
        lines = (json.dumps(line, ensure_ascii=False) for line in truth(self.market, self.shelf))
        return web.Response(text="\n".join(lines) + "\n", content_type="application/x-ndjson")

    async def _pause(self, _request: web.Request) -> web.Response:
        self._paused_at = self._now()
        return web.json_response({"paused_at": self._paused_at})

    async def _resume(self, _request: web.Request) -> web.Response:
        if self._paused_at is not None:
            self.shelf.skip(self._paused_at, int(self._clock()))
            self._paused_at = None
        return web.json_response({"paused_at": None})


def _conditional(request: web.Request, body: bytes, content_type: str) -> web.Response:
    """The body with its ETag, or 304."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={"ETag": tag})
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers={"ETag": tag})
