from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.messages import Posting

SEEN = datetime(2026, 5, 20, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def ad() -> Callable[..., Posting]:
    """Make a posting of the fields given, seen on 20 May 2026."""

    def make(**fields: Any) -> Posting:  # noqa: ANN401
        return Posting(**({"source": "test", "id": "1", "side": "offer", "observed_at": SEEN} | fields))

    return make
