import socket
import subprocess

import pytest

from deploy import debian, ports
from deploy.checks import Suite, choose, commands
from deploy.errors import MissingToolError, PortInUseError
from deploy.settings import Settings
from deploy.up import children, command_of
from deploy.up import ports as ports_of


def test_a_port_in_use_names_its_setting() -> None:
    """A taken port is refused with the setting that chooses another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
        with pytest.raises(PortInUseError, match=rf"port {address[1]} .* set MARSAD_HTTP_PORT"):
            ports.require_free({"MARSAD_HTTP_PORT": address})


def test_a_free_port_is_free() -> None:
    """Ports that nobody listens on pass."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = probe.getsockname()
    ports.require_free({"MARSAD_HTTP_PORT": address})


def test_each_stream_worker_is_a_process_with_a_port_of_its_own() -> None:
    """Workers beyond the first are told their number, and every port that they will listen on is checked before."""
    settings = Settings(stream_workers=3, streams_metrics_port=9101)
    workers = [child for child in children(settings) if child.startswith("streams")]
    assert [command_of(worker)[-3:] for worker in workers[1:]] == [
        ["streams", "--worker", "2"],
        ["streams", "--worker", "3"],
    ]
    assert command_of("streams")[-2:] == ["run", "streams"]
    assert {port for _, port in ports_of(settings).values()} >= {9101, 9111, 9121}


def test_missing_programs_are_named_by_their_packages() -> None:
    """A program counts as present on the path or among the system's programs."""
    tools = {"java": "openjdk-17-jre-headless", "clickhouse-server": "clickhouse-server", "mvn": "maven"}
    present = {"java", "/usr/sbin/clickhouse-server"}
    assert debian.missing(tools, lambda name: name if name in present else None) == ["maven"]


def test_without_root_the_line_to_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where packages may not be installed, the error is the one line to run."""
    monkeypatch.setattr(debian, "may_install", lambda: False)
    with pytest.raises(MissingToolError) as caught:
        debian.require({"no-such-program": "some-package"}, "the local Kafka", print)
    line = "sudo apt-get install -y --no-install-recommends some-package"
    assert str(caught.value) == f"the local Kafka needs some-package: run `{line}`"


def test_a_failing_installation_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What apt-get says last is what the operator reads."""
    monkeypatch.setattr(debian, "may_install", lambda: True)
    failed = subprocess.CompletedProcess([], 100, "", "W: noise\nE: Unable to locate package some-package\n")
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_options: failed)
    with pytest.raises(MissingToolError, match=r"Unable to locate package some-package$"):
        debian.require({"no-such-program": "some-package"}, "the test suite", lambda _line: None)


def test_pytest_comes_last() -> None:
    """The default suite ends with pytest, so that its closing line is the last one."""
    suite = commands(Suite.ALL, ["-k", "x"], python="/venv/bin/python")
    assert [command[-1] for command in suite[:3]] == ["check", "--check", "mypy"]
    assert suite[-1] == ["/venv/bin/python", "-m", "pytest", "-k", "x"]


def test_the_first_word_may_name_a_suite() -> None:
    """`marsad test` takes a suite's name first, and leaves everything else to pytest."""
    assert choose([]) == (Suite.ALL, [])
    assert choose(["lint"]) == (Suite.LINT, [])
    assert choose(["faults", "--seed", "7"]) == (Suite.FAULTS, ["--seed", "7"])
    assert choose(["tests/unit", "-k", "lint"]) == (Suite.ALL, ["tests/unit", "-k", "lint"])


@pytest.mark.parametrize("suite", [Suite.FAULTS, Suite.MARKET])
def test_a_run_of_its_own_is_told_its_seed(suite: Suite) -> None:
    """`marsad test faults` and `market` are runs of their own, and pass their options on."""
    assert commands(suite, ["--seed", "7"], python="p") == [["p", "-m", f"tests.{suite.value}", "--seed", "7"]]


def test_the_simulated_market_leaves_when_sources_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a folder of sources of one's own, no portal is simulated and its port is not wanted."""
    assert "market" in children(Settings())
    assert "MARSAD_MARKET_PORT" in ports_of(Settings())
    monkeypatch.setenv("MARSAD_SOURCES_DIR", "/etc/marsad/sources")
    assert "market" not in children(Settings())
    assert "MARSAD_MARKET_PORT" not in ports_of(Settings())
