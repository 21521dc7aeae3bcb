"""The wall of a whole Marsad that runs: portals, producers, Kafka, stages, sink, store, live feed, Chromium."""

import asyncio
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.sync_api import Browser, Page

from dashboard.indicators import Indicators
from deploy.market.app import Portals, build
from deploy.market.sources import source_files
from schemas.topics import Namespace
from store.connect import connect
from tests.browser.test_wall import FIGURES, SIDES, on_wall, stamp
from tests.installation import Up
from tests.ports import free_ports

PATIENCE = 240.0
"""Seconds that what is bound to happen may take."""

RATE = 40.0
"""New vacancies and requests a minute; without the six weeks of history, which take a minute to fold."""


@pytest.fixture
def portals(tmp_path: Path) -> Iterator[str]:
    """The address of the simulated portals, served by this process; their source files are in `sources`."""
    (port,) = free_ports(1)
    market = build(port=port, data_dir=tmp_path, sources_dir=tmp_path, observe=lambda _fact: None, rate=RATE)
    _write_sources(market, tmp_path / "sources")
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(market.application(), access_log=None, shutdown_timeout=1)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    yield market.base
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def _write_sources(market: Portals, folder: Path) -> None:
    folder.mkdir()
    history = folder / "history.ndjson.gz"
    for name, text in source_files(market.base, history).items():
        if str(history) not in text:
            (folder / name).write_text(text, "utf-8")


@pytest.fixture
def wall(
    portals: str,  # noqa: ARG001 - their source files are read
    variables: dict[str, str],
    clickhouse: str,
    tmp_path: Path,
) -> Iterator[str]:
    """The address of the wall of `marsad up` on these portals, with a ClickHouse server as its store."""
    up = Up({**variables, "MARSAD_CLICKHOUSE": clickhouse}, tmp_path / "up.log")
    yield up.until(r"The wall: (http://\S+/wall)")
    up.process.terminate()
    up.process.wait(240)


def equal_to_sql(page: Page, indicators: Indicators) -> dict[str, float]:
    """Catch the wall at a moment when SQL is of the same revision; each total must be what SQL says at its stamp."""
    deadline = time.monotonic() + PATIENCE
    while True:
        before = page.get_attribute("#wall", "data-revision")
        shown, at = on_wall(page), stamp(page)
        said = indicators.summary(at)
        after = page.get_attribute("#wall", "data-revision")
        if before == after == ",".join(map(str, said.revision)):
            break
        assert time.monotonic() < deadline, "the wall and SQL were never of one revision"
        page.wait_for_timeout(100)
    for side in SIDES:
        for figure in FIGURES:
            assert shown[f"{side}.{figure}"] == getattr(getattr(said, side), figure), (side, figure, at)
    return shown


def stand_still(before: dict[str, float], after: dict[str, float]) -> bool:
    """Whether nothing has opened between two looks, and what stands is less by what fell due alone."""
    return all(
        after[f"{side}.opened_today"] == before[f"{side}.opened_today"]
        and after[f"{side}.stock"] - before[f"{side}.stock"]
        == before[f"{side}.closed_today"] - after[f"{side}.closed_today"]
        for side in SIDES
    )


def test_the_running_walls_totals_equal_sql_and_stand_still_with_the_sources(
    browser: Browser, wall: str, portals: str, clickhouse: str, tmp_path: Path
) -> None:
    """The totals move and equal SQL at every look; once the portals pause, nothing more opens.

    What is of today begins anew at midnight: the looks that lie before and after it are taken again.
    """
    indicators = Indicators(connect(clickhouse, tmp_path), Namespace("live"))
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(wall)
    page.wait_for_function("() => Number(document.querySelector('[data-figure=\"offer.stock\"]')?.dataset.value) > 0")
    opened = "Number(document.querySelector('[data-figure=\"offer.opened_today\"]').dataset.value)"
    first = second = equal_to_sql(page, indicators)
    while second["offer.opened_today"] <= first["offer.opened_today"]:
        first = second
        page.wait_for_function(f"before => {opened} !== before", arg=first["offer.opened_today"])
        second = equal_to_sql(page, indicators)

    with urllib.request.urlopen(urllib.request.Request(f"{portals}/control/pause", method="POST"), timeout=60):
        pass
    deadline = time.monotonic() + PATIENCE
    still = False
    while not still:
        before = equal_to_sql(page, indicators)
        page.wait_for_timeout(20_000)  # in which a dozen opened before
        after = equal_to_sql(page, indicators)
        still = stand_still(before, after)
        assert still or time.monotonic() < deadline, (before, after)
    page.close()
