"""Fixtures of the producers' integration tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from tests.integration.producers.bench import Bench, Portal


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    """A portal that serves nothing yet."""
    served = Portal()
    app = web.Application()
    app.router.add_get("/{path:.*}", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


@pytest.fixture
async def bench(tmp_path: Path, kafka: KafkaConnection, namespace: Namespace) -> AsyncIterator[Bench]:
    """Topics and a data directory of the test's own; what it started is stopped."""
    made = Bench(tmp_path, kafka, namespace)
    yield made
    await made.stop()
