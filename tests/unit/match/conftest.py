from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import pytest

from schemas.messages import Enrichment, Posting, Signature
from streams.match.signature import signature
from streams.match.tables import Tables

Sign = Callable[..., Signature]


@pytest.fixture(scope="session")
def tables() -> Tables:
    """Read the tables of places and concepts, once."""
    return Tables.load()


@pytest.fixture(scope="session")
def sign(tables: Tables) -> Sign:
    """Make the signature of a posting of the fields given; `isco`, `deadline` and `contract` are its facts."""

    def make(
        source: str = "a",
        *,
        isco: str | None = None,
        deadline: str | None = None,
        contract: str | None = None,
        **fields: str,
    ) -> Signature:
        posting = Posting(source=source, id="1", side="offer", observed_at=datetime(2026, 5, 1, tzinfo=UTC), **fields)
        return signature(posting, Enrichment(isco_best=isco, deadline_on=deadline, contract=contract), tables)

    return make


@pytest.fixture(scope="session")
def long_text() -> Callable[[int, int], str]:
    """Make a text of `size` words drawn by `seed`."""

    def make(seed: int, size: int) -> str:
        draw = Random(seed)
        return " ".join(f"mot{draw.randrange(5_000)}" for _ in range(size))

    return make
