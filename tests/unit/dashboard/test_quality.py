import json
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from dashboard.quality import SETS, page, read, routes
from schemas.reports import Figure, Report

REPORT = Report(
    "occupations",
    "isco08-0",
    3,
    (Figure("accuracy, <4> digits", "language ar", 0.71239, 0.6, 0.8, 3), Figure("coverage", "", None, None, None, 0)),
    confusion={"2": {"2": 1, "X": 2}},
)


def test_the_page_shows_every_figure_of_every_report_and_escapes_it() -> None:
    """Name, group, value, interval and rows of each figure, and the confusion, stand on the page."""
    shown = page({"occupations_dev": REPORT})
    for part in (SETS["occupations_dev"], "&lt;4&gt;", "language ar", "0.712", "0.600–0.800", "isco08-0", "<th>X</th>"):
        assert part in shown
    assert "<script" not in shown


def test_reports_are_read_as_evaluate_writes_them(tmp_path: Path) -> None:
    """What `marsad evaluate --json` writes is what the page reads; a set that was not measured is left out."""
    (tmp_path / "occupations_dev.json").write_bytes(msgspec.json.encode(REPORT))
    (tmp_path / "other.json").write_text("{}", "utf-8")
    assert read(tmp_path) == {"occupations_dev": REPORT}


def test_all_sets_have_been_measured_with_one_taxonomy() -> None:
    """The reports that are shipped are whole and speak of one state of the tables."""
    reports = read()
    assert set(reports) == set(SETS)
    assert len({report.taxonomy for report in reports.values()}) == 1


@pytest.mark.parametrize("path", ["/quality", "/api/v1/quality"])
async def test_page_and_figures_are_served(path: str) -> None:
    """A reader gets the page, a program the same figures as JSON."""
    app = web.Application()
    app.add_routes(routes({"occupations_dev": REPORT}))
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(path)
        assert answer.status == 200
        body = await answer.text()
        assert "0.71239" in body or "0.712" in body
        if path.startswith("/api"):
            assert json.loads(body)["occupations_dev"]["rows"] == 3
