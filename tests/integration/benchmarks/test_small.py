"""Each benchmark at a size of seconds: what it measures is right, and its JSON has the stated shape."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.connections import KafkaConnection


def bench(kafka: KafkaConnection, data: Path, *arguments: str) -> dict[str, Any]:
    """Run `marsad bench … --json` on the session's broker; its standard output is one JSON object.

    One that hangs fails, and tells where each of its processes and tasks waits.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", "bench", *arguments, "--json"],
        env={
            **os.environ,
            "MARSAD_TEST_KAFKA": kafka.bootstrap,
            "MARSAD_DATA_DIR": str(data),
            "PYTHONFAULTHANDLER": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, told = process.communicate(timeout=900)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGABRT)
            pytest.fail(f"`bench {' '.join(arguments)}` hangs:\n{process.communicate()[1]}")
    assert process.returncode == 0, told[-3000:]
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_engine_is_measured_on_counts_that_equal_the_recount(kafka: KafkaConnection, tmp_path: Path) -> None:
    """Every round counts as the recount does (else the command fails), and the JSON tells machine and rate."""
    found = bench(kafka, tmp_path, "engine", "--records", "6000", "--rounds", "2")
    assert len(found["rates"]) == 2
    assert found["rate"] > 0
    assert found["settings"]["records"] == 6000
    assert found["machine"]["versions"]["aiokafka"]


def test_peers_are_measured_side_by_side_on_the_same_counts(kafka: KafkaConnection, tmp_path: Path) -> None:
    """A peer in an environment of its own counts what the recount counts; rates and ratios are told by system."""
    state = tmp_path / "state.json"
    for system in ("marsad", "raw"):
        part = ("--systems", system, "--state", str(state))
        found = bench(kafka, tmp_path, "peers", "--records", "6000", "--rounds", "1", *part)
    assert found["rates"].keys() == {"marsad", "raw"}
    assert found["ratios"]["raw"] == found["rates"]["marsad"] / found["rates"]["raw"]
    assert found["settings"]["records"] == 6000


def test_producers_are_measured_on_items_that_all_arrive(kafka: KafkaConnection, tmp_path: Path) -> None:
    """Every item served is committed (else the command fails); what did not change costs a 304 a document."""
    found = bench(kafka, tmp_path, "producers", "--records", "500", "--rounds", "1")
    assert all(rate > 0 for rate in found["rate"].values())
    assert found["unchanged"] == {"json": {"304": 1}, "ndjson": {"304": 1}, "rss": {"304": 1}, "pages": {"304": 1}}


def test_the_pipeline_gives_the_cells_of_the_plain_loop(kafka: KafkaConnection, tmp_path: Path) -> None:
    """Both stages on Kafka commit the cells that the same folds give in a plain loop; its cost is broken down."""
    found = bench(kafka, tmp_path, "pipeline", "--records", "300", "--rounds", "1")
    assert found["ratio"] == found["pipeline"] / found["loop"]
    assert found["us_a_posting"]["enrich: code the occupation"] > 0


def test_a_replay_is_measured_by_rate_and_memory(kafka: KafkaConnection, tmp_path: Path) -> None:
    """All of half a year with log times of its own is folded; memory, processor time and state are told of the way."""
    found = bench(kafka, tmp_path, "replay", "--records", "300", "--a-day", "1")
    seconds, ads, market, memory_mb, cpu, ads_cpu, market_cpu, state_mb = found["samples"][-1]
    assert (ads, market) == (300, 300)
    assert found["peak_mb"] == memory_mb > 0
    assert cpu > ads_cpu + market_cpu > 0
    assert min(seconds, ads_cpu, market_cpu, state_mb) > 0


def test_recovery_is_measured_from_the_kill_with_state_kept_and_lost(kafka: KafkaConnection, tmp_path: Path) -> None:
    """The next worker makes its first run durable after the kill, from local rows and from the changelog."""
    found = bench(kafka, tmp_path, "recovery", "--keys", "2000", "--session", "2")
    assert found["seconds"]["2000"].keys() == {"kept", "lost"}


def test_workers_are_measured_on_counts_that_equal_the_recount(kafka: KafkaConnection, tmp_path: Path) -> None:
    """Two workers share the partitions and count what the recount counts (else the command fails)."""
    found = bench(kafka, tmp_path, "scale", "--records", "6000", "--workers", "1", "2")
    assert found["rates"].keys() == {"1", "2"}
    assert all(abs(sum(shares) - 1) < 1e-9 for shares in found["shares"].values())


def test_every_probe_in_the_flow_comes_out_of_the_stream(kafka: KafkaConnection, tmp_path: Path) -> None:
    """Each probe's event is seen on the live stream of a whole Marsad, and its latency is told by rate."""
    found = bench(kafka, tmp_path, "latency", "--rates", "40", "--probes", "30")
    assert found["missing"] == {"40": 0}
    assert 0 < found["p50_ms"]["40"] <= found["p99_ms"]["40"]
