import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.installation import Up


@pytest.fixture
def up(variables: dict[str, str], tmp_path: Path) -> Iterator[Up]:
    """Start everything, and end what a failing test left."""
    running = Up(variables, tmp_path / "up.log")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def marsad(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the same installation."""
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments], env=variables, capture_output=True, text=True, check=False
    )


def test_up_runs_everything_and_stops_it(up: Up, variables: dict[str, str]) -> None:
    """One command starts all of it, restarts what dies, refuses a second one, and stops without a kill."""
    wall = up.until(r"The wall: (http://\S+/wall)")
    with urllib.request.urlopen(wall, timeout=10) as answer:
        assert answer.status == 200
    children = psutil.Process(up.process.pid).children()
    assert len(children) == 4

    second = marsad(variables, "up")
    assert second.returncode == 78
    assert f"process {up.process.pid}" in second.stderr
    assert second.stderr.count("\n") == 1

    worker = int(up.until(r"streams \(process (\d+)\)"))
    os.kill(worker, signal.SIGKILL)
    up.until(r"streams ended \(signal 9\)")
    up.until(r"streams was started again")

    status = json.loads(marsad(variables, "status", "--json").stdout)
    assert {stage["stage"] for stage in status["stages"]} == {"ads", "market", "detect", "sink"}
    assert status["held"] == {}

    children = psutil.Process(up.process.pid).children()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(240) == 0
    assert "killed" not in up.out.read_text("utf-8"), up.out.read_text("utf-8")
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_taken_port_stops_up_at_once(variables: dict[str, str]) -> None:
    """A port in use ends `up` with one line that names the port and its setting."""
    with socket.create_server(("127.0.0.1", int(variables["MARSAD_HTTP_PORT"]))):
        refused = marsad(variables, "up")
    assert refused.returncode == 78
    assert refused.stderr.count("\n") == 1
    assert f"port {variables['MARSAD_HTTP_PORT']} on 127.0.0.1 is not free" in refused.stderr
    assert "MARSAD_HTTP_PORT" in refused.stderr


def test_an_absent_cluster_is_waited_for(variables: dict[str, str], tmp_path: Path) -> None:
    """With a named cluster that does not answer, `up` says so and waits, and stops when it is told to."""
    up = Up({**variables, "MARSAD_KAFKA": f"127.0.0.1:{variables['MARSAD_KAFKA_PORT']}"}, tmp_path / "up.log")
    try:
        up.until(r"Kafka at 127\.0\.0\.1:\d+ does not answer yet: waiting")
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(240) == 0
    finally:
        up.process.kill()
        up.process.wait()


def test_an_absent_clickhouse_is_waited_for(variables: dict[str, str]) -> None:
    """With a server that does not answer, `migrate` says so and waits."""
    url = f"clickhouse://default:@127.0.0.1:{variables['MARSAD_HTTP_PORT']}/default"
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", "migrate"],
        env={**variables, "MARSAD_CLICKHOUSE": url},
        stdout=subprocess.PIPE,
        text=True,
    ) as waiting:
        assert waiting.stdout is not None
        assert "ClickHouse does not answer yet" in waiting.stdout.readline()
        assert waiting.poll() is None
        waiting.terminate()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MARSAD_NO_SUCH": "1"}, "MARSAD_NO_SUCH is not a setting"),
        ({"MARSAD_DATA_DIR": "/dev/null/data"}, "cannot write to /dev/null/data"),
        ({"MARSAD_HTTP_PORT": "0"}, "MARSAD_HTTP_PORT cannot be used"),
    ],
)
def test_a_wrong_setting_is_one_line(variables: dict[str, str], changes: dict[str, str], words: str) -> None:
    """What is wrong with the settings is said in one line on standard error, with exit code 78."""
    refused = marsad({**variables, **changes}, "up")
    assert refused.returncode == 78
    assert words in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert refused.stdout == ""
