"""Both engines for the indicators; chDB for what only needs one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store
from store.migrate import migrate
from tests.integration.store.engines import ENGINES, engine


@pytest.fixture(params=ENGINES)
def each_store(request: pytest.FixtureRequest, tmp_path: Path, clickhouse: str) -> Iterator[Store]:
    """A store with its tables, on each engine."""
    with engine(request.param, tmp_path, clickhouse) as opened:
        migrate(opened)
        yield opened


@pytest.fixture
def chdb(tmp_path: Path) -> Iterator[Store]:
    """A store with its tables, in process."""
    with engine("chdb", tmp_path, "") as opened:
        migrate(opened)
        yield opened
