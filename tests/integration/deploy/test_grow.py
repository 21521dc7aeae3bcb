"""`marsad topics grow`: more partitions, with every sighting in its key's order and at its log time."""

import asyncio
import os
import signal
import subprocess
import time
from collections import defaultdict

import psutil

from deploy import topics
from deploy.markers import Readback
from schemas.topics import Namespace
from tests.integration.deploy.conftest import Installation

Sightings = dict[bytes, list[tuple[int, bytes]]]


async def _sightings(installation: Installation, namespace: Namespace) -> tuple[Sightings, set[int]]:
    """Log time and value of each sighting by key, in order; and the partitions in which any stands."""
    found: Sightings = defaultdict(list)
    partitions: dict[bytes, int] = {}
    async with Readback(installation.kafka, namespace) as readback:
        async for record in readback.records("postings-raw"):
            if record.key is not None:
                assert partitions.setdefault(record.key, record.partition) == record.partition
                found[record.key].append((record.timestamp, record.value))
    return dict(found), set(partitions.values())


async def test_more_partitions_hold_the_same_history(installation: Installation) -> None:
    """Beside a live flow, killed on its way, the raw topic is copied key by key; readers and producers go over."""
    await installation.feed(400)
    installation.sent = 200
    await installation.feed(200)  # half of them are seen again: a key's order matters
    await installation.until_open("live", 400)
    more = (await topics.registry(installation.kafka)).generations["live"].partitions + 2
    before, _ = await _sightings(installation, Namespace("live"))

    first = subprocess.Popen(
        installation.command("topics", "grow", str(more)), env=installation.variables, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while not (await _sightings_or_none(installation)):
        assert first.poll() is None
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    children = psutil.Process(first.pid).children()
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    psutil.wait_procs(children, timeout=10)

    flowing = asyncio.create_task(installation.flow())
    done = await asyncio.to_thread(installation.run, "topics", "grow", str(more))
    await flowing
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Going on with generation live-2" in done.stdout
    known = await topics.registry(installation.kafka)
    assert known.current == "live-2"
    assert (known.generations["live-2"].partitions, known.generations["live-2"].raw) == (more, "live-2")

    old, _ = await _sightings(installation, Namespace("live"))
    new, partitions = await _sightings(installation, Namespace("live-2", "live-2"))
    assert partitions == set(range(more))
    assert {key: [value for _, value in seen] for key, seen in new.items()} == {
        key: [value for _, value in seen] for key, seen in old.items()
    }
    assert {key: new[key] for key in before} == before, "what was logged before keeps its log time"
    await asyncio.to_thread(installation.up.until, "producers goes over to the generation that is current now")
    await installation.until_open("live-2", installation.sent)

    await installation.feed(5)  # a producer that nobody told still writes into the old topic
    told = installation.run("doctor")
    assert told.returncode == 1
    assert "5 records came in after its copy" in told.stdout
    assert installation.run("topics", "grow", str(more)).returncode == 0
    await installation.until_open("live-2", installation.sent)
    installation.raw = "postings-raw.live-2"
    await installation.feed(30)
    await installation.until_open("live-2", installation.sent)
    healthy = installation.run("doctor")
    assert healthy.returncode == 0, healthy.stdout
    refused = installation.run("topics", "grow", "2")
    assert refused.returncode == 78
    assert "a topic only grows" in refused.stderr


async def _sightings_or_none(installation: Installation) -> Sightings:
    """What was copied so far."""
    if "live-2" not in (await topics.registry(installation.kafka)).generations:
        return {}
    return (await _sightings(installation, Namespace("live-2", "live-2")))[0]
