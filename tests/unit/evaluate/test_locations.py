import pytest

from schemas.messages import Enrichment, Posting, Signature
from streams.evaluate.figures import Bootstrap
from streams.evaluate.labelled import ANSWERS
from streams.evaluate.locations import measure

ROWS = [
    {"id": "1", "source": "p", "field": "city", "raw": "Rabat", "n": 8, "region": ["MA-04"]},
    {"id": "2", "source": "p", "field": "region_raw", "raw": "Maroc", "n": 1, "region": ["NAT"]},
    {"id": "3", "source": "p", "field": "other", "raw": "Dakar", "n": 1, "region": ["ABROAD"]},
    {"id": "4", "source": "p", "field": "description", "raw": "?", "n": 2, "region": ["X"]},
]


def _says(regions: tuple[str, ...] = (), scope: str = "unknown") -> tuple[Enrichment, Signature]:
    return Enrichment(regions=regions, scope=scope), Signature()  # type: ignore[arg-type]


def _knows(posting: Posting) -> tuple[Enrichment, Signature]:
    match (posting.city, posting.region_raw, posting.description):
        case ("Rabat", None, None):
            return _says(("MA-04",), "regional")
        case (None, "Maroc", None):
            return _says((), "national")
        case ("Dakar", None, None):
            return _says((), "abroad")
    return _says()


def test_each_row_is_a_posting_with_its_place_in_the_field_that_it_names(draw: Bootstrap) -> None:
    """`field` says where the raw place stands, else it is the city; NAT and ABROAD are right by scope, X by none."""
    report = measure(ROWS, _knows, "t", draw)
    assert report.value("regions, weighted") == 1.0
    assert report.value("regions, unweighted") == 1.0
    assert report.misses == ()


def test_figures_are_weighted_by_the_rows_frequency(draw: Bootstrap) -> None:
    """Who knows nothing is right on X alone: two of twelve postings, one of four rows."""
    report = measure(ROWS, lambda _: _says(), "t", draw)
    assert report.value("regions, weighted") == pytest.approx(2 / 12, abs=1e-4)
    assert report.value("regions, unweighted") == 0.25
    assert [miss["id"] for miss in report.misses] == ["1", "2", "3"]


def test_no_answer_of_a_labelled_row_is_read(draw: Bootstrap) -> None:
    """What a coder said of a row never reaches the production code."""
    asked: list[Posting] = []

    def ask(posting: Posting) -> tuple[Enrichment, Signature]:
        asked.append(posting)
        return _says()

    measure(ROWS, ask, "t", draw)
    measure([row | {key: ["MA-99"] for key in ANSWERS - {"n"}} for row in ROWS], ask, "t", draw)
    assert asked[:4] == asked[4:]
