import numpy as np
import pytest

from schemas.reports import Figure, Report
from streams.evaluate.figures import Bootstrap, precision_recall


def test_an_interval_holds_its_value_and_narrows_with_rows() -> None:
    """The bootstrap interval contains the measured share, and that of a hundred times the rows is narrower."""
    few = Bootstrap().mean("x", [1, 0, 1, 1] * 10)
    many = Bootstrap().mean("x", [1, 0, 1, 1] * 1_000)
    for figure in (few, many):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= 0.75 <= figure.high
    assert (many.high or 1) - (many.low or 0) < (few.high or 1) - (few.low or 0)


def test_the_same_rows_give_the_same_interval() -> None:
    """Resamples are drawn by a seed."""
    assert Bootstrap().mean("x", [1, 0, 1]) == Bootstrap().mean("x", [1, 0, 1])


def test_no_rows_give_no_figure() -> None:
    """Where nothing is measured, value and interval are null, and the number of rows says why."""
    assert Bootstrap().mean("x", []) == Figure("x", "", None, None, None, 0)
    assert Bootstrap().statistic("x", 0, lambda ids: float(ids.sum())).value is None


def test_a_share_of_nothing_is_null() -> None:
    """A precision of which nothing was found is unknown, not zero."""
    precision, recall, _ = precision_recall(Bootstrap(), [0, 0], [0, 0], [1, 1])
    assert precision.value is None
    assert recall.value == 0.0


def test_precision_recall_and_f1_are_those_of_the_textbook() -> None:
    """Three found rightly, one wrongly, two lost: .75, .6 and their harmonic mean."""
    three = precision_recall(Bootstrap(), [3], [1], [2])
    assert [figure.value for figure in three] == pytest.approx([0.75, 0.6, 2 / 3], abs=1e-4)


def test_a_statistic_sees_resampled_rows() -> None:
    """A statistic of row numbers is measured once on all rows and once a resample."""
    sizes = []
    Bootstrap(resamples=7).statistic("x", 5, lambda ids: float(sizes.append(len(np.asarray(ids))) or 1))
    assert sizes == [5] * 8


def test_a_figure_that_is_not_there_is_an_error() -> None:
    """Asking a report for an unknown figure raises, so that a renamed one is noticed."""
    report = Report("occupations", "t", 1, (Figure("a", "", 0.5, None, None, 1),))
    assert report.value("a") == 0.5
    with pytest.raises(KeyError):
        report.value("b")
