"""The processes of the stack under fault, each with its log, and each started again when it ends by itself."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deploy.kafka.broker import LocalKafka
from deploy.ports import listening
from deploy.settings import environment_with
from tests.conftest import CLICKHOUSE_CONFIG, CLICKHOUSE_USERS, ROOT
from tests.faults.proxy import Proxy
from tests.ports import free_ports

REFUSED = 78
PARTS_LIMIT = 120
"""ClickHouse refuses inserts above so many parts a partition (its default is 300): reached sooner, bounded lower."""

Fact = dict[str, Any]


class Running:
    """A process with a log of JSON lines. `wanted`: the supervisor's task starts it again when it ends."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log = log
        self.wanted = False
        self.endings: list[int] = []
        self.peak_mb = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it lives."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def start(self) -> None:
        """Start it, unless it runs."""
        self.wanted = True
        if self.pid is None:
            with self.log.open("ab") as out:
                self._process = subprocess.Popen(
                    self.command, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT
                )

    def tend(self) -> None:
        """As a supervisor does: note its end, start it again unless it refused."""
        if self._process is None:
            return
        code = self._process.poll()
        if code is None:
            try:
                self.peak_mb = max(self.peak_mb, psutil.Process(self._process.pid).memory_info().rss >> 20)
            except psutil.Error:
                return
            return
        self._process = None
        self.endings.append(code)
        if self.wanted and code != REFUSED:
            self.start()

    def signal(self, number: int) -> None:
        """Send a signal, if it lives."""
        if (pid := self.pid) is not None:
            os.kill(pid, number)

    def stop(self, seconds: float = 12.0) -> int | None:
        """SIGTERM, and SIGKILL after `seconds`; its exit code."""
        self.wanted = False
        process = self._process
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.tend()
        return self.endings[-1]

    def kill(self) -> None:
        """SIGKILL, and no restart."""
        self.wanted = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self.tend()

    def mark(self) -> int:
        """Where the log ends now."""
        return self.log.stat().st_size if self.log.exists() else 0

    def facts(self, since: int = 0, event: str | None = None) -> list[Fact]:
        """Log lines after a mark, those of `event` if one is named."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(since)
            lines = file.read().split(b"\n")
        wanted = None if event is None else f'"event": "{event}"'.encode()
        found: list[Fact] = []
        for line in lines:
            if line.startswith(b"{") and (wanted is None or wanted in line):
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue
        return found


@dataclass(frozen=True)
class Place:
    """Where a run's processes live, and the file by which workers of the live generation are struck."""

    folder: Path

    @property
    def strike(self) -> Path:
        """See `tests.faults.worker`."""
        return self.folder / "strike.json"

    def hold(self, name: str) -> Path:
        """See `tests.faults.worker`."""
        return self.folder / f"{name}.hold"


def worker(
    place: Place, name: str, kafka: str, generation: str = "live", raw: str = "", data: Path | None = None
) -> Running:
    """A stream worker with a data directory of its own."""
    environment = environment_with(
        data_dir=str(data or place.folder / name),
        kafka=kafka,
        generation=generation,
        raw=raw,
        streams_metrics_port=str(free_ports(1)[0]),
        log_level="debug",
    )
    strike = place.strike if generation == "live" else place.folder / "nobody.json"
    command = [sys.executable, "-m", "tests.faults.worker", str(strike), str(place.hold(name))]
    return Running(name, command, environment, place.folder / f"{name}.log")


def sink(place: Place, kafka: str, clickhouse: str) -> Running:
    """The dashboard process, whose sink writes to ClickHouse."""
    environment = environment_with(
        data_dir=str(place.folder / "sink"),
        kafka=kafka,
        generation="live",
        clickhouse=clickhouse,
        http_port=str(free_ports(1)[0]),
        log_level="debug",
    )
    command = [sys.executable, "-m", "deploy.cli", "run", "dashboard"]
    return Running("sink", command, environment, place.folder / "sink.log")


@dataclass(frozen=True)
class FaultyKafka(LocalKafka):
    """The local broker with a second listener, which clients reach through a proxy."""

    proxied_port: int = 0
    proxy_port: int = 0

    def _properties(self) -> str:
        found = super()._properties()
        lines = []
        for line in found.splitlines():
            name, _, value = line.partition("=")
            if name == "listeners":
                value += f",PROXIED://127.0.0.1:{self.proxied_port}"
            elif name == "advertised.listeners":
                value += f",PROXIED://127.0.0.1:{self.proxy_port}"
            elif name == "listener.security.protocol.map":
                value += ",PROXIED:PLAINTEXT"
            lines.append(f"{name}={value}")
        return "\n".join([*lines, "log.cleaner.backoff.ms=1000", ""])


def kafka_in(folder: Path, libs: Path) -> tuple[FaultyKafka, Proxy]:
    """A broker, not yet started, and the proxy before its second listener."""
    port, controller, proxied = free_ports(3)
    proxy = Proxy(proxied, framed=True)
    return FaultyKafka(folder / "kafka", libs, port, controller, proxied, proxy.port), proxy


@dataclass
class ClickHouse:
    """Debian's server, on one port through all its lives."""

    folder: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """How clients reach it directly."""
        return self.url_at(self.port)

    @staticmethod
    def url_at(port: int) -> str:
        """How clients reach it through what listens on `port`."""
        return f"clickhouse://default:@127.0.0.1:{port}/marsad"

    def start(self, seconds: float = 120.0) -> None:
        """Start it and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        http_port, interserver_port = free_ports(2)
        limits = (
            f"<merge_tree><parts_to_delay_insert>{PARTS_LIMIT}</parts_to_delay_insert>"
            f"<parts_to_throw_insert>{PARTS_LIMIT}</parts_to_throw_insert></merge_tree>\n</yandex>"
        )
        config = CLICKHOUSE_CONFIG.replace("</yandex>", limits)
        (self.folder / "users.xml").write_text(CLICKHOUSE_USERS, "utf-8")
        (self.folder / "config.xml").write_text(
            config.format(home=self.folder, tcp_port=self.port, http_port=http_port, interserver_port=interserver_port),
            "utf-8",
        )
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["clickhouse-server", f"--config-file={self.folder / 'config.xml'}"],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + seconds
        while not listening("127.0.0.1", self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"clickhouse-server does not come up: {self.folder / 'server.log'} says why")
            time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
