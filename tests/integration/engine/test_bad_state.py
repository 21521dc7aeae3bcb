"""What a worker does with a changelog, rows or an input that it cannot go on from: it stops and says what to do."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from rocksdict import Options, Rdict

from streams.engine import marker as markers
from tests.integration.engine.conftest import Bench

REFUSED = 78


async def _said(worker: subprocess.Popen[str]) -> str:
    said, _ = await asyncio.to_thread(worker.communicate, None, 180)
    return said


async def _written(bench: Bench, key: bytes, value: bytes) -> None:
    producer = AIOKafkaProducer(**bench.kafka.client_options())
    await producer.start()
    await producer.send_and_wait(bench.options.changelog, value, key, partition=0)
    await producer.stop()


FUTURE = msgspec.json.encode(
    {"v": 2, "generation": "test", "stage": "words", "partition": 0, "sequence": 9} | {"positions": {}, "notes": {}}
)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (markers.KEY, FUTURE, "is newer than this worker: run the worker that wrote it"),
        (markers.KEY, b"nonsense", "cannot be read"),
        (
            markers.KEY,
            FUTURE.replace(b'"v":2', b'"v":1').replace(b'"partition":0', b'"partition":2'),
            "a copy of another",
        ),
        (b"word", b"7", "holds 1 rows and no marker"),
    ],
)
async def test_a_changelog_that_cannot_be_read_stops_the_worker(
    bench: Bench, key: bytes, value: bytes, words: str
) -> None:
    """A marker from the future, of another partition or of no kind, or rows without one: exit code 78 and why."""
    await _written(bench, key, value)
    worker = bench.start()
    assert words in await _said(worker)
    assert worker.returncode == REFUSED


async def test_records_deleted_ahead_of_a_worker_stop_it(bench: Bench) -> None:
    """An offset out of range is never skipped: the worker ends with the cause, and so does its next start."""
    worker = bench.start()
    await bench.feed(300)
    await bench.until_folded()
    os.kill(worker.pid, signal.SIGSTOP)
    await asyncio.sleep(1.0)  # a fetch that waits at the broker would bring what is fed now before it is deleted
    await bench.feed(300)
    admin = AIOKafkaAdminClient(**bench.kafka.client_options())
    await admin.start()
    tp = TopicPartition(bench.options.source, 0)
    await admin.delete_records({tp: RecordsToDelete(before_offset=-1)})
    await admin.close()
    os.kill(worker.pid, signal.SIGCONT)
    assert "out of range" in await _said(worker)
    assert worker.returncode == REFUSED
    again = bench.start()
    assert "records after the marker were deleted" in await _said(again)
    assert again.returncode == REFUSED


async def test_rows_in_use_are_not_thrown_away(bench: Bench) -> None:
    """A worker that finds its rows open elsewhere ends, to be started again, and leaves them as they are."""
    await bench.feed(300)
    worker = bench.start()
    await bench.until_folded()
    bench.kill(worker)
    (rows,) = {path.parent for path in Path(bench.options.state_dir).rglob("CURRENT") if path.parent.name == "0"}
    other = Rdict(str(rows), Options(raw_mode=True))
    refused = bench.start()
    assert "in use by another process" in await _said(refused)
    assert refused.returncode == 1
    other.close()
    bench.start()
    await bench.feed(100)
    await bench.until_folded()
    assert await bench.recounted()
