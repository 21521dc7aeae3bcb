import asyncio
import os
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy import topics
from deploy.errors import BrokerError, PortInUseError
from deploy.kafka import install
from deploy.kafka.broker import LocalKafka
from schemas.connections import KafkaConnection
from schemas.topics import Namespace


def free_broker(home: Path, libs: Path) -> LocalKafka:
    """Describe a broker on two ports that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return LocalKafka(home, libs, one.getsockname()[1], two.getsockname()[1])


async def produce(kafka: KafkaConnection, topic: str, value: bytes) -> None:
    """Write one record and wait until the broker has it."""
    producer = AIOKafkaProducer(**kafka.client_options(), max_request_size=13 * 2**20)
    await producer.start()
    await producer.send_and_wait(topic, value)
    await producer.stop()


async def first_value(kafka: KafkaConnection, topic: str) -> bytes | None:
    """Read the first record of a topic."""
    consumer = AIOKafkaConsumer(topic, **kafka.client_options(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        return (await consumer.getone()).value
    finally:
        await consumer.stop()


def test_a_broker_keeps_its_records_over_a_kill(tmp_path: Path, kafka_libs: Path) -> None:
    """A broker that is killed starts again with its records, on the same data, and a second start changes nothing."""
    broker = free_broker(tmp_path, kafka_libs)
    log = tmp_path / "broker.log"
    broker.start(log, print)
    try:
        pid = broker.pid()
        assert pid is not None
        broker.start(log, print)
        assert broker.pid() == pid
        status = broker.status()
        assert status.ready
        assert 50 < status.resident_mb < 1000
        asyncio.run(topics.ensure(broker.connection, Namespace("g"), now=datetime(2026, 3, 1, tzinfo=UTC)))
        asyncio.run(produce(broker.connection, "postings-raw", b"kept"))
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
        assert broker.pid() is None
        broker.start(log, print)
        assert asyncio.run(first_value(broker.connection, "postings-raw")) == b"kept"
        assert asyncio.run(topics.registry(broker.connection)).current == "g"
    finally:
        assert broker.stop()
    assert broker.pid() is None
    assert not broker.stop()


def test_a_taken_port_is_named(tmp_path: Path, kafka_libs: Path) -> None:
    """A broker whose port is taken does not start, and the line names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        broker = LocalKafka(tmp_path, kafka_libs, taken.getsockname()[1], other.getsockname()[1])
        with pytest.raises(PortInUseError, match="MARSAD_KAFKA_PORT"):
            broker.start(tmp_path / "broker.log", print)


def test_a_foreign_process_is_no_broker(tmp_path: Path) -> None:
    """A pid file in which another program's number stands is not taken for the broker: nothing is stopped."""
    broker = LocalKafka(tmp_path, tmp_path / "libs", 1, 2)
    broker.pid_file.write_text(f"{os.getpid()}\n", "utf-8")
    assert broker.pid() is None
    assert not broker.stop()


async def test_unknown_topics_are_not_made(kafka: KafkaConnection) -> None:
    """Writing to a topic that nobody created fails: a misspelt name makes no topic."""
    producer = AIOKafkaProducer(**kafka.client_options(), request_timeout_ms=2000, metadata_max_age_ms=500)
    await producer.start()
    with pytest.raises(Exception, match=r"(?i)timeout|unknown"):
        await producer.send_and_wait("no-such-topic", b"x")
    await producer.stop()


async def test_a_rejected_posting_of_eight_megabytes_fits(kafka: KafkaConnection, namespace: Namespace) -> None:
    """The rejects' topic takes a record of 8 MB of bytes in base64."""
    value = b"x" * (8 * 10**6 * 4 // 3 + 2048)
    await produce(kafka, namespace.topic("postings-rejected"), value)
    assert await first_value(kafka, namespace.topic("postings-rejected")) == value


def test_the_jars_are_the_pinned_ones(kafka: KafkaConnection, kafka_libs: Path) -> None:  # noqa: ARG001 - fetches them
    """Every jar that the broker runs from has the bytes that jars.sha256 pins."""
    if not kafka_libs.is_dir():
        install.install(kafka_libs, print)
    assert install.differing(kafka_libs) == []


def test_other_jars_are_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If Maven brings other bytes than the pinned ones, nothing is installed."""

    def bring(target: Path) -> None:
        target.mkdir()
        for name in install.pinned():
            (target / name).write_bytes(b"not the jar")

    monkeypatch.setattr(install, "_copy_dependencies", bring)
    with pytest.raises(BrokerError, match="not the pinned ones"):
        install.install(tmp_path / "libs", lambda _line: None)
    assert not (tmp_path / "libs").exists()
