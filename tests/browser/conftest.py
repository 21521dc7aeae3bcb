"""A served wall over a seeded store, and a real browser to look at it with."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which

import pytest
from aiohttp import web
from playwright.sync_api import Browser, sync_playwright

from dashboard.app import PARTS, build
from dashboard.indicators import Indicators
from dashboard.live import agent
from schemas.topics import Namespace
from store import Store
from store.migrate import migrate
from tests.integration.dashboard.sample_market import Sample, make, pour
from tests.integration.store.engines import engine
from tests.ports import free_ports

BEGIN = datetime(2026, 3, 4, 14, 20, 30, tzinfo=UTC)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Served:
    """A wall that is served: its address, its store, and a clock that the test moves."""

    address: str
    store: Store
    sample: Sample
    indicators: Indicators
    now: datetime

    def later(self, step: timedelta) -> None:
        """Move the clock."""
        self.now += step


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A wall over a made-up market; without Kafka it reads the store, here four times a second."""
    monkeypatch.setattr(agent, "STORE_ONLY_EVERY", 0.25)
    with engine("chdb", tmp_path, "") as store:
        migrate(store)
        sample = make(41, now=BEGIN, vacancies=4_000, today=1_500)
        pour(store, sample.messages())
        (port,) = free_ports(1)
        wall = Served(f"http://127.0.0.1:{port}", store, sample, Indicators(store, Namespace("sample")), BEGIN)
        loop = asyncio.new_event_loop()
        app = build(store=store, kafka=None, namespace=Namespace("sample"), clock=lambda: wall.now)
        runner = web.AppRunner(app, shutdown_timeout=1)
        thread = threading.Thread(target=loop.run_forever)
        thread.start()

        async def start() -> None:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            while app[PARTS].hub.snapshot is None:
                await asyncio.sleep(0.02)

        asyncio.run_coroutine_threadsafe(start(), loop).result(120)
        yield wall
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(120)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright; gone after the module, for Playwright's loop bars asyncio's tests."""
    program = which("chromium")
    if program is None:
        pytest.fail("chromium is not installed: `./marsad test` installs it, or names the line to run")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield started
        started.close()
