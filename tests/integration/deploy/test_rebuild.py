"""`marsad replay` beside a running installation: history once more, and all readers with it."""

import asyncio
import json
import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from deploy import topics
from deploy.errors import TopicError
from deploy.markers import Readback
from deploy.rebuild import next_name
from deploy.span import RawPartition, span
from schemas.topics import Namespace
from tests.integration.deploy.conftest import Installation

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_rebuild_of_all_history_needs_its_beginning() -> None:
    """Deleted raw records are missed unless the rebuild begins after them; the refusal says when it could."""
    whole = RawPartition(0, 100, NOW - timedelta(days=400), since=60, until=90)
    cut = RawPartition(40, 100, NOW - timedelta(days=90), since=60, until=90)
    empty = RawPartition(70, 70, None, since=70, until=70)
    assert span([whole, whole], None, None).begins == (0, 0)
    with pytest.raises(TopicError, match=r"offset 40 of partition 1 were deleted, and it begins at 2026-03-03T"):
        span([whole, cut], None, None)
    with pytest.raises(TopicError, match="later `--from`"):
        span([whole, cut], NOW - timedelta(days=91), None)
    with pytest.raises(TopicError, match="nothing is left of it"):
        span([whole, empty], NOW - timedelta(days=1), None)
    since, until = NOW - timedelta(days=89), NOW - timedelta(days=10)
    assert span([whole, cut], since, None) == topics.Rebuild((60, 60), since=since)
    assert span([whole, cut], since, until) == topics.Rebuild((60, 60), (90, 90), since, until)


def test_a_new_generation_is_named_after_the_one_before() -> None:
    """Names count on from the current one and pass over those that are taken."""
    assert next_name("live", ["live"]) == "live-2"
    assert next_name("live-2", ["live", "live-2", "live-3"]) == "live-4"


async def test_a_rebuild_replaces_what_is_shown_while_the_market_goes_on(installation: Installation) -> None:
    """A part of the past is rebuilt apart; a replay that is killed goes on, catches up, and moves every reader."""
    await installation.feed(600)
    await installation.until_open("live", 600)

    healthy = installation.run("doctor", "--json")
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    assert {check["verdict"] for check in json.loads(healthy.stdout)["checks"]} == {"ok"}

    await asyncio.sleep(1.1)
    later = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")  # whole seconds: after the first 600
    await asyncio.sleep(1.1)
    await installation.feed(20)
    past = installation.run("replay", "--from", "2026-01-01", "--to", later, "--into", "study")
    assert past.returncode == 0, past.stdout + past.stderr
    known = await topics.registry(installation.kafka)
    assert (known.current, known.generations["study"].building) == ("live", False)
    async with Readback(installation.kafka, Namespace("study")) as readback:
        assert sum(marker.notes["new"] for marker in (await readback.markers("ads")).values()) == 600
    taken = installation.run("replay", "--into", "study")
    assert taken.returncode == 78
    assert "generation study exists" in taken.stderr

    first = subprocess.Popen(installation.command("replay"), env=installation.variables, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while "live-2" not in (await topics.registry(installation.kafka)).generations:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    children = psutil.Process(first.pid).children()
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    psutil.wait_procs(children, timeout=10)
    assert installation.get("summary")["generation"] == "live"

    flowing = asyncio.create_task(installation.flow())
    done = await asyncio.to_thread(installation.run, "replay")
    await flowing
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Going on with generation live-2" in done.stdout
    known = await topics.registry(installation.kafka)
    assert known.current == "live-2"
    assert not known.generations["live-2"].building
    await installation.until_open("live-2", installation.sent)
    await asyncio.to_thread(installation.up.until, "streams goes over to the generation that is current now")
    assert "dashboard ended" not in installation.up.out.read_text("utf-8")

    await installation.feed(50)
    await installation.until_open("live-2", installation.sent)
    refused = installation.run("topics", "drop", "live-2")
    assert refused.returncode == 78
    assert "is the current one" in refused.stderr
    assert installation.run("topics", "drop", "live").returncode == 0
    assert "live" not in (await topics.registry(installation.kafka)).generations
