import ast
import re
from pathlib import Path

import pytest

from deploy.errors import SettingsError
from deploy.settings import PREFIX, Settings, read_settings
from schemas.topics import Namespace

ROOT = Path(__file__).parents[3]
ROOMS = ("schemas", "producers", "streams", "store", "dashboard", "deploy")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from an environment that says nothing of Marsad."""
    for name in [PREFIX + field.upper() for field in Settings.model_fields]:
        monkeypatch.delenv(name, raising=False)


def documented() -> dict[str, tuple[str, str]]:
    """Read the default and the meaning of each setting in the tables of docs/settings.md, by variable."""
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    rows = re.findall(r"^\| `(MARSAD_[A-Z_]+)` \| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    return {name: (default, meaning) for name, default, meaning in rows}


def test_every_setting_is_documented_and_nothing_else() -> None:
    """docs/settings.md lists exactly the settings that exist, with the meaning that the code gives them."""
    meanings = {PREFIX + name.upper(): field.description for name, field in Settings.model_fields.items()}
    assert {name: meaning for name, (_, meaning) in documented().items()} == meanings


def test_documented_defaults_are_the_defaults() -> None:
    """The default that docs/settings.md tells of each setting is the one in force."""
    values = Settings()
    for name in Settings.model_fields:
        told = documented()[PREFIX + name.upper()][0].strip("`")
        value = getattr(values, name)
        shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        assert told == ("unset" if shown in (None, "") else str(shown)), name


def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting stops the process and names itself."""
    monkeypatch.setenv("MARSAD_KAFKA_PROT", "9092")
    with pytest.raises(SettingsError, match=r"^MARSAD_KAFKA_PROT is not a setting"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MARSAD_HTTP_PORT", "eighty"),
        ("MARSAD_HTTP_PORT", "70000"),
        ("MARSAD_GENERATION", "Live!"),
        ("MARSAD_CLICKHOUSE", "http://host:8123"),
        ("MARSAD_KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("MARSAD_LOG_LEVEL", "loud"),
        ("MARSAD_PARTITIONS", "0"),
    ],
)
def test_an_unusable_value_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A value that cannot be used is refused with its variable, in one line that does not repeat the value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    line = str(caught.value)
    assert line.startswith(f"{name} cannot be used: ")
    assert "\n" not in line
    assert value not in line.removeprefix(name)


def test_without_a_cluster_the_local_broker_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty MARSAD_KAFKA means the local broker's port on loopback."""
    monkeypatch.setenv("MARSAD_KAFKA_PORT", "19999")
    monkeypatch.setenv("MARSAD_KAFKA_SASL_USERNAME", "nobody")
    settings = read_settings()
    assert settings.local_kafka
    assert settings.kafka_connection.client_options() == {
        "bootstrap_servers": "127.0.0.1:19999",
        "security_protocol": "PLAINTEXT",
    }


def test_a_named_cluster_gets_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """SASL settings reach the client options of a named cluster."""
    monkeypatch.setenv("MARSAD_KAFKA", "a:9092,b:9092")
    monkeypatch.setenv("MARSAD_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("MARSAD_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
    monkeypatch.setenv("MARSAD_KAFKA_SASL_USERNAME", "marsad")
    monkeypatch.setenv("MARSAD_KAFKA_SASL_PASSWORD", "secret")
    assert read_settings().kafka_connection.client_options() == {
        "bootstrap_servers": "a:9092,b:9092",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "marsad",
        "sasl_plain_password": "secret",
    }


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing the settings shows neither the SASL password nor ClickHouse's."""
    monkeypatch.setenv("MARSAD_KAFKA_SASL_PASSWORD", "tiger")
    monkeypatch.setenv("MARSAD_CLICKHOUSE", "clickhouse://u:lion@db:9000/market")
    shown = repr(read_settings())
    assert "tiger" not in shown
    assert "lion" not in shown


def test_the_namespace_follows_generation_and_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generation and its raw suffix make the namespace."""
    monkeypatch.setenv("MARSAD_GENERATION", "g2")
    monkeypatch.setenv("MARSAD_RAW", "archive")
    assert read_settings().namespace == Namespace("g2", "archive")


def test_the_environment_is_read_in_one_place() -> None:
    """No module but deploy/settings.py mentions os.environ or os.getenv."""
    readers = []
    for path in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
        if names & {"environ", "getenv", "environb"}:
            readers.append(path.relative_to(ROOT).as_posix())
    assert readers == ["deploy/settings.py"]
