"""The local broker's process: format once, start, wait until it answers, stop by its own pid."""

import asyncio
import base64
import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy import debian
from deploy.errors import BrokerError
from deploy.kafka.install import HERE, install
from deploy.ports import listening, require_free
from schemas.connections import KafkaConnection

HEAP_MB = 512
MESSAGE_MAX_BYTES = 12 * 1024 * 1024
READY_SECONDS = 300.0
"""A broker comes up in seconds; beside real-time processes one took more than two minutes to write its first line."""

STOP_SECONDS = 20.0


@dataclass(frozen=True)
class BrokerStatus:
    """Whether the broker's process lives (`pid`, its resident megabytes) and answers."""

    pid: int | None
    ready: bool
    resident_mb: int = 0


@dataclass(frozen=True)
class LocalKafka:
    """One broker: its files are in `home`, its jars in `libs`, both its ports on loopback."""

    home: Path
    libs: Path
    port: int
    controller_port: int

    @property
    def connection(self) -> KafkaConnection:
        """How clients reach it."""
        return KafkaConnection(bootstrap=f"127.0.0.1:{self.port}")

    @property
    def properties_file(self) -> Path:
        """The broker's configuration, written at every start."""
        return self.home / "server.properties"

    @property
    def pid_file(self) -> Path:
        """Process id of the running broker."""
        return self.home / "broker.pid"

    @property
    def ports(self) -> Mapping[str, tuple[str, int]]:
        """What it listens on, by the setting that chooses it."""
        return {
            "MARSAD_KAFKA_PORT": ("127.0.0.1", self.port),
            "MARSAD_KAFKA_CONTROLLER_PORT": ("127.0.0.1", self.controller_port),
        }

    def command(self) -> list[str]:
        """Build the command line of the broker's process."""
        return self._java("kafka.Kafka", str(self.properties_file), heap_mb=HEAP_MB)

    def prepare(self, say: debian.Say) -> None:
        """Fetch the jars and format the log folder, where that was not done. Raises BrokerError, MissingToolError."""
        install(self.libs, say)
        self.home.mkdir(parents=True, exist_ok=True)
        self.properties_file.write_text(self._properties(), "utf-8")
        if not (self.home / "data" / "meta.properties").exists():
            tool = ("kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", _cluster_id(), "-c")
            done = subprocess.run(  # noqa: S603 - our own java command
                self._java(*tool, str(self.properties_file), heap_mb=128),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise BrokerError(f"Kafka's log folder cannot be formatted: {done.stderr.strip().splitlines()[-1:]}")

    def start(self, log: Path, say: debian.Say) -> None:
        """Start the broker by itself, logging to `log`, and wait until it answers; nothing to do if it runs.

        Raises PortInUseError, MissingToolError, or BrokerError (with the log's name) if it does not come up.
        """
        if self.pid() is not None:
            return
        require_free(self.ports)
        self.prepare(say)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            process = subprocess.Popen(  # noqa: S603 - our own java command
                self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self.pid_file.write_text(f"{process.pid}\n", "utf-8")
        deadline = time.monotonic() + READY_SECONDS
        while not asyncio.run(answers(self.connection)):
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BrokerError(f"the local Kafka does not come up: {log} says why")
            time.sleep(0.1)

    def stop(self) -> bool:
        """Stop the broker that the pid file names, and wait for its end. False if none ran."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                process = psutil.Process(pid)
                os.kill(pid, signal.SIGTERM)
                try:
                    process.wait(STOP_SECONDS)
                except psutil.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.pid_file.unlink(missing_ok=True)
        return pid is not None

    def pid(self) -> int | None:
        """Find the live broker's process id; a pid file in which another program's number stands is no broker."""
        try:
            pid = int(self.pid_file.read_text("utf-8"))
            process = psutil.Process(pid)
            ours = str(self.properties_file) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.Error):
            return None
        return pid if ours else None

    def status(self) -> BrokerStatus:
        """Look whether the process lives and answers."""
        pid = self.pid()
        if pid is None:
            return BrokerStatus(pid=None, ready=False)
        try:
            resident = psutil.Process(pid).memory_info().rss
        except psutil.Error:
            return BrokerStatus(pid=None, ready=False)
        return BrokerStatus(pid, asyncio.run(answers(self.connection)), resident // 2**20)

    def _java(self, main: str, *arguments: str, heap_mb: int) -> list[str]:
        return [
            "java",
            f"-Xmx{heap_mb}m",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:+UseSerialGC",  # G1's barriers and helpers took a tenth of a transaction's processor time
            "-XX:TieredStopAtLevel=1",  # the second compiler took two fifths of a core in the first minutes
            "-Djava.awt.headless=true",
            "-Dlog4j2.shutdownHookEnabled=false",  # else the log closes before the broker has
            f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
            "-cp",
            f"{self.libs}/*",
            main,
            *arguments,
        ]

    def _properties(self) -> str:
        controller = f"127.0.0.1:{self.controller_port}"
        cores = os.cpu_count() or 2
        settings = {
            # One request is handed from thread to thread twice: three and eight of them, which Kafka has for large
            # machines, cost a transaction a sixth more.
            "num.network.threads": str(max(cores // 2, 1)),
            "num.io.threads": str(max(cores, 2)),
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.connection.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.connection.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.home / "data"),
            "auto.create.topics.enable": "false",
            "delete.topic.enable": "true",
            "message.max.bytes": str(MESSAGE_MAX_BYTES),
            "replica.fetch.max.bytes": str(MESSAGE_MAX_BYTES),
            "log.retention.hours": "168",  # topics of ours state their own
            "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),  # the default takes a quarter of this heap
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "offsets.retention.minutes": str(60 * 24 * 60),
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            # How often abandoned transactions are looked for: with the default of 10 s, and 10 s that one may last,
            # readers would wait 20 s and more.
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": "2000",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "broker.session.timeout.ms": "4000",  # a killed broker's successor waits for it: 10 s with the default
            "broker.heartbeat.interval.ms": "1000",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())


async def answers(kafka: KafkaConnection) -> bool:
    """Whether a broker of `kafka` answers a metadata request now (the first address must accept connections)."""
    host, _, port = kafka.bootstrap.split(",")[0].strip().rpartition(":")
    if not listening(host.strip("[]"), int(port)):
        return False
    client = AIOKafkaClient(**kafka.client_options(), request_timeout_ms=3000)
    try:
        await client.bootstrap()
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
    return True


def _cluster_id() -> str:
    """Kafka's spelling of a random UUID: 22 characters of URL-safe base64, the first no dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
