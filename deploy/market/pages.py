"""The portals' pages: what real ones of these kinds serve, noise and broken items included. Pure."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any

from deploy.market.shelf import Shown
from deploy.market.truth import source_of
from deploy.market.world import HISTORY, Ad, Market

BROKEN_EVERY = 97
"""One in so many items of a feed has a broken one beside it."""

PER_PAGE = 200


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _iso(at: int) -> str:
    return _time(at).isoformat().replace("+00:00", "Z")


def _breaks(source_id: str) -> bool:
    return sum(source_id.encode()) % BROKEN_EVERY == 0


def rss(items: Sequence[Shown], base: str) -> bytes:
    """The feed of portail-a: the newest first; now and then an item without a title."""
    entries = []
    for item in reversed(items):
        ad = item.ad
        title = "" if _breaks(ad.source_id) else f"<title>{escape(ad.title)}</title>"
        entries.append(
            f"<item><guid isPermaLink='false'>{ad.source_id}</guid>{title}"
            f"<link>{base}/portal-a/{ad.source_id}</link><pubDate>{format_datetime(_time(ad.appears))}</pubDate>"
            f"<description>{escape(ad.text)}</description><job:company>{escape(ad.company)}</job:company>"
            f"<job:city>{escape(ad.city)}</job:city><job:contract>{escape(ad.contract)}</job:contract>"
            f"<job:salary>{escape(ad.salary)}</job:salary></item>"
        )
    head = "<?xml version='1.0' encoding='utf-8'?><rss version='2.0' xmlns:job='urn:portail-a:job'><channel>"
    return f"{head}<title>Portail A</title><link>{base}</link>{''.join(entries)}</channel></rss>".encode()


def sitemap(items: Iterable[Shown], base: str) -> bytes:
    """The sitemap of portail-b: every open ad."""
    rows = "".join(
        f"<url><loc>{base}/portal-b/jobs/{item.ad.source_id}.html</loc><lastmod>{_iso(item.changed)}</lastmod></url>"
        for item in items
    )
    head = "<?xml version='1.0' encoding='UTF-8'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
    return f"{head}{rows}</urlset>".encode()


def page(item: Shown) -> str:
    """A page of portail-b: schema.org JSON-LD, now and then with raw newlines inside a string."""
    ad = item.ad
    posting: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "identifier": {"@type": "PropertyValue", "value": ad.source_id},
        "title": ad.title,
        "description": f"<p>{escape(ad.text)}</p>",
        "datePosted": _time(ad.appears).date().isoformat(),
        "hiringOrganization": {"@type": "Organization", "name": ad.company},
        "jobLocation": {
            "@type": "Place",
            "address": {"@type": "PostalAddress", "addressLocality": ad.city, "addressCountry": "MA"},
        },
    }
    if ad.contract:
        posting["employmentType"] = ad.contract
    body = json.dumps(posting, ensure_ascii=False)
    if _breaks(ad.source_id):
        body = body.replace(". ", ".\n", 1)
    script = f'<script type="application/ld+json">{body}</script>'
    return (
        f"<!doctype html><html><head><title>{escape(ad.title)}</title>{script}</head><body>{ad.source_id}</body></html>"
    )


def api(items: Sequence[Shown], number: int) -> bytes:
    """A page of portail-c's API, oldest first; now and then an item of the wrong type."""
    pages = max(1, -(-len(items) // PER_PAGE))
    jobs: list[dict[str, Any]] = []
    for item in items[(number - 1) * PER_PAGE : number * PER_PAGE]:
        ad = item.ad
        jobs.append(
            {
                "id": ad.source_id,
                "title": ad.title,
                "company": {"name": ad.company},
                "place": {"city": ad.city},
                "body": ad.text,
                "contract": ad.contract or None,
                "salary": ad.salary or None,
                "experience": ad.experience or None,
                "state": "removed" if item.removed else "open",
            }
        )
        if _breaks(ad.source_id):
            jobs.append({"id": f"{ad.source_id}-broken", "title": 404, "state": "open"})
    return json.dumps({"data": {"jobs": jobs, "pages": pages}}, ensure_ascii=False).encode()


def offers_file(items: Iterable[Shown]) -> bytes:
    """A file of the agency's offers, NDJSON.

    Now and then a line cut short, a null byte, a date to come, an unknown side.
    """
    lines: list[bytes] = []
    for item in items:
        row = _row(item.ad) | {"status": "removed" if item.removed else "open"}
        lines.append(json.dumps(row, ensure_ascii=False).encode())
        if _breaks(item.ad.source_id):
            broken = row | {"source_id": f"{item.ad.source_id}-x"}
            lines.append(json.dumps(broken | {"side": "patron"}, ensure_ascii=False).encode())
            lines.append(json.dumps(broken | {"title": "Poste\u0000 vide"}, ensure_ascii=False).encode())
            lines.append(lines[0][: len(lines[0]) // 2])
    return b"\n".join(lines) + b"\n"


def seekers_file(items: Iterable[Shown]) -> bytes:
    """A file of the agency's job seekers, CSV: no name, address, telephone or e-mail is in it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(["ref", "metier", "ville", "texte", "experience", "statut"])
    for item in items:
        ad = item.ad
        state = "removed" if item.removed else "open"
        writer.writerow([ad.source_id, ad.title, ad.city, ad.text, ad.experience, state])
    return out.getvalue().encode()


def _row(ad: Ad) -> dict[str, str]:
    row = {
        "source_id": ad.source_id,
        "title": ad.title,
        "company": ad.company,
        "city": ad.city,
        "description": ad.text,
        "contract_raw": ad.contract,
        "salary_raw": ad.salary,
        "experience_raw": ad.experience,
    }
    return {name: value for name, value in row.items() if value}


def history(market: Market) -> Iterable[bytes]:
    """The six weeks before the epoch as archive records.

    First sight, and a removal or a later sight where there is one.
    """
    for vacancy in market.born(market.begin - HISTORY, market.begin):
        for ad in vacancy.ads:
            row = _row(ad) | {"source": source_of(vacancy, ad), "side": vacancy.side}
            if vacancy.side == "seeker":
                row.pop("company", None)
            if ad.appears < market.begin:
                yield _record(row, ad.appears)
            if ad.removed and ad.removed < market.begin:
                yield _record(row | {"event": "removed"}, ad.removed)
            elif ad.edited and ad.edited < market.begin:
                yield _record(row, ad.edited)


def _record(row: dict[str, str], at: int) -> bytes:
    return json.dumps(row | {"observed_at": _iso(at)}, ensure_ascii=False).encode()
