"""`marsad bench producers`: items a second that one process reads from fast portals on loopback into Kafka, durable.

A JSON API in pages, an NDJSON file, an RSS feed and a sitemap with a page an item are served by another process, and
read one after the other by Marsad's producers. A rate is a reading's items over its seconds, from the first request
to the commit of its last posting; the items committed must be the items served. The second reading of what did not
change is counted in requests.
"""

import asyncio
import hashlib
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from aiohttp import ClientSession, web
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy import topics
from producers.app import build
from producers.facts import SourcePolled
from schemas.connections import KafkaConnection
from schemas.messages import Posting
from schemas.topics import Namespace
from tests.benchmarks import lab

PAGE = 500
"""Items of a page of the JSON API."""

SHARES = {"json": 1.0, "ndjson": 1.0, "rss": 0.4, "pages": 0.1}
"""Items of each kind, as a share of `--records`."""


def ads(kind: str, count: int, seed: int) -> list[dict[str, str]]:
    """The ads of a portal: titles, places and texts of about 500 characters."""
    draw = Random(f"{kind}{seed}")
    words = [f"{draw.choice('bcdfglmnprst')}{draw.choice('aeiou')}{draw.choice('lmnrst')}{n:02d}" for n in range(97)]
    return [
        {
            "id": f"{kind}-{number}",
            "title": f"Poste {number} {draw.choice(words)}",
            "company": f"Société {number % 400}",
            "city": draw.choice(("Casablanca", "Rabat", "Fès", "Tanger", "Agadir")),
            "description": " ".join(draw.choices(words, k=80)),
        }
        for number in range(count)
    ]


def bodies(count: int, seed: int, base: str) -> dict[str, bytes]:
    """What is served, by path and query."""
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    found: dict[str, bytes] = {}
    listed = ads("json", int(count * SHARES["json"]), seed)
    last = -(-len(listed) // PAGE)
    for number in range(1, last + 1):
        jobs = [{**ad, "published": at.isoformat()} for ad in listed[(number - 1) * PAGE : number * PAGE]]
        body = {"data": {"jobs": jobs, "pages": last}}
        found[f"/api?page={number}"] = json.dumps(body, ensure_ascii=False).encode()
    rows = [
        {("source_id" if name == "id" else name): text for name, text in ad.items()}
        for ad in ads("ndjson", int(count * SHARES["ndjson"]), seed)
    ]
    found["/offres.ndjson"] = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
    items = "".join(
        f"<item><title>{ad['title']}</title><guid isPermaLink='false'>{ad['id']}</guid><link>{base}/o/{ad['id']}</link>"
        f"<description>{escape('<p>' + ad['description'] + '</p>')}</description>"
        f"<pubDate>{format_datetime(at)}</pubDate><job:company>{ad['company']}</job:company>"
        f"<job:city>{ad['city']}</job:city></item>"
        for ad in ads("rss", int(count * SHARES["rss"]), seed)
    )
    head = "<?xml version='1.0'?><rss version='2.0' xmlns:job='urn:job'><channel><title>Offres</title>"
    found["/flux.xml"] = f"{head}{items}</channel></rss>".encode()
    pages = ads("pages", int(count * SHARES["pages"]), seed)
    urls = "".join(f"<url><loc>{base}/offre/{ad['id']}</loc><lastmod>2026-05-04</lastmod></url>" for ad in pages)
    found["/sitemap.xml"] = f"<?xml version='1.0'?><urlset xmlns='urn:s'>{urls}</urlset>".encode()
    for ad in pages:
        posting = {
            "@type": "JobPosting",
            "identifier": ad["id"],
            "title": ad["title"],
            "description": f"<p>{ad['description']}</p>",
            "hiringOrganization": {"name": ad["company"]},
            "jobLocation": {"address": {"addressLocality": ad["city"]}},
        }
        script = f'<script type="application/ld+json">{json.dumps(posting, ensure_ascii=False)}</script>'
        found[f"/offre/{ad['id']}"] = f"<html><head>{script}</head><body><p>{ad['title']}</p></body></html>".encode()
    return found


def files(base: str) -> dict[str, str]:
    """The source files, by kind."""
    mapping = ", ".join(f'{field} = "{field}"' for field in ("title", "company", "city", "description"))
    return {
        "json": f'kind = "json"\nurl = "{base}/api"\nitems = "data.jobs"\npaging = {{ last = "data.pages" }}\n'
        f'mapping = {{ source_id = "id", {mapping}, date_raw = "published" }}\n',
        "ndjson": f'kind = "file"\nurl = "{base}/offres.ndjson"\nfull = true\n',
        "rss": f'kind = "rss"\nurl = "{base}/flux.xml"\n',
        "pages": f'kind = "jsonld"\nurl = "{base}/sitemap.xml"\n',
    }


async def serve(port: int, count: int, seed: int) -> None:
    """Serve the portals until killed; /counted tells the requests by status and forgets them."""
    base = f"http://127.0.0.1:{port}"
    served = {
        path: (body, f'"{hashlib.sha256(body).hexdigest()[:16]}"') for path, body in bodies(count, seed, base).items()
    }
    counted: dict[str, int] = {}

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/counted":
            told = web.json_response(dict(counted))
            counted.clear()
            return told
        body, etag = served.get(request.path_qs, (b"", ""))
        status = 404 if not etag else 304 if request.headers.get("If-None-Match") == etag else 200
        if request.path != "/robots.txt":
            counted[str(status)] = counted.get(str(status), 0) + 1
        return web.Response(status=status, body=body if status == 200 else None, headers={"ETag": etag} if etag else {})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write("serving\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def _committed(connection: KafkaConnection, topic: str) -> dict[str, int]:
    """Postings that a read-committed reader of the raw topic has, by source."""
    found: dict[str, int] = {}
    options = connection.client_options()
    async with AIOKafkaConsumer(**options, isolation_level="read_committed", max_poll_records=20_000) as consumer:
        await consumer._client._wait_on_metadata(topic)
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, ()):
                    if record.key is not None:
                        name = msgspec.json.decode(record.value, type=Posting).source
                        found[name] = found.get(name, 0) + 1
    return found


async def measure(
    connection: KafkaConnection,
    folder: Path,
    base: str,
    options: Any,  # noqa: ANN401 - argparse's
) -> dict[str, dict[str, float]]:
    """One round: each kind by itself in producers of its own, then its second reading. Ends if items lack."""
    name = lab.unique("bench")
    namespace = Namespace(generation=name, raw=name)
    await topics.ensure(connection, namespace, now=datetime.now(UTC))
    found: dict[str, dict[str, float]] = {}
    async with ClientSession() as session:
        for kind, text in files(base).items():
            sources_dir = folder / kind
            sources_dir.mkdir()
            polite = "interval = 0.5\nrequests_per_second = 10000.0\nallow_loopback = true\nmax_bytes = 500_000_000\n"
            (sources_dir / f"{kind}.toml").write_text(f'name = "{kind}"\n{polite}{text}', "utf-8")
            polls: list[SourcePolled] = []
            counts: list[dict[str, int]] = []

            def observe(fact: object, polls: list[SourcePolled] = polls) -> None:
                if isinstance(fact, SourcePolled):
                    polls.append(fact)

            producers = build(
                sources_dir=sources_dir,
                data_dir=folder / f"{kind}-data",
                kafka=connection,
                namespace=namespace,
                observe=observe,
                scan_every=0.2,
            )
            running = asyncio.create_task(producers.run())
            for wanted in (1, 2):
                while len(polls) < wanted:
                    if running.done():
                        running.result()
                    await asyncio.sleep(0.01)
                counts.append(await (await session.get(f"{base}/counted")).json())
            await producers.stop()
            await running
            if polls[0].state != "ok":
                raise SystemExit(f"{kind}: {polls[0].message}")
            items = int(options.records * SHARES[kind])
            found[kind] = {"items": items, "seconds": polls[0].seconds, "rate": items / polls[0].seconds}
            found[kind] |= {f"unchanged_{status}": count for status, count in counts[1].items()}
            lab.say(f"{kind}: {found[kind]['rate']:,.0f} items/s; unchanged: {counts[1]}")
    committed = await _committed(connection, namespace.topic("postings-raw"))
    if committed != {kind: int(options.records * share) for kind, share in SHARES.items()}:
        raise SystemExit(f"committed {committed}")
    await topics.drop(connection, namespace)
    return found


async def main(connection: KafkaConnection, folder: Path, options: Any) -> dict[str, Any]:  # noqa: ANN401 - argparse's
    """Serve, measure `rounds` times."""
    port = lab.free_ports(1)[0]
    served = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.producers", "--serve", str(port), "--records", str(options.records),
        "--seed", str(options.seed), cwd=lab.ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        if served.stdout is None or await served.stdout.readline() != b"serving\n":
            raise SystemExit("the portals did not start")
        rounds = []
        for number in range(options.rounds):
            place = folder / f"round-{number}"
            place.mkdir()
            rounds.append(await measure(connection, place, f"http://127.0.0.1:{port}", options))
    finally:
        served.kill()
        await served.wait()
    rates = {kind: [one[kind]["rate"] for one in rounds] for kind in SHARES}
    unchanged = {
        kind: {name.removeprefix("unchanged_"): int(count) for name, count in rounds[-1][kind].items() if "un" in name}
        for kind in SHARES
    }
    return {
        "rate": {kind: statistics.median(all_) for kind, all_ in rates.items()},
        "rates": rates,
        "unchanged": unchanged,
    }


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = lab.parser(__doc__, records=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=int, help="only serve the portals, on this port")
    options = parser.parse_args(arguments)
    if options.serve:
        asyncio.run(serve(options.serve, options.records, options.seed))
        return
    machine = lab.machine()
    with lab.broker(lab.settings()) as (connection, folder):
        found = asyncio.run(main(connection, folder, options))
    rows = [
        (
            kind,
            f"{int(options.records * SHARES[kind]):,}",
            f"{found['rate'][kind]:,.0f}",
            ", ".join(f"{count} × {status}" for status, count in found["unchanged"][kind].items()),
        )
        for kind in SHARES
    ]
    given = {name: getattr(options, name) for name in ("records", "rounds", "seed")}
    title = f"Producers, one process: median of {options.rounds}"
    columns = ("kind", "items", "items a second", "requests when unchanged")
    lab.report({**found, "settings": given, "machine": machine}, title, columns, rows, as_json=options.json)


if __name__ == "__main__":
    run()
