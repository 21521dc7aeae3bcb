import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.engine.conftest import Bench

STEPS = ["folded", "begun", "sent", "committed", "stored"]


@pytest.mark.parametrize("step", STEPS)
async def test_a_kill_between_any_two_steps_of_a_flush_changes_no_count(bench: Bench, step: str) -> None:
    """Whatever step of the flush SIGKILL hits, the next worker's counts equal the recount and nothing is sent twice."""
    await bench.feed(1500)
    doomed = bench.start(die_at=(step, 3))
    assert await asyncio.to_thread(doomed.wait, 180) == -signal.SIGKILL
    await bench.feed(300)
    bench.start()
    await bench.until_folded()
    assert await bench.recounted()
    await bench.committed_within_markers()


async def test_a_lost_local_state_is_restored_from_the_changelog(bench: Bench) -> None:
    """A worker on another machine starts with no rows and goes on exactly."""
    await bench.feed(800)
    worker = bench.start()
    await bench.until_folded()
    bench.kill(worker)
    shutil.rmtree(bench.options.state_dir)
    await bench.feed(400)
    bench.start()
    await bench.until_folded()
    assert await bench.recounted()


async def test_an_old_copy_of_the_local_state_is_caught_up(bench: Bench, tmp_path: Path) -> None:
    """Rows restored from an old backup are brought to the changelog's end before anything is folded."""
    await bench.feed(500)
    worker = bench.start()
    await bench.until_folded()
    worker.terminate()
    assert await asyncio.to_thread(worker.wait, 180) == 0
    shutil.copytree(bench.options.state_dir, tmp_path / "old")
    await bench.feed(500)
    worker = bench.start()
    await bench.until_folded()
    bench.kill(worker)
    shutil.rmtree(bench.options.state_dir)
    shutil.copytree(tmp_path / "old", bench.options.state_dir)
    await bench.feed(200)
    bench.start()
    await bench.until_folded()
    assert await bench.recounted()


async def test_a_corrupt_local_state_is_discarded(bench: Bench) -> None:
    """Rows that cannot be read are rebuilt from the changelog, not trusted and not fatal."""
    await bench.feed(500)
    worker = bench.start()
    await bench.until_folded()
    bench.kill(worker)
    for file in Path(bench.options.state_dir).rglob("MANIFEST-*"):
        file.write_bytes(b"nonsense")
    await bench.feed(300)
    bench.start()
    await bench.until_folded()
    assert await bench.recounted()


async def test_a_paused_worker_is_fenced_when_it_wakes(bench: Bench, tmp_path: Path) -> None:
    """A worker stopped past its session loses its partitions; on waking its next write is refused and it ends."""
    await bench.feed(600)
    zombie = bench.start()
    await bench.until_folded()
    os.kill(zombie.pid, signal.SIGSTOP)
    await bench.feed(300)
    bench.start(state_dir=str(tmp_path / "elsewhere"))  # the paused one still holds its own rows
    await bench.until_folded()
    feeding = asyncio.create_task(bench.feed(400))
    os.kill(zombie.pid, signal.SIGCONT)
    await feeding
    await bench.until_folded()
    assert await bench.recounted()


async def test_workers_that_come_and_go_keep_every_count(bench: Bench, tmp_path: Path) -> None:
    """One, two, three, one worker, each with rows of its own: partitions move, and the counts equal the recount."""
    enough = asyncio.Event()
    flowing = asyncio.create_task(_flow(bench, enough))
    first, second, third = [await _joined(bench, tmp_path / str(n)) for n in range(3)]
    first.terminate()
    assert await asyncio.to_thread(first.wait, 180) == 0
    bench.kill(third)
    enough.set()
    await flowing
    await bench.feed(300)
    await bench.until_folded()
    assert second.poll() is None
    assert await bench.recounted()
    await bench.committed_within_markers()
    back = bench.start(state_dir=str(tmp_path / "0"))  # the rows that the first one left are old by now
    second.terminate()
    await bench.feed(300)
    await bench.until_folded()
    assert back.poll() is None
    assert await bench.recounted()


async def _joined(bench: Bench, rows: Path) -> subprocess.Popen[str]:
    """Start a worker, and wait until it has flushed runs of a partition of its own."""
    worker = bench.start(state_dir=str(rows))
    for _ in range(720):
        if any(name.endswith(".log") for _, _, names in os.walk(rows) for name in names):
            return worker
        await asyncio.sleep(0.25)
    raise AssertionError("the worker was given no partition")


async def _flow(bench: Bench, enough: asyncio.Event) -> None:
    """Feed until it is enough, the last feed whole: what one that is cut off has sent, nobody can recount."""
    while not enough.is_set():
        await bench.feed(100)
        await asyncio.sleep(0.2)


async def test_a_recreated_input_stops_the_worker_with_the_reason(bench: Bench) -> None:
    """A topic that is not the one the marker speaks of is refused: exit code 78, and the message says why."""
    await bench.feed(100)
    worker = bench.start(identities={bench.options.source: "one"})
    await bench.until_folded()
    bench.kill(worker)
    refused = bench.start(identities={bench.options.source: "two"})
    said, _ = await asyncio.to_thread(refused.communicate, None, 180)
    assert refused.returncode == 78
    assert "recreated" in said


async def test_an_input_that_was_truncated_stops_the_worker_with_the_reason(bench: Bench) -> None:
    """An input that ends before the marker is refused, never silently restarted from the newest offset."""
    await bench.feed(100)
    worker = bench.start()
    await bench.until_folded()
    bench.kill(worker)
    await bench.recreate(bench.options.source)
    refused = bench.start()
    said, _ = await asyncio.to_thread(refused.communicate, None, 180)
    assert refused.returncode == 78
    assert "before the marker" in said
