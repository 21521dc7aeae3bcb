import json
import os
import subprocess
import sys
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.supervisor import hold
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from streams.engine import marker as markers
from tests.ports import free_ports

PORTS = ("KAFKA", "KAFKA_CONTROLLER", "HTTP", "MARKET", "STREAMS_METRICS", "PRODUCERS_METRICS")


def _doctor(home: Path, **settings: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """Exit code, and the findings by check."""
    ports = {f"MARSAD_{name}_PORT": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    variables = {f"MARSAD_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "doctor", "--json"],
        env={**os.environ, **ports, "MARSAD_DATA_DIR": str(home), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    found: dict[str, list[dict[str, str]]] = {}
    for check in json.loads(done.stdout)["checks"]:
        found.setdefault(check["check"], []).append(check)
    return done.returncode, found


def test_what_is_not_there_is_said_with_the_way_out(tmp_path: Path) -> None:
    """Without a broker and with empty tables the doctor names both, what it could not look at, and what is stopped."""
    hold(tmp_path / "stopped", "streams", "surge of rejects")
    code, found = _doctor(tmp_path)
    assert code == 1
    assert found["Kafka"][0]["verdict"] == "failed"
    assert "marsad up" in found["Kafka"][0]["way_out"]
    assert found["topics, markers, changelogs"][0]["verdict"] == "unknown"
    assert "`marsad migrate`" in found["store"][0]["way_out"]
    assert found["stopped processes"][0]["detail"] == "streams: surge of rejects"
    assert found["data directory"][0]["verdict"] == found["Java"][0]["verdict"] == "ok"


async def test_bad_changelogs_and_foreign_topics_are_named(
    tmp_path: Path, kafka: KafkaConnection, namespace: Namespace
) -> None:
    """A marker from the future, a recreated topic and one unlike its contract are each named with a way out."""
    producer = AIOKafkaProducer(**kafka.client_options())
    await producer.start()
    future = b'{"v":2,"generation":"g","stage":"ads","partition":0,"sequence":1,"positions":{},"notes":{}}'
    await producer.send_and_wait(namespace.topic("ads-changelog"), future, markers.KEY, partition=0)
    await producer.stop()
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    unlike = namespace.topic("postings-unique")
    await admin.delete_topics([unlike])
    while unlike in await admin.list_topics():
        pass
    await admin.create_topics([NewTopic(unlike, 2, 1)])
    await admin.close()
    where = {"kafka": kafka.bootstrap, "generation": namespace.generation, "raw": namespace.raw}
    code, found = _doctor(tmp_path, **where)
    assert code == 1
    (changelog,) = found["changelog of ads"]
    assert "version 2 is newer" in changelog["detail"]
    assert "run the version that wrote it" in changelog["way_out"]
    assert found["changelog of market"][0]["verdict"] == "ok"
    assert f"{unlike}: 2 partitions, not 4" in found["topics"][0]["detail"]
    assert f"{unlike} was recreated" in found["topic identities"][0]["detail"]
