"""Each connector kind over HTTP on loopback, into a real Kafka."""

import base64
import gzip
import json
from itertools import pairwise

from aiohttp import web

from producers.facts import RequestRetried, SourcePolled
from tests.integration.producers.bench import Bench, Portal, until


def feed(*ads: tuple[str, str]) -> bytes:
    """Make a feed of (identifier, title)."""
    items = "".join(f"<item><guid>{identity}</guid><title>{title}</title></item>" for identity, title in ads)
    return f'<rss version="2.0"><channel><title>x</title>{items}</channel></rss>'.encode()


def page(identity: str) -> bytes:
    """Make a page with one JSON-LD posting."""
    job = {"@type": "JobPosting", "title": f"Poste {identity}", "identifier": identity}
    return f'<script type="application/ld+json">{json.dumps(job)}</script>'.encode()


def sitemap(address: str, *entries: tuple[str, str]) -> bytes:
    """Make a sitemap of (path, lastmod)."""
    listed = "".join(f"<url><loc>{address}{path}</loc><lastmod>{mod}</lastmod></url>" for path, mod in entries)
    return f"<urlset>{listed}</urlset>".encode()


def polls(bench: Bench) -> int:
    """Count the polls that ended."""
    return sum(isinstance(fact, SourcePolled) for fact in bench.facts)


async def polled(bench: Bench, times: int = 2) -> None:
    """Wait for further polls to end."""
    before = polls(bench)
    await until(lambda: polls(bench) >= before + times)


async def test_an_unchanged_feed_costs_one_304_and_publishes_nothing(bench: Bench, portal: Portal) -> None:
    """A feed's ads are published once, the next polls are conditional, and a changed ad is published again."""
    portal.pages["/feed.xml"] = feed(("1", "Comptable"), ("2", "Chef"))
    bench.connect("portal-a", f'kind = "rss"\nurl = "{portal.address}/feed.xml"')
    await bench.start()
    await until(lambda: portal.unchanged >= 3)
    assert sorted(posting.id for posting in await bench.postings()) == ["1", "2"]
    portal.pages["/feed.xml"] = feed(("1", "Comptable"), ("2", "Chef de projet"))
    await polled(bench)
    assert sorted(posting.title for posting in await bench.postings()) == ["Chef", "Chef de projet", "Comptable"]


async def test_a_restart_does_not_fetch_again_what_was_delivered(bench: Bench, portal: Portal) -> None:
    """After a restart, on whatever machine, requests are conditional and nothing is published again."""
    portal.pages["/feed.xml"] = feed(("1", "Comptable"), ("2", "Chef"))
    bench.connect("portal-a", f'kind = "rss"\nurl = "{portal.address}/feed.xml"')
    await bench.start()
    await until(lambda: polls(bench) >= 1)
    await bench.stop()
    asked = len(portal.requests)
    portal.unchanged = 0
    await bench.start()
    await polled(bench)
    await bench.stop()
    assert portal.unchanged == len(portal.requests) - asked
    assert len(await bench.postings()) == 2


async def test_an_api_is_read_page_by_page_and_its_removals_seen(bench: Bench, portal: Portal) -> None:
    """All pages are read; what the listing leaves out twice, or states to be closed, is removed once."""

    def items(first: int, last: int, closed: int = -1) -> bytes:
        ads = [{"id": n, "poste": f"P{n}", "etat": "closed" if n == closed else "open"} for n in range(first, last)]
        return json.dumps({"jobs": ads}).encode()

    portal.pages |= {
        "/api/jobs?page=1": items(0, 10),
        "/api/jobs?page=2": items(10, 20),
        "/api/jobs?page=3": items(0, 0),
    }
    bench.connect(
        "portal-c",
        f'kind = "json"\nurl = "{portal.address}/api/jobs"\nitems = "jobs"\n'
        'mapping = { source_id = "id", title = "poste", status = "etat" }\n[paging]\n',
    )
    await bench.start()
    await until(lambda: polls(bench) >= 2)
    assert {posting.id for posting in await bench.postings()} == {str(number) for number in range(20)}
    portal.pages |= {"/api/jobs?page=1": items(1, 10, closed=5), "/api/jobs?page=2": items(10, 20)}
    await polled(bench, times=4)
    found = await bench.postings()
    assert sorted(posting.id for posting in found if posting.event == "removed") == ["0", "5"]
    assert len(found) == 22


async def test_pages_of_a_sitemap_are_read_when_they_are_due(bench: Bench, portal: Portal) -> None:
    """A page is fetched once, again when its lastmod moves, and its ad removed when sitemap or page are gone."""
    paths = [f"/offre/{number}" for number in range(20)]
    portal.pages |= {path: page(path[7:]) for path in paths}
    portal.pages["/sitemap.xml"] = sitemap(portal.address, *((path, "1") for path in [*paths, "/about"]))
    bench.connect("portal-b", f'kind = "jsonld"\nurl = "{portal.address}/sitemap.xml"\ninclude = "/offre/"')
    await bench.start()
    await until(lambda: polls(bench) >= 3)
    assert {portal.asked(path) for path in paths} == {1}
    assert portal.asked("/about") == 0
    assert sorted(int(posting.id) for posting in await bench.postings()) == list(range(20))
    del portal.pages["/offre/7"]
    portal.pages["/sitemap.xml"] = sitemap(
        portal.address, ("/offre/7", "2"), *((path, "1") for path in paths[8:]), *((path, "1") for path in paths[1:7])
    )
    await polled(bench, times=3)
    removed = sorted(posting.id for posting in await bench.postings() if posting.event == "removed")
    assert removed == ["0", "7"]
    assert portal.asked("/offre/7") == 2


async def test_a_drop_delivers_offers_and_seekers(bench: Bench, portal: Portal) -> None:
    """CSV and NDJSON, plain or compressed, of offers and of job seekers; only what is new in a file is published."""
    portal.pages |= {
        "/agency/": b'<a href="offres.csv">o</a><a href="demandes.ndjson.gz">d</a><a href="note.txt">n</a>',
        "/agency/offres.csv": "source_id;title;city\n1;Maçon;Fès\n2;Plombier\n3;Soudeur;Rabat\n".encode(),
        "/agency/demandes.ndjson.gz": gzip.compress(
            b'{"source_id":"9","title":"Serveur, 06 61 22 33 44","company":"Moi"}\n'
        ),
    }
    bench.connect("agence-offres", f'kind = "file"\nurl = "{portal.address}/agency/"\npattern = "offres*"')
    bench.connect(
        "agence-demandes", f'kind = "file"\nurl = "{portal.address}/agency/"\npattern = "demandes*"\nside = "seeker"'
    )
    await bench.start()
    await until(lambda: portal.unchanged >= 4)
    found = {posting.id: posting for posting in await bench.postings()}
    assert sorted(found) == ["1", "3", "9"]
    assert (found["9"].side, found["9"].title, found["9"].company) == ("seeker", "Serveur, [tel]", None)
    (reject,) = await bench.rejects()
    assert (reject.reason, base64.b64decode(reject.data), reject.stage) == ("malformed_row", b"2;Plombier", "producers")
    portal.pages["/agency/offres.csv"] += "4;Peintre;Salé\n".encode()
    await until(lambda: portal.asked("/agency/offres.csv") > 0 and polls(bench) > 0)
    await polled(bench, times=4)
    assert sorted(posting.id for posting in await bench.postings()) == ["1", "3", "4", "9"]
    assert len(await bench.rejects()) == 1


async def test_an_archive_of_a_drop_keeps_its_times(bench: Bench, portal: Portal) -> None:
    """An archive's records come in the order of their own times and under their own sources, and once."""
    days = [3, 1, 2]
    lines = [f'{{"source":"portal-{d}","title":"P","observed_at":"2026-01-0{d}T00:00:00Z"}}' for d in days]
    portal.pages |= {
        "/agency/": b'<a href="history.ndjson">h</a>',
        "/agency/history.ndjson": "\n".join(lines).encode(),
    }
    bench.connect("history", f'kind = "file"\nurl = "{portal.address}/agency/"\narchive = true')
    await bench.start()
    await until(lambda: portal.unchanged >= 2)
    found = await bench.postings()
    assert sorted((posting.source, posting.observed_at.day) for posting in found) == [
        ("portal-1", 1),
        ("portal-2", 2),
        ("portal-3", 3),
    ]


async def test_hosts_that_stumble_are_asked_again(bench: Bench, portal: Portal) -> None:
    """Errors of the host's own are retried, after Retry-After where it is given, and nothing is lost."""
    portal.pages["/feed.xml"] = feed(("1", "Comptable"))
    portal.faults["/feed.xml"] = [web.Response(status=500), web.Response(status=429, headers={"Retry-After": "1"})]
    bench.connect("portal-a", f'kind = "rss"\nurl = "{portal.address}/feed.xml"')
    await bench.start()
    await until(lambda: polls(bench) >= 1)
    assert len(await bench.postings()) == 1
    assert portal.requests[2][0] - portal.requests[1][0] >= 0.95
    assert sum(isinstance(fact, RequestRetried) for fact in bench.facts) == 2


async def test_a_host_that_refuses_is_left_alone(bench: Bench, portal: Portal) -> None:
    """A refusal or a block page is no empty portal: the source is blocked, and no ad is removed."""
    paths = [f"/offre/{number}" for number in range(5)]
    portal.pages |= {path: page(path[7:]) for path in paths}
    portal.pages["/sitemap.xml"] = sitemap(portal.address, *((path, "1") for path in paths))
    bench.connect("portal-b", f'kind = "jsonld"\nurl = "{portal.address}/sitemap.xml"')
    await bench.start()
    await until(lambda: polls(bench) >= 1)
    portal.pages["/sitemap.xml"] = b"<title>Access denied</title>"
    await polled(bench)
    portal.faults["/sitemap.xml"] = [web.Response(status=403) for _ in range(100)]
    await polled(bench)
    statuses = await bench.statuses()
    assert (statuses[0].state, statuses[0].seen, statuses[0].kind) == ("ok", 5, "jsonld")
    assert {status.state for status in statuses[-2:]} == {"blocked"}
    assert statuses[-1].expected == 5
    assert len(await bench.postings()) == 5


async def test_a_sweep_that_shrinks_is_told_and_not_believed(bench: Bench, portal: Portal) -> None:
    """A listing of under 0.8 of the usual removes nothing and marks its source as degraded."""
    paths = [f"/offre/{number}" for number in range(10)]
    portal.pages |= {path: page(path[7:]) for path in paths}
    portal.pages["/sitemap.xml"] = sitemap(portal.address, *((path, "1") for path in paths))
    bench.connect("portal-b", f'kind = "jsonld"\nurl = "{portal.address}/sitemap.xml"')
    await bench.start()
    await until(lambda: polls(bench) >= 2)
    portal.pages["/sitemap.xml"] = sitemap(portal.address, *((path, "1") for path in paths[:7]))
    await polled(bench)
    (*_, last) = await bench.statuses()
    assert (last.state, last.seen, last.expected) == ("degraded", 7, 10)
    assert {posting.event for posting in await bench.postings()} == {"seen"}


async def test_a_host_is_asked_no_faster_than_its_limit(bench: Bench, portal: Portal) -> None:
    """Requests of every source of a host keep the slowest one's distance."""
    portal.pages |= {"/a.xml": feed(("1", "A")), "/b.xml": feed(("2", "B"))}
    for name in ("a", "b"):
        bench.connect(name, f'kind = "rss"\nurl = "{portal.address}/{name}.xml"')
        text = (bench.sources / f"{name}.toml").read_text().replace("= 1000", "= 5")
        (bench.sources / f"{name}.toml").write_text(text)
    await bench.start()
    await until(lambda: len(portal.requests) >= 8)
    times = [time for time, _ in portal.requests]
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.15


async def test_postings_up_to_8_mb_pass_and_larger_ones_are_rejects(bench: Bench, portal: Portal) -> None:
    """A huge description is a posting if Kafka can carry it, else a reject with its first megabyte."""
    rows = [
        json.dumps({"source_id": str(size), "title": "A", "description": "x" * size}) for size in (7_900_000, 7_999_950)
    ]
    rows += ['{"source_id":"3","title":"B"}']
    portal.pages["/drop.ndjson"] = "\n".join(rows).encode()
    bench.connect("agence", f'kind = "file"\nurl = "{portal.address}/drop.ndjson"')
    await bench.start()
    await until(lambda: portal.unchanged >= 1)
    assert sorted(posting.id for posting in await bench.postings()) == ["3", "7900000"]
    (reject,) = await bench.rejects()
    assert (reject.reason, reject.truncated, len(base64.b64decode(reject.data))) == ("oversize", True, 1_000_000)
    assert reject.length > 8_000_000
