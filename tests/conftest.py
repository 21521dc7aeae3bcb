"""What tests share: a real broker and ClickHouse for the session, a fresh generation for a test, and the markers.

Nothing here skips: a program that is missing fails the tests that need it. Tests of real data that is not ours to
copy and of measurements are not collected unless they can run or were asked for.
"""

import os
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy import topics
from deploy.kafka.broker import LocalKafka
from deploy.ports import listening
from deploy.settings import read_settings
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from tests.installation import PORTS
from tests.ports import free_ports

ROOT = Path(__file__).parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
ON_REQUEST = ("bench",)

# A busy machine draws and runs an example slowly, which says nothing about what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what was not asked for (`-m bench`) and what reads real data that is absent."""
    asked = str(config.option.markexpr)
    unwanted = {marker for marker in ON_REQUEST if marker not in asked}
    if not SHARED_DATA.is_dir():
        unwanted.add("shared_data")
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in unwanted)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the real postings; only for tests marked `shared_data`."""
    return SHARED_DATA


@pytest.fixture(scope="session")
def kafka_libs() -> Path:
    """The broker's jars, fetched once into the data directory."""
    return read_settings().data_dir.absolute() / "kafka" / "libs"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, kafka_libs: Path) -> Iterator[KafkaConnection]:
    """A real broker for the session, or the one that MARSAD_TEST_KAFKA names."""
    named = read_settings().test_kafka
    if named:
        yield KafkaConnection(bootstrap=named)
        return
    home = tmp_path_factory.mktemp("kafka")
    port, controller_port = free_ports(2)
    broker = LocalKafka(home, kafka_libs, port, controller_port)
    broker.start(home / "broker.log", print)
    yield broker.connection
    broker.stop()


@pytest.fixture
def variables(tmp_path: Path, kafka_libs: Path, kafka: object) -> dict[str, str]:  # noqa: ARG001 - fetches the jars
    """Settings of an installation of the test's own, with no source."""
    (tmp_path / "data" / "kafka").mkdir(parents=True)
    (tmp_path / "data" / "kafka" / "libs").symlink_to(kafka_libs)
    ports = {f"MARSAD_{name}_PORT": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MARSAD_")}
    places = {"MARSAD_DATA_DIR": str(tmp_path / "data"), "MARSAD_SOURCES_DIR": str(tmp_path / "sources")}
    return {**inherited, **ports, **places}


@pytest.fixture
async def namespace(kafka: KafkaConnection) -> AsyncIterator[Namespace]:
    """A generation of the test's own with a raw namespace of its own; its topics exist, and go when the test ends."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    fresh = Namespace(generation=name, raw=name)
    await topics.ensure(kafka, fresh, now=datetime.now(UTC))
    yield fresh
    await topics.drop(kafka, fresh)


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real ClickHouse server (Debian's 18.16), run by hand in a folder of its own; database `default`."""
    home = tmp_path_factory.mktemp("clickhouse")
    tcp_port, http_port, interserver_port = free_ports(3)
    (home / "users.xml").write_text(CLICKHOUSE_USERS, "utf-8")
    (home / "config.xml").write_text(
        CLICKHOUSE_CONFIG.format(home=home, tcp_port=tcp_port, http_port=http_port, interserver_port=interserver_port),
        "utf-8",
    )
    with (home / "server.log").open("wb") as log:
        try:
            server = subprocess.Popen(
                ["clickhouse-server", f"--config-file={home / 'config.xml'}"], cwd=home, stdout=log, stderr=log
            )
        except FileNotFoundError:
            pytest.fail("clickhouse-server is not installed: `./marsad test` installs it, or names the line to run")
        deadline = time.monotonic() + 120
        while not listening("127.0.0.1", tcp_port):
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                pytest.fail(f"clickhouse-server does not come up: {(home / 'server.log').read_text('utf-8')[-2000:]}")
            time.sleep(0.1)
    yield f"clickhouse://default:@127.0.0.1:{tcp_port}/default"
    server.terminate()
    try:
        server.wait(120)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


CLICKHOUSE_CONFIG = """<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <tcp_port>{tcp_port}</tcp_port>
  <http_port>{http_port}</http_port>
  <interserver_http_port>{interserver_port}</interserver_http_port>
  <path>{home}/data/</path>
  <tmp_path>{home}/tmp/</tmp_path>
  <user_files_path>{home}/files/</user_files_path>
  <format_schema_path>{home}/schemas/</format_schema_path>
  <users_config>{home}/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
  <timezone>UTC</timezone>
</yandex>
"""

CLICKHOUSE_USERS = """<?xml version="1.0"?>
<yandex>
  <profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  </users>
  <quotas><default><interval><duration>3600</duration></interval></default></quotas>
</yandex>
"""
