import numpy as np
import pytest

from schemas.messages import Enrichment
from streams.evaluate.figures import Bootstrap
from streams.evaluate.labelled import ANSWERS
from streams.evaluate.occupations import calibration_error, coverage, measure
from tests.unit.evaluate.conftest import Told

ROWS = [
    {"id": "1", "source": "p", "title": "Maçon", "isco4": ["7112"], "isco4_alt": [], "region": ["MA-06"]},
    {"id": "2", "source": "p", "title": "Soudeur", "isco4": ["7212"], "isco4_alt": ["7213"], "region": ["X"]},
    {"id": "3", "source": "q", "title": "محاسب", "isco4": ["2411", "3313"], "isco4_alt": [], "region": ["X"]},
    {"id": "4", "source": "q", "title": "Plusieurs postes", "isco4": ["X"], "isco4_alt": [], "region": ["X"]},
]
SAID = {
    "Maçon": Enrichment(isco="71", isco_best="7112", isco_p=(0.9, 0.9, 0.8, 0.8), regions=("MA-06",)),
    "Soudeur": Enrichment(isco="7213", isco_best="7213", isco_p=(0.9, 0.9, 0.9, 0.9), regions=("MA-01",)),
    "محاسب": Enrichment(isco_best="3313", isco_p=(0.5, 0.5, 0.5, 0.5)),
}


def test_the_code_is_counted_right_at_the_digits_that_it_shares(draw: Bootstrap) -> None:
    """A prefix of any accepted code is right; alternatives count beside; rows without an occupation are left out."""
    report = measure(ROWS, Told(SAID), "t", draw)
    assert [report.value(f"accuracy, {n} digits") for n in (1, 2, 3, 4)] == [
        1.0,
        1.0,
        1.0,
        pytest.approx(2 / 3, abs=1e-4),
    ]
    assert report.value("accuracy with alternatives, 4 digits") == 1.0
    assert report.value("accuracy, 4 digits", "language ar") == 1.0
    assert report.value("accuracy, 4 digits", "portal p") == 0.5
    assert report.value("not stated, recognised") == 1.0
    assert report.value("stated, refused") == 0.0
    assert report.value("regions, exact set") == 0.75
    assert [miss["id"] for miss in report.misses] == ["2"]
    assert report.confusion == {"3": {"3": 1}, "7": {"7": 2}, "X": {"X": 1}}


def test_what_is_published_is_measured_at_its_own_digits(draw: Bootstrap) -> None:
    """Two of three rows publish a code: one of two digits is right, one of four is not."""
    report = measure(ROWS, Told(SAID), "t", draw)
    assert report.value("published, share of rows") == pytest.approx(2 / 3, abs=1e-4)
    assert report.value("published, right at its digits") == 0.5
    assert report.value("published, digits") == 3.0
    assert report.value("published, right at its digits", "codes of 2") == 1.0
    assert report.value("published, share of rows, 4 digits") == pytest.approx(1 / 3, abs=1e-4)
    assert report.value("published, right, 4 digits") == 0.0


def test_no_answer_of_a_labelled_row_is_read(draw: Bootstrap) -> None:
    """With every answer field changed or gone, the production code is asked the same."""
    whole, without = Told(SAID), Told(SAID)
    measure([row | {key: ["9999"] for key in ANSWERS - {"isco4", "region"}} for row in ROWS], whole, "t", draw)
    measure([{name: row[name] for name in ("id", "source", "title")} for row in ROWS], without, "t", draw)
    assert whole.asked == without.asked
    assert [posting.title for posting in whole.asked] == [row["title"] for row in ROWS]


def test_coverage_takes_the_surest_rows_and_keeps_equals_together() -> None:
    """Rows of one probability are taken together or not at all, so their order cannot flatter."""
    right = np.array([1.0, 1.0, 0.0, 1.0])
    assert coverage(np.array([0.9, 0.8, 0.7, 0.6]), right, 0.3) == 1.0
    assert coverage(np.array([0.9, 0.8, 0.7, 0.6]), right, 0.1) == 0.5
    assert coverage(np.array([0.9, 0.7, 0.7, 0.7]), right, 0.1) == 0.25
    assert coverage(np.array([0.9, 0.9, 0.9, 0.9]), right, 0.1) == 0.0


def test_calibration_error_is_the_gap_between_said_and_right() -> None:
    """Saying .75 of rows of which half are right is .25 off; saying what is so is not off."""
    assert calibration_error(np.array([0.75] * 4), np.array([1.0, 0, 1, 0])) == pytest.approx(0.25)
    assert calibration_error(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0.0
