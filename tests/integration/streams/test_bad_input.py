import asyncio
import base64
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from aiokafka import AIOKafkaProducer

from deploy.markers import Readback
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from tests.ports import free_ports

GOOD = b'{"source":"a","id":"%d","side":"offer","observed_at":"2026-05-01T00:00:00Z","title":"Comptable %d"}'
BAD = {
    "malformed_json": b'{"source": "a", ',
    "wrong_type": GOOD.replace(b'"%d"', b"7", 1).replace(b"%d", b"7"),
    "missing_title": GOOD.replace(b"Comptable %d", b" ").replace(b"%d", b"90"),
    "future_date": GOOD.replace(b"2026-05", b"2126-05").replace(b"%d", b"91"),
    "too_large": GOOD.replace(b"%d", b"92").replace(b"Comptable", b"x" * (5 << 20)),
    "null_byte": GOOD.replace(b"%d", b"93").replace(b"Comptable", b"a\x00b"),
    "invalid_utf8": GOOD.replace(b"%d", b"94").replace(b"Comptable", b"\xff\xfe"),
    "unknown_side": GOOD.replace(b"%d", b"95").replace(b"offer", b"patron"),
    "wrong_key": GOOD.replace(b"%d", b"97").replace(b"Comptable", b"Under another key"),
    "removal_of_unknown": GOOD.replace(b"%d", b"96").replace(b'"side"', b'"event":"removed","side"'),
}


def _key(value: bytes) -> bytes:
    """Source and id, joined by a tab, where there are any."""
    try:
        posting = json.loads(value)
    except ValueError:
        return b"?"
    return b"a\t1" if "another key" in posting["title"] else f"{posting['source']}\t{posting['id']}".encode()


async def _send(kafka: KafkaConnection, namespace: Namespace, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(**kafka.client_options(), max_request_size=9 << 20, linger_ms=5)
    await producer.start()
    topic = namespace.topic("postings-raw")
    await asyncio.gather(*[await producer.send(topic, value, _key(value), partition=0) for value in values])
    await producer.stop()


def _worker(folder: Path, kafka: KafkaConnection, namespace: Namespace, *options: str) -> subprocess.Popen[str]:
    variables = {
        "MARSAD_DATA_DIR": str(folder / "data"),
        "MARSAD_KAFKA": kafka.bootstrap,
        "MARSAD_GENERATION": namespace.generation,
        "MARSAD_RAW": namespace.raw,
        "MARSAD_STREAMS_METRICS_PORT": str(free_ports(1)[0]),
    }
    command = [sys.executable, "-m", "deploy.cli", "run", "streams", *options]
    return subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


async def _tallies(kafka: KafkaConnection, namespace: Namespace) -> Counter[str]:
    async with Readback(kafka, namespace) as readback:
        markers = await readback.markers("ads")
    found: Counter[str] = Counter()
    for marker in markers.values():
        found.update({name: marker.notes[name] for name in ("new", "updated", "unchanged")})
        found.update({"rejected": sum(marker.notes["rejected"].values())})
    return found


async def _until(kafka: KafkaConnection, namespace: Namespace, sightings: int) -> Counter[str]:
    for _ in range(720):
        found = await _tallies(kafka, namespace)
        if found.total() >= sightings:
            return found
        await asyncio.sleep(0.25)
    raise AssertionError(f"{found} of {sightings}")


async def test_each_bad_record_is_kept_with_its_reason_and_the_rest_flows(
    tmp_path: Path, kafka: KafkaConnection, namespace: Namespace
) -> None:
    """Every kind of bad record lands in the reject topic with its bytes and reason; good ones around it are counted."""
    good = [GOOD % (n, n) for n in range(20)]
    await _send(kafka, namespace, [*good[:10], *BAD.values(), *good[10:]])
    worker = _worker(tmp_path, kafka, namespace)
    try:
        tallies = await _until(kafka, namespace, len(good) + len(BAD))
    finally:
        worker.terminate()
        await asyncio.to_thread(worker.communicate)
    assert tallies["new"] == len(good)
    assert worker.returncode == 0
    async with Readback(kafka, namespace) as readback:
        kept = [json.loads(record.value) async for record in readback.records("postings-rejected")]
    assert {one["reason"]: base64.b64decode(one["data"]) for one in kept} == BAD
    assert all(one["length"] == len(BAD[one["reason"]]) for one in kept)


async def test_a_surge_of_rejects_stops_the_worker_until_it_is_resumed(
    tmp_path: Path, kafka: KafkaConnection, namespace: Namespace
) -> None:
    """More than half of the last thousand rejected: exit code 78, again on restart, not after resume."""
    await _send(kafka, namespace, [BAD["malformed_json"]] * 600 + [GOOD % (n, n) for n in range(450)])
    worker = _worker(tmp_path, kafka, namespace)
    said, _ = await asyncio.to_thread(worker.communicate, None, 180)
    assert worker.returncode == 78, said
    assert "of the last 1000 records were rejected, most often as malformed_json" in said
    again = _worker(tmp_path, kafka, namespace)
    said, _ = await asyncio.to_thread(again.communicate, None, 180)
    assert again.returncode == 78, said
    resumed = _worker(tmp_path, kafka, namespace, "--resume")
    try:
        await _send(kafka, namespace, [GOOD % (n, n) for n in range(450, 500)])
        tallies = await _until(kafka, namespace, 1100)
    finally:
        resumed.terminate()
        await asyncio.to_thread(resumed.communicate)
    assert tallies["rejected"] == 600
    assert tallies["new"] == 500
