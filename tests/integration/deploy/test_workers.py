"""Several stream workers under one `marsad up`."""

import asyncio
import contextlib
import time
import urllib.request
from pathlib import Path

from tests.integration.deploy.conftest import Installation


def _partitions(port: int) -> float:
    """Partitions of all stages that a worker holds, by its own metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("marsad_stage_partitions{"))


async def _all_hold_some(ports: list[int]) -> None:
    """Wait until each worker has partitions, and all of them together four of ads, four of market, one of detect."""
    deadline = time.monotonic() + 300
    held: list[float] = []
    while not (held and all(held) and sum(held) == 9):
        assert time.monotonic() < deadline, held
        await asyncio.sleep(0.5)
        with contextlib.suppress(OSError):
            held = [await asyncio.to_thread(_partitions, port) for port in ports]


async def test_workers_share_the_partitions_and_keep_every_count(variables: dict[str, str], tmp_path: Path) -> None:
    """Three workers, then one again: every partition is held once, and no vacancy is lost or counted twice."""
    for workers in (3, 1):
        installation = Installation({**variables, "MARSAD_STREAM_WORKERS": str(workers)}, tmp_path)
        try:
            installation.up.until(r"The wall: (http://\S+/wall)", 120)
            await installation.feed_again(200)
            await installation.until_open("live", installation.sent)
            first = int(variables["MARSAD_STREAMS_METRICS_PORT"])
            await _all_hold_some([first + 10 * n for n in range(workers)])
            await installation.feed(50)
            await installation.until_open("live", installation.sent)
        finally:
            installation.end()
