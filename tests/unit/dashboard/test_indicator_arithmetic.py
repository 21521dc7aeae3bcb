from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.indicators import LEAST_EACH_SIDE, QUERIES, coded_share, mismatch, tension, top

ROWS = [("2512", 10, 4), ("2513", 7, 9), ("251", 5, 5), ("5", 100, 1), ("", 50, 50), ("2411", 0, 0)]


def test_tension_is_suppressed_below_thirty_on_either_side() -> None:
    """The ratio of two flows is shown only where each has at least 30."""
    assert tension(LEAST_EACH_SIDE, LEAST_EACH_SIDE) == 1.0
    assert tension(60, 30) == 2.0
    assert tension(29, 1_000) is None
    assert tension(1_000, 29) is None


def test_mismatch_of_equal_shares_is_zero_and_of_disjoint_ones_is_one() -> None:
    """The dissimilarity compares shares, not sizes."""
    assert mismatch([10, 20, 30], [1, 2, 3]) == 0.0
    assert mismatch([5, 0], [0, 9]) == 1.0
    assert mismatch([1, 3], [2, 2]) == 0.25


def test_mismatch_without_a_side_is_unknown() -> None:
    """No share can be formed of nothing."""
    assert mismatch([0, 0], [1, 2]) is None


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=12))
def test_mismatch_stays_between_its_ends(pairs: list[tuple[int, int]]) -> None:
    """The dissimilarity lies between 0 and 1 whatever the regions hold."""
    value = mismatch([offer for offer, _ in pairs], [seeker for _, seeker in pairs])
    assert value is None or 0 <= value <= 1


def test_a_ranking_rolls_up_and_leaves_coarser_codes_out() -> None:
    """Four-digit codes roll up to three digits; coarser ones are never guessed down; ties go by code."""
    assert top(ROWS, digits=3, by="stock", limit=5) == [("251", 22, 18)]
    assert top(ROWS, digits=4, by="opened", limit=5) == [("2513", 7, 9), ("2512", 10, 4)]
    assert top([("1111", 3, 0), ("1112", 3, 0)], digits=4, by="stock", limit=1) == [("1111", 3, 0)]


def test_the_coded_share_is_of_the_stock() -> None:
    """The share says how much of the stock the ranking speaks of."""
    assert coded_share([("2512", 30, 0), ("25", 60, 0), ("", 10, 0)], 4) == 0.3
    assert coded_share([], 4) is None


@pytest.mark.parametrize("path", sorted(QUERIES.glob("*.sql")), ids=lambda path: path.stem)
def test_each_query_says_what_it_means(path: Path) -> None:
    """Each indicator query opens with its definition, its direction and its source."""
    head = [line for line in path.read_text("utf-8").splitlines() if line.startswith("--")]
    words = [line.split()[1] for line in head if line.endswith(tuple(".:;,")) or ":" in line]
    for word in ("definition:", "direction:", "source:"):
        assert word in words


@pytest.mark.parametrize("path", sorted(QUERIES.glob("*.sql")), ids=lambda path: path.stem)
def test_each_query_reads_settled_versions_of_one_generation(path: Path) -> None:
    """Each query is bound to a generation or raw namespace, and reads FINAL unless versions do not matter."""
    sql = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.startswith("--"))
    assert "%(generation)s" in sql or "%(raw)s" in sql
    assert "PREWHERE" not in sql
    assert " FINAL" in sql or path.stem in {"freshness", "reach"}
