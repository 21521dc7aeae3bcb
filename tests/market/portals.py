"""A market of 40 portals of every kind on loopback, drawn by seed, that edit, remove and fail.

The portals run in a process of their own (`python -m tests.market.portals`), each on a port: a host. A phase is a state
of all ads (`tests.market.ads`). In each, every portal answers a few requests with a fault. The portals measure how
often they are asked, and how many at once.
"""

import argparse
import asyncio
import csv
import gzip
import hashlib
import io
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
from aiohttp import web

from producers.health import ENOUGH
from tests.market.ads import PHASES, Item, Spec, specs

RATE = 200.0
"""Requests a second that a host's file allows."""

LARGEST = 24_000_000
"""Bytes that a document may have: less than the bombs hold."""

FAULTS = ("500", "429", "slow", "truncated", "bomb", "loop", "charset", "broken", "markup")
AT = datetime(2026, 5, 4, 12, tzinfo=UTC)

RENAMED: dict[str, tuple[tuple[bytes, bytes], ...]] = {
    "json": ((b'"id":', b'"ref":'), (b'"titre":', b'"intitule":'), (b'"ville":', b'"lieu":')),
    "ndjson": ((b'"source_id":', b'"ref":'), (b'"title":', b'"intitule":'), (b'"city":', b'"lieu":')),
    "csv": ((b"source_id", b"ref"), (b"title", b"intitule"), (b"city", b"lieu")),
    "rss": ((b"guid", b"ref"), (b"title>", b"intitule>"), (b"job:city>", b"job:place>")),
    "html": ((b'class="offre', b'class="zz'),) * 3,
}
"""What changed markup calls otherwise, one of three by portal. A page of its own that shows no job is a removal as many
portals tell it, and Parquet's columns are not text: those kinds have no such fault."""

WHOLE = frozenset({"delta", "ndjson", "csv", "parquet", "rss"})
"""Kinds that show everything in one document, of which the last one made is kept."""

PER_PAGE = {"page": 100, "offset": 100, "cursor": 80, "link": 80, "delta": 10**9, "html": 25}


class Served:
    """One portal: answers as its kind does, with faults at drawn requests of each phase; measures who asks."""

    def __init__(self, spec: Spec, phase: Callable[[], int], interval: float) -> None:
        self.interval = interval
        self.spec = spec
        self.phase = phase
        self.at: list[float] = []
        self.open = self.most = 0
        self.asked: dict[int, int] = {}
        self.faults: dict[str, int] = {}
        self.base = ""
        self._draw = Random(f"{spec.seed}-{spec.number}")
        self._planned = {
            number: dict(zip(self._draw.sample(range(6), 3), self._draw.sample(self._possible(number), 3), strict=True))
            for number in range(PHASES)
        }
        self._body = lru_cache(maxsize=1 if spec.kind in WHOLE else 8)(self._made)

    @property
    def _form(self) -> str:
        return "json" if self.spec.kind in PER_PAGE and self.spec.kind != "html" else self.spec.kind

    def _possible(self, phase: int) -> tuple[str, ...]:
        """The faults that fit. What a source's fields are called can change once it is known, not before."""
        kind = self.spec.kind
        fits = {
            "markup": {kind} & ({"html"} if phase == 0 else {kind} if self._form in RENAMED else set()),
            "charset": set(PER_PAGE) | {"ndjson", "rss", "sitemap"},
            "broken": {"rss", "page", "offset", "cursor", "link", "delta", "parquet"},
        }
        return tuple(fault for fault in FAULTS if kind in fits.get(fault, {kind}))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.at.append(time.monotonic())
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            if request.path == "/robots.txt":
                return web.Response(status=404)
            phase = self.phase()
            number = self.asked[phase] = self.asked.get(phase, -1) + 1
            fault = self._planned[phase].get(number, "")
            if "loop" in request.query:
                return web.Response(status=302, headers={"Location": str(request.rel_url)})
            if fault == "markup" and not self._many(request, phase):
                fault = ""
            if not fault:
                return self._plain(request, phase)
            answer = await self._faulty(fault, request, phase)
            if isinstance(answer, web.Response):  # sent now: one that nobody took, on a busy machine, does not count
                await answer.prepare(request)
                await answer.write_eof()
            self.faults[fault] = self.faults.get(fault, 0) + 1
            return answer
        finally:
            self.open -= 1

    def _plain(self, request: web.Request, phase: int) -> web.Response:
        body, headers = self._body(request.path_qs, phase)
        if body is None:
            return web.Response(status=404)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag and self.spec.kind != "delta":
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, headers={"ETag": etag, **headers})

    async def _faulty(self, fault: str, request: web.Request, phase: int) -> web.StreamResponse:
        made, headers = self._body(request.path_qs, phase)
        body = made or b""
        if fault in {"slow", "truncated"}:
            return await self._streamed(fault, request, body, headers)
        return self._wrong(fault, body)

    def _wrong(self, fault: str, body: bytes) -> web.Response:
        told = gzip.decompress(body) if body[:2] == b"\x1f\x8b" and fault == "charset" else body
        answers: dict[str, tuple[int, bytes, dict[str, str]]] = {
            "500": (500, b"", {}),
            "429": (429, b"", {"Retry-After": "1"}),
            "loop": (302, b"", {"Location": "/?loop=1"}),
            "bomb": (200, _bomb(), {"Content-Encoding": "gzip"}),
            "charset": (200, told.decode("utf-8", "replace").encode("cp1252", "replace"), {"Content-Type": "text/x"}),
            "broken": (200, body[: len(body) // 2], {}),
            "markup": (200, self._renamed(body) if fault == "markup" else b"", {}),
        }
        status, sent, headers = answers[fault]
        return web.Response(status=status, body=sent, headers=headers)

    def _many(self, request: web.Request, phase: int) -> bool:
        """Whether a document has ads enough for what it lost to be told from what a few ads happen not to have."""
        body = self._body(request.path_qs, phase)[0] or b""
        return self._form == "csv" or body.count(RENAMED[self._form][self.spec.number % 3][0]) >= 2 * ENOUGH

    def _renamed(self, body: bytes) -> bytes:
        one, other = RENAMED[self._form][self.spec.number % 3]
        return body.replace(one, other, 1 if self._form == "csv" else -1)

    async def _streamed(
        self, fault: str, request: web.Request, body: bytes, headers: dict[str, str]
    ) -> web.StreamResponse:
        """Send a body slowly, or less of it than was announced."""
        length = len(body) + (500 if fault == "truncated" else 0)
        stream = web.StreamResponse(headers={"Content-Length": str(length), **headers})
        await stream.prepare(request)
        for at in range(0, len(body), max(1, len(body) // 5)):
            await stream.write(body[at : at + max(1, len(body) // 5)])
            if fault == "slow":
                await asyncio.sleep(0.1)
        if fault == "truncated" and request.transport is not None:
            request.transport.close()
        return stream

    def _made(self, path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        return getattr(self, f"_{self.spec.kind}")(path, phase)

    def _api(self, items: list[Item], more: dict[str, object]) -> bytes:
        rows = [{"id": i.id, "titre": i.title, "ville": i.city, "texte": i.text, "le": AT.isoformat()} for i in items]
        return json.dumps({"offres": rows, **more}, ensure_ascii=False).encode()

    def _paged(self, path: str, phase: int, name: str, first: int, step: int) -> tuple[list[Item], int, int]:
        """The items of a page, its number from 0, and how many pages there are."""
        size = PER_PAGE[self.spec.kind]
        query = dict(part.split("=", 1) for part in path.partition("?")[2].split("&") if "=" in part)
        number = (int(query.get(name, str(first)).strip("c")) - first) // step
        items = list(self.spec.items(phase, number * size, (number + 1) * size))
        return items, number, -(-self.spec.size(phase) // size)

    def _page(self, path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        items, _, last = self._paged(path, phase, "page", 1, 1)
        return self._api(items, {"pages": last}), {}

    def _offset(self, path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        items, _, _ = self._paged(path, phase, "start", 0, PER_PAGE["offset"])
        return self._api(items, {"total": self.spec.size(phase)}), {}

    def _cursor(self, path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        items, number, last = self._paged(path, phase, "apres", 0, 1)
        return self._api(items, {"suite": f"c{number + 1}" if number + 1 < last else None}), {}

    def _link(self, path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        items, number, last = self._paged(path, phase, "p", 1, 1)
        follow = f'<{self.base}/api?p={number + 2}>; rel="next"'
        return self._api(items, {}), {"Link": follow} if number + 1 < last else {}

    def _delta(self, path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        if path.startswith("/snapshot"):
            return self._api(list(self.spec.items(phase)), {}), {}
        gone = [{"id": identity, "removed": True} for identity in self.spec.removed()] if phase >= 2 else []
        edited = [item for item in self.spec.items(phase) if item.changed]
        rows = json.loads(self._api(edited, {}))["offres"]
        return json.dumps({"offres": [*rows, *gone]}, ensure_ascii=False).encode(), {}

    def _ndjson(self, _path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        rows = [
            {"source_id": i.id, "title": i.title, "city": i.city, "description": i.text} for i in self.spec.items(phase)
        ]
        return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows), {}

    def _csv(self, _path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";|\t,"[self.spec.number % 4])
        writer.writerow(["source_id", "title", "city", "description"])
        writer.writerows((i.id, i.title, i.city, i.text) for i in self.spec.items(phase))
        return out.getvalue().encode("cp1252" if self.spec.number % 2 else "utf-8"), {}

    def _parquet(self, _path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        items = list(self.spec.items(phase))
        out = io.BytesIO()
        columns = {"source_id": [i.id for i in items], "title": [i.title for i in items]}
        columns |= {"city": [i.city for i in items], "description": [i.text for i in items]}
        pq.write_table(pa.table(columns), out)
        return out.getvalue(), {}

    def _rss(self, _path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        entries = "".join(
            f"<item><guid isPermaLink='false'>{i.id}</guid><title>{escape(i.title)}</title>"
            f"<job:city>{i.city}</job:city>"
            f"<description>{escape(i.text)}</description><pubDate>{format_datetime(AT)}</pubDate></item>"
            for i in self.spec.items(phase)
        )
        head = "<?xml version='1.0' encoding='utf-8'?><rss version='2.0' xmlns:job='urn:j'><channel><title>x</title>"
        return f"{head}{entries}</channel></rss>".encode(), {}

    def _html(self, path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        items, number, last = self._paged(path, phase, "p", 1, 1)
        if not items:
            return b"<html><body><p class='vide'>Aucune offre</p></body></html>", {}
        blocks = "".join(
            f'<li class="offre" id="{i.id}"><h2>{escape(i.title)}</h2><b>{i.city}</b><p>{escape(i.text)}</p>'
            for i in items
        )
        link = f'<a class="suivant" href="/offres?p={number + 2}">Suivant</a>' if number + 1 < last else ""
        return f"<html><head><meta charset=utf-8></head><body><ul>{blocks}</ul>{link}</body></html>".encode(), {}

    def _sitemap(self, path: str, phase: int) -> tuple[bytes | None, dict[str, str]]:
        if path == "/sitemap.xml":
            rows = "".join(
                f"<url><loc>{self.base}/o/{i.id}</loc><lastmod>2026-05-0{1 + i.changed}</lastmod></url>"
                for i in self.spec.items(phase)
            )
            return gzip.compress(f"<urlset>{rows}</urlset>".encode(), mtime=0), {}
        item = self.spec.shows(path.rpartition("/")[2], phase)
        if item is None:
            return None, {}
        data = {"@type": "JobPosting", "identifier": item.id, "title": item.title, "description": item.text}
        data |= {"jobLocation": {"address": {"addressLocality": item.city}}}
        return f'<script type="application/ld+json">{json.dumps(data, ensure_ascii=False)}</script>'.encode(), {}

    def source(self) -> str:
        """The portal's source file."""
        kind = self.spec.kind
        head = (
            f'name = "{self.spec.name}"\ninterval = {self.interval}\nrequests_per_second = {RATE}\n'
            f"allow_loopback = true\ntimeout = 20.0\nmax_bytes = {LARGEST}\n"
        )
        mapping = (
            '\n[mapping]\nsource_id = "id"\ntitle = "titre"\ncity = "ville"\ndescription = "texte"\ndate_raw = "le"\n'
        )
        api = f'kind = "json"\nurl = "{self.base}/api"\nitems = "offres"\n'
        paging = {
            "page": 'paging = { last = "pages" }',
            "offset": 'paging = { style = "offset", parameter = "start", size = 100, total = "total" }',
            "cursor": 'paging = { style = "cursor", parameter = "apres", next = "suite" }',
            "link": 'paging = { style = "link" }',
        }
        match kind:
            case "page" | "offset" | "cursor" | "link":
                return f"{head}{api}{paging[kind]}\n{mapping}"
            case "delta":
                since = f'since = {{ url = "{self.base}/stream", parameter = "apres", full_every = 86400 }}\n'
                snapshot = f'kind = "json"\nurl = "{self.base}/snapshot"\nitems = "offres"\n'
                return f'{head}{snapshot}{since}{mapping}status = "removed"\n'
            case "ndjson" | "csv" | "parquet":
                return f'{head}kind = "file"\nurl = "{self.base}/offres.{kind}"\nfull = true\n'
            case "rss":
                return f'{head}kind = "rss"\nurl = "{self.base}/flux.xml"\n'
            case "html":
                picks = 'source_id = "@id"\ntitle = "h2"\ncity = "b"\ndescription = "p"\n'
                lists = f'items = "li.offre"\nnext = "a.suivant"\nempty = "p.vide"\n\n[mapping]\n{picks}'
                return f'{head}kind = "html"\nurl = "{self.base}/offres?p=1"\n{lists}'
        return f'{head}kind = "jsonld"\nurl = "{self.base}/sitemap.xml"\n'

    def limits(self) -> dict[str, object]:
        """How the host was asked: the most requests in any second, the most at once, all of them, the faults."""
        most = 0
        start = 0
        for end, at in enumerate(self.at):
            while at - self.at[start] > 1.0:
                start += 1
            most = max(most, end - start + 1)
        return {"in_a_second": most, "at_once": self.most, "requests": len(self.at), "faults": self.faults}


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    return gzip.compress(bytes(4 * LARGEST), 9)


@dataclass
class Market:
    """All portals of a process."""

    portals: list[Served] = field(default_factory=list)
    phase: int = 0

    async def control(self, request: web.Request) -> web.Response:
        """`/phase/N` moves every portal on; `/sources` and `/limits` tell of them."""
        if request.path.startswith("/phase/"):
            self.phase = int(request.path.rpartition("/")[2])
            return web.json_response(self.phase)
        if request.path == "/sources":
            return web.json_response({served.spec.name: served.source() for served in self.portals})
        return web.json_response({served.spec.name: served.limits() for served in self.portals})


async def _listen(answer: Callable[[web.Request], Awaitable[web.StreamResponse]], port: int = 0) -> str:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def serve(items: int, seed: int, interval: float) -> None:
    """Serve a market until killed; the first line printed is the control's address."""
    market = Market()
    for spec in specs(items, seed):
        served = Served(spec, lambda: market.phase, interval)
        served.base = await _listen(served.answer)
        market.portals.append(served)
    address = await _listen(market.control)
    sys.stdout.write(address + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--interval", type=float, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.items, given.seed, given.interval))
