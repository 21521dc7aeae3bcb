import pytest

from store import StoreRefused, StoreUnavailable
from store.errors import RETRYABLE, error_of


@pytest.mark.parametrize("code", [209, 210, 241, 243, 252, 242, 319, 425])
def test_what_passes_by_itself_is_retryable(code: int) -> None:
    """A cut connection, a full disk, too many parts or a lost keeper: the same insert may succeed later."""
    error = error_of(code, "Code: 252. Too many parts. Stack trace:\n0. /lib/clickhouse")
    assert isinstance(error, StoreUnavailable)
    assert error.code == code
    assert "Stack trace" not in str(error)


@pytest.mark.parametrize("code", [6, 16, 27, 44, 47, 53, 60, 62, 70, 81, 192, 193, 497, 516])
def test_a_defect_is_never_retried(code: int) -> None:
    """Wrong SQL, a missing table or column, a type that does not fit, a wrong password: refused."""
    assert isinstance(error_of(code, "no"), StoreRefused)


def test_an_unknown_code_is_a_defect() -> None:
    """A code that nobody listed is refused: retrying for ever would hide it."""
    assert 99_999 not in RETRYABLE
    assert isinstance(error_of(99_999, "new"), StoreRefused)
