import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Request

from tests.browser.conftest import Served
from tests.integration.dashboard.sample_market import SIDES, pour

LANGUAGES = ("fr", "ar", "en")
FIGURES = ("stock", "opened_today", "opened_hour", "closed_today")

CUT_OFF = """() => {
  const found = [];
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth || page.scrollHeight > innerHeight) found.push("the page scrolls");
  for (const node of document.querySelectorAll("body *")) {
    const box = node.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const name = `${node.tagName}.${node.getAttribute("class") ?? ""} ${node.textContent.trim().slice(0, 40)}`;
    if (box.left < -0.5 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5) found.push(`off: ${name}`);
    if (node instanceof SVGElement || getComputedStyle(node).display === "inline") continue;
    if (node.scrollWidth > node.clientWidth + 1) found.push(`wide: ${name}`);
    const clips = getComputedStyle(node).overflowY === "hidden";
    if (clips && node.scrollHeight > node.clientHeight + 1) found.push(`high: ${name}`);
  }
  return found;
}"""

OVERLAPPING = """() => {
  const leaves = [...document.querySelectorAll("main *, header *")].filter((node) =>
    !(node instanceof SVGElement) && !node.children.length && node.textContent.trim());
  const boxes = leaves.map((node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return [...range.getClientRects()];
  });
  const found = [];
  const touch = (one, other) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
    Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 5;
  for (let a = 0; a < leaves.length; a += 1) for (let b = a + 1; b < leaves.length; b += 1) {
    if (boxes[a].some((one) => boxes[b].some((other) => touch(one, other))))
      found.push(`${leaves[a].textContent.trim()} / ${leaves[b].textContent.trim()}`);
  }
  return found;
}"""


@contextmanager
def looking(
    browser: Browser, served: Served, language: str = "fr", size: tuple[int, int] = (1920, 1080)
) -> Iterator[Page]:
    """A page that shows the wall; whatever it said on its console fails the test."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    page.set_default_timeout(240_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{served.address}/wall?lang={language}")
    page.wait_for_selector("#wall[data-as-of]")
    page.evaluate("document.fonts.ready")
    yield page
    page.close()
    assert said == []


def on_wall(page: Page) -> dict[str, float]:
    """Every figure on the wall, by name."""
    nodes = "nodes => nodes.map(node => [node.dataset.figure, Number(node.dataset.value)])"
    return dict(page.eval_on_selector_all("[data-figure][data-value]", nodes))


def stamp(page: Page) -> datetime:
    """The minute of which the wall speaks."""
    return datetime.fromisoformat(str(page.get_attribute("#wall", "data-as-of")))


def equal_to_sql(page: Page, served: Served) -> None:
    """Assert that every total on the wall is what SQL says at the wall's stamp, of the same state."""
    said = served.indicators.summary(stamp(page))
    assert page.get_attribute("#wall", "data-revision") == ",".join(map(str, said.revision))
    shown = on_wall(page)
    for side in SIDES:
        for figure in FIGURES:
            assert shown[f"{side}.{figure}"] == getattr(getattr(said, side), figure), (side, figure)
        assert shown[f"{side}.ads_per_vacancy"] == getattr(said, side).ads_per_vacancy


def test_totals_equal_sql_at_their_stamp(browser: Browser, served: Served) -> None:
    """Each total on the wall equals SQL, and a recount of the vacancies, at the stamp that the wall shows."""
    with looking(browser, served) as page:
        equal_to_sql(page, served)
        assert on_wall(page)["offer.stock"] == served.sample.stock("offer", stamp(page))


def test_closings_apply_as_the_clock_passes(browser: Browser, served: Served) -> None:
    """With no new record at all, the wall's minute moves on, and its totals stay equal to SQL as closings fall due."""
    with looking(browser, served) as page:
        before = on_wall(page)
        served.later(timedelta(hours=3))
        page.wait_for_function(
            "at => Date.parse(document.querySelector('#wall').dataset.asOf) >= at",
            arg=served.now.timestamp() * 1000 - 60_000,
        )
        equal_to_sql(page, served)
        after = on_wall(page)
    assert after["offer.stock"] < before["offer.stock"]
    assert after["offer.opened_today"] == before["offer.opened_today"]


def test_new_cells_move_the_figures(browser: Browser, served: Served) -> None:
    """Cells that come in show within a second or two, text and value alike, without a reload."""
    change = msgspec.structs.replace
    cells = [
        change(one, opened=one.opened + 1_000, version=one.version + 100_000, revision=one.revision + 1)
        for one in served.sample.counts
        if one.region == "MA"
        and one.grain == "minute"
        and one.opened
        and one.side == "offer"
        and one.start.date() == served.now.date()
    ][:3]
    with looking(browser, served) as page:
        before = on_wall(page)["offer.stock"]
        pour(served.store, {"market-counts": [msgspec.json.encode(one) for one in cells]})
        page.wait_for_function(
            "stock => Number(document.querySelector('[data-figure=\"offer.stock\"]').dataset.value) === stock",
            arg=before + 3_000,
        )
        equal_to_sql(page, served)
        assert re.sub(r"\D", "", page.inner_text('[data-figure="offer.stock"]')) == str(int(before) + 3_000)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_wall_speaks_its_language_and_cuts_nothing_off(browser: Browser, served: Served, language: str) -> None:
    """On a 1920×1080 screen nothing scrolls, overflows, is cut off or overlaps, in each language and its direction."""
    with looking(browser, served, language) as page:
        assert page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate(OVERLAPPING) == []
        assert page.locator(".tile").count() == 12
        assert page.locator(".ranking li").count() == 16
        assert page.locator(".spike").count() == 3
        title = page.inner_text("h1")
    assert bool(re.search(r"[\u0600-\u06ff]", title)) == (language == "ar")


@pytest.mark.parametrize("size", [(3840, 2160), (1366, 768)])
def test_the_wall_scales_with_its_screen(browser: Browser, served: Served, size: tuple[int, int]) -> None:
    """On other screens of the same shape the wall is the same drawing, larger or smaller."""
    with looking(browser, served, "fr", size) as page:
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate(OVERLAPPING) == []


def test_numbers_are_written_as_each_language_writes_them(browser: Browser, served: Served) -> None:
    """French groups thousands by narrow no-break spaces, English by commas, Arabic by points, all in Western digits."""
    written = {}
    for language in LANGUAGES:
        with looking(browser, served, language) as page:
            written[language] = page.inner_text('[data-figure="offer.stock"]')
    assert re.fullmatch(r"\d{1,3}(\u202f\d{3})+", written["fr"])
    assert re.fullmatch(r"[0-9]{1,3}([.,][0-9]{3})+", written["ar"])
    assert re.fullmatch(r"\d{1,3}(,\d{3})+", written["en"])


def test_the_age_of_the_data_turns_amber_then_red(browser: Browser, served: Served) -> None:
    """Data that gets old is said to be late, then interrupted, in words and colour."""
    served.now = datetime.fromisoformat(str(served.indicators.data_as_of())) + timedelta(seconds=20)
    with looking(browser, served) as page:
        page.wait_for_selector('body[data-freshness="live"]')
        colours = [page.evaluate("getComputedStyle(document.querySelector('.fresh b')).color")]
    for age, state in [(timedelta(minutes=5), "late"), (timedelta(hours=1), "lost")]:
        served.later(age)
        with looking(browser, served) as page:
            page.wait_for_selector(f'body[data-freshness="{state}"]')
            colours.append(page.evaluate("getComputedStyle(document.querySelector('.fresh b')).color"))
    assert len(set(colours)) == 3


@pytest.mark.parametrize(("language", "word"), [("fr", "rattrapage"), ("ar", "استدراك"), ("en", "catching up")])
def test_a_wall_that_catches_up_says_so(browser: Browser, served: Served, language: str, word: str) -> None:
    """While much is still to be counted the wall is not live: it says how many records are to go, nothing cut off."""
    with urllib.request.urlopen(f"{served.address}/stream?events=figures") as stream:
        figures = next(line for line in stream if line.startswith(b"data: ")).decode()[6:]
    behind = {**msgspec.json.decode(figures), "catching_up": 1_234_567}
    body = f"event: snapshot\ndata: {msgspec.json.encode(behind).decode()}\n\n"
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
    page.route("**/stream?*", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    page.goto(f"{served.address}/wall?lang={language}")
    page.wait_for_selector("#wall[data-as-of]")
    assert page.get_attribute("body", "data-freshness") == "late"
    said = page.inner_text("#fresh")
    assert word in said
    assert re.sub(r"\D", "", said) == "1234567"
    assert page.evaluate(CUT_OFF) == []
    page.close()


def test_the_page_asks_nobody_but_its_server(browser: Browser, served: Served) -> None:
    """The wall loads nothing from another host, so that it works in a closed network."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page = browser.new_page()
    page.on("request", note)
    page.goto(f"{served.address}/wall?lang=ar")
    page.wait_for_selector("#wall[data-as-of]")
    page.close()
    assert len(asked) > 5
    assert all(url.startswith(served.address) for url in asked)


def test_the_wall_survives_its_server(browser: Browser, served: Served) -> None:
    """A stream that breaks is opened again by itself, and the figures go on."""
    with looking(browser, served) as page:
        count = int(page.get_attribute("#wall", "data-messages") or 0)
        page.context.set_offline(True)
        page.wait_for_timeout(300)
        page.context.set_offline(False)
        page.wait_for_function(
            "count => Number(document.querySelector('#wall').dataset.messages) > count + 2", arg=count
        )
        equal_to_sql(page, served)
