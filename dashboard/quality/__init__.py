"""The quality page: what `marsad evaluate` last said of the production code on labelled rows, by name of the set.

The reports beside this module are written by the commands of docs/quality.md; the labelled rows are not needed here.
"""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

import msgspec
from aiohttp import web

from schemas.reports import Report

FOLDER = Path(__file__).parent

SETS: Mapping[str, str] = {
    "occupations_dev": "Occupations: 280 postings coded by two coders (the development set)",
    "occupations_second": "Occupations: 300 other postings, coded by two readers who had not seen the lexicon",
    "occupations_arabic": "Occupations: 120 Arabic titles, written and coded by these readers",
    "locations_dev": "Places: 190 raw place strings",
    "pairs_dev": "Pairs of ads: the same vacancy or not",
    "pairs_fr_ar_dev": "French and Arabic versions of one public notice",
    "titles_esco_fr": "The lexicon on ESCO's preferred labels, French",
    "titles_esco_en": "The lexicon on ESCO's preferred labels, English",
    "titles_benchmark_en": "The lexicon on 81 English titles with four-digit codes",
}
"""Reports in the order of the page, each with its heading."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Marsad: quality</title><link rel="stylesheet" href="/static/quality.css"></head>
<body><h1>How right Marsad is</h1>
<p>Measured on labelled rows by <code>marsad evaluate</code>, with 95&nbsp;% bootstrap intervals. The method,
what is weak and the commands stand in <code>docs/quality.md</code>; the same figures as JSON under
<a href="/api/v1/quality">/api/v1/quality</a>.</p>
{sections}</body></html>
"""


def read(folder: Path = FOLDER) -> dict[str, Report]:
    """Read the reports that are there, in the order of `SETS`. Raises msgspec.DecodeError for a broken one."""
    paths = ((name, folder / f"{name}.json") for name in SETS)
    return {name: msgspec.json.decode(path.read_bytes(), type=Report) for name, path in paths if path.exists()}


def page(reports: Mapping[str, Report]) -> str:
    """Render the reports as one page without scripts."""
    return _PAGE.replace("{sections}", "".join(_section(name, report) for name, report in reports.items()))


def routes(reports: Mapping[str, Report]) -> list[web.RouteDef]:
    """Serve the page and its figures."""
    html, data = page(reports), msgspec.json.encode(reports)

    async def show(_: web.Request) -> web.StreamResponse:
        return web.Response(text=html, content_type="text/html")

    async def tell(_: web.Request) -> web.StreamResponse:
        return web.Response(body=data, content_type="application/json")

    return [web.get("/quality", show), web.get("/api/v1/quality", tell)]


def _section(name: str, report: Report) -> str:
    head = f"<h2>{escape(SETS[name])}</h2><p>{report.rows} rows, taxonomy {escape(report.taxonomy)}</p>"
    rows = "".join(
        f"<tr><td>{escape(one.name)}</td><td>{escape(one.group or 'all')}</td><td>{_number(one.value)}</td>"
        f"<td>{_number(one.low)}–{_number(one.high)}</td><td>{one.n}</td></tr>"
        for one in report.figures
    )
    columns = "".join(f"<th>{column}</th>" for column in ("figure", "of", "value", "95 % interval", "rows"))
    return f"{head}<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>{_confusion(report.confusion)}"


def _confusion(confusion: Mapping[str, Mapping[str, int]]) -> str:
    if not confusion:
        return ""
    said: Iterable[str] = sorted({code for row in confusion.values() for code in row})
    head = "".join(f"<th>{escape(code)}</th>" for code in said)
    rows = "".join(
        f"<tr><th>{escape(true)}</th>{''.join(f'<td>{row.get(code, 0) or str()}</td>' for code in said)}</tr>"
        for true, row in confusion.items()
    )
    return (
        "<h3>Major groups: rows by what coders said, columns by what Marsad said</h3>"
        f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
