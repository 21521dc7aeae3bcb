"""Both engines for every test of the store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store
from store.migrate import migrate
from tests.integration.store.engines import ENGINES, engine


@pytest.fixture(params=ENGINES)
def bare(request: pytest.FixtureRequest, tmp_path: Path, clickhouse: str) -> Iterator[Store]:
    """An empty store."""
    with engine(request.param, tmp_path, clickhouse) as opened:
        yield opened


@pytest.fixture
def store(bare: Store) -> Store:
    """A store with its tables."""
    migrate(bare)
    return bare
