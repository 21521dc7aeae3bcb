"""A source from its address alone: portals drawn by seed, and the commands that connect them."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from producers import connect, sources
from producers.detect.fetch import Checker, NothingFound
from producers.detect.finding import to_toml
from producers.web.fetch import Web, utc_now
from schemas.messages import Posting
from tests.integration.producers.bench import Portal
from tests.integration.producers.unlike import KINDS, Unlike

ROOT = Path(__file__).parents[3]
SEEDS = range(6)
LEAST = {"html": 0.7, "feed": 0.9, "json": 0.9, "sitemap": 0.9}


@asynccontextmanager
async def serving(answer: Callable[[web.Request], web.Response]) -> AsyncIterator[str]:
    """Serve on loopback; gives the address."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def opened() -> AsyncIterator[Web]:
    """Give a client that asks once."""
    made = Web(observe=lambda _fact: None, clock=utc_now, attempts=1)
    await made.open()
    yield made
    await made.close()


def shares(portal: Unlike, found: tuple[Posting, ...]) -> tuple[float, float, float]:
    """Shares of a portal's ads whose title, place and date were read as they are."""
    by_title = {posting.title: posting for posting in found}
    read = [(ad, by_title[ad.title]) for ad in portal.ads if ad.title in by_title]
    places = sum(ad.city in f"{posting.city} {posting.region_raw}" for ad, posting in read)
    dates = sum((one.date_raw or "-").startswith((portal.written(ad.day), ad.day.isoformat())) for ad, one in read)
    return len(read) / len(portal.ads), places / len(portal.ads), dates / len(portal.ads)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_proposed_file_reads_what_a_portal_shows(kind: str, tmp_path: Path) -> None:
    """Of portals of any markup, names, paging and language, nearly all titles, places and dates are read."""
    poor: list[tuple[int, tuple[float, float, float]]] = []
    for seed in SEEDS:
        portal = KINDS[kind](seed)
        async with serving(portal.serve) as base, opened() as client:
            found = await Checker(web=client, clock=utc_now, spool=tmp_path, allow_loopback=True).check(
                base + portal.entry
            )
            proposed = sources.parse("proposed.toml", to_toml(found.source))
            quick = msgspec.structs.replace(proposed, requests_per_second=10_000.0)
            read = await connect.collect(quick, web=client, spool=tmp_path, clock=utc_now)
            if min(told := shares(portal, read.postings)) < LEAST[kind] or not read.complete:
                poor.append((seed, told))
    assert poor == []


async def test_a_page_that_is_no_list_is_said_to_be_none(tmp_path: Path) -> None:
    """A page of text proposes nothing, and the reason says what was looked for."""
    links = "".join(f"<li><a href=/{name}>{name}</a>" for name in ("accueil", "contact", "aide"))
    text = f"<html><body><nav><ul>{links}</ul></nav><p>Bonjour.</p></body></html>"

    def answer(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html") if request.path == "/" else web.Response(status=404)

    async with serving(answer) as base, opened() as client:
        with pytest.raises(NothingFound, match="neither a feed nor a sitemap"):
            await Checker(web=client, clock=utc_now, spool=tmp_path, allow_loopback=True).check(f"{base}/")


async def test_a_list_whose_ads_say_neither_where_nor_when_is_refused(tmp_path: Path) -> None:
    """What a source would leave out of most ads is named."""
    items = "".join(f"<li class=job><h3><a href=/j{n}>Comptable n°{n}</a></h3><p>Texte {n}</p></li>" for n in range(9))

    def answer(request: web.Request) -> web.Response:
        page = f"<html><body><ul>{items}</ul></body></html>"
        return web.Response(text=page, content_type="text/html") if request.path == "/" else web.Response(status=404)

    async with serving(answer) as base, opened() as client:
        with pytest.raises(NothingFound, match="lacks place, date"):
            await Checker(web=client, clock=utc_now, spool=tmp_path, allow_loopback=True).check(f"{base}/")


async def marsad(folder: Path, *arguments: str, given: str = "") -> tuple[int, str, str]:
    """Run a command of marsad: exit code, output, errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", *arguments, cwd=ROOT, env={**os.environ, "MARSAD_DATA_DIR": str(folder)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate(given.encode())
    return process.returncode or 0, output.decode(), errors.decode()


async def test_a_portal_is_connected_by_commands(portal: Portal, tmp_path: Path) -> None:
    """Check proposes a file, add connects it, run-once reads it, pause and resume are seen by list."""
    feed = "".join(
        f"<item><title>Comptable {n}</title><link>http://p.example/{n}</link>"
        "<pubDate>Mon, 04 May 2026 10:00:00 GMT</pubDate>"
        f"<emp:lieu xmlns:emp='urn:e'>Fès</emp:lieu><emp:code xmlns:emp='urn:e'>x{n}</emp:code></item>"
        for n in range(8)
    )
    portal.pages = {"/flux": f"<?xml version='1.0'?><rss version='2.0'><channel>{feed}</channel></rss>".encode()}
    address = f"{portal.address}/flux"
    code, output, _ = await marsad(tmp_path, "source", "check", address, "--json", "--allow-loopback")
    found = json.loads(output)
    assert (code, found["kind"], found["mapped"]["city"]) == (0, "rss", "emp_lieu")
    assert found["items"][0] | {"url": ""} == {
        "url": "", "title": "Comptable 0", "city": "Fès", "date_raw": "Mon, 04 May 2026 10:00:00 GMT"
    }  # fmt: skip
    assert "emp_code" in found["unmapped"]
    (tmp_path / "p.toml").write_text(found["source_toml"])
    code, output, _ = await marsad(tmp_path, "source", "run-once", str(tmp_path / "p.toml"), "--print")
    assert [json.loads(line)["city"] for line in output.splitlines()] == ["Fès"] * 8
    name = sources.parse("p.toml", found["source_toml"]).name
    assert (await marsad(tmp_path, "source", "add", "-", given=found["source_toml"]))[0] == 0
    code, _, errors = await marsad(tmp_path, "source", "add", str(tmp_path / "p.toml"))
    assert (code, "is a source already" in errors) == (78, True)
    await marsad(tmp_path, "source", "pause", name)
    (tmp_path / "sources" / "wrong.toml").write_text('kind = "rss"\nname = "x"')
    listed = json.loads((await marsad(tmp_path, "source", "list", "--json"))[1])
    assert [(row["name"], row["kind"], row["paused"]) for row in listed["sources"]] == [(name, "rss", True)]
    assert "url" in listed["wrong"]["wrong.toml"]
    assert (await marsad(tmp_path, "source", "reset", name))[0] == 0
    assert (tmp_path / "sources" / f"{name}.reset").exists()
    await marsad(tmp_path, "source", "resume", name)
    listed = json.loads((await marsad(tmp_path, "source", "list", "--json"))[1])
    assert [row["paused"] for row in listed["sources"]] == [False]


async def test_a_seeker_read_once_is_a_pseudonym(tmp_path: Path) -> None:
    """What run-once shows or publishes of job seekers is known by the key's pseudonym, as what producers publish."""
    (tmp_path / "drop.ndjson").write_text('{"source_id":"demande-77","title":"Soudeur"}\n')
    text = f'kind = "file"\nname = "anapec"\nside = "seeker"\npath = "{tmp_path / "drop.ndjson"}"\nsettle = 0.0\n'
    (tmp_path / "p.toml").write_text(text)
    code, output, errors = await marsad(tmp_path, "source", "run-once", str(tmp_path / "p.toml"), "--print")
    assert code == 0, errors
    assert json.loads(output)["id"].startswith("p:")
    assert "demande-77" not in output


async def test_an_address_on_this_machine_needs_leave(portal: Portal, tmp_path: Path) -> None:
    """Without leave nothing is asked of loopback, and the command says why it failed."""
    code, output, _ = await marsad(tmp_path, "source", "check", f"{portal.address}/flux", "--json")
    assert (code, json.loads(output)["kind"], portal.requests) == (1, None, [])
    assert "not a public address" in json.loads(output)["error"]
