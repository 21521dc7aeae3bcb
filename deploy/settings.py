"""The settings of every process: the one place that reads the environment. `docs/settings.md` lists each of them."""

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.errors import SettingsError
from schemas.connections import KafkaConnection
from schemas.topics import Namespace

PREFIX = "MARSAD_"

Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """Every setting, read from `MARSAD_<NAME>`; docs/settings.md says the same, and a test holds the two together."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    data_dir: Path = Field(
        default=Path(".marsad"), description="Where everything that Marsad keeps on this machine lives."
    )
    sources_dir: Path | None = Field(
        default=None, description="The source files (`*.toml`) that producers read; `<data_dir>/sources` when unset."
    )
    contact: Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,200}$")] = Field(
        default="", description="Whom a host can write to: an address that every request to a source carries."
    )
    pseudonym_key: SecretStr = Field(
        default=SecretStr(""),
        description="What makes job seekers' identities pseudonyms; `<data_dir>/pseudonym.key`, made once, when unset.",
    )
    generation: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,62})?$")] = Field(
        default="",
        description="The generation that the processes work on; the current one (at first `live`) when unset.",
    )
    raw: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,63}$")] = Field(
        default="", description="Suffix of the raw topics; empty for the live ones, a name of its own for an archive."
    )
    stream_workers: Annotated[int, Field(ge=1, le=9)] = Field(
        default=1, description="Stream workers of `marsad up`; the partitions are dealt out among them."
    )
    partitions: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None,
        description="Partitions of the flow's topics (those of postings-raw); what their contracts say when unset.",
    )

    kafka: str = Field(
        default="", description="Bootstrap servers (`host:port,…`) of a Kafka cluster; empty starts a local broker."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to talk to the cluster of `MARSAD_KAFKA`."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="SASL mechanism, with the SASL protocols."
    )
    kafka_sasl_username: str | None = Field(default=None, description="SASL user name.")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="SASL password; never logged.")
    kafka_cafile: Path | None = Field(
        default=None, description="Certificates (PEM) that sign the brokers'; the system's when unset."
    )
    kafka_replication: Annotated[int, Field(ge=1, le=9)] = Field(
        default=1, description="Replicas of each topic that Marsad creates; 3 on a cluster of three or more."
    )
    kafka_port: Port = Field(default=9092, description="Port of the local broker, on loopback.")
    kafka_controller_port: Port = Field(default=9093, description="Port of the local broker's controller, on loopback.")

    clickhouse: SecretStr = Field(
        default=SecretStr(""),
        description="`clickhouse://user:password@host:9000/database`; empty keeps the store in the data directory.",
    )

    http_host: str = Field(default="127.0.0.1", description="Address on which the wall and the API listen.")
    http_port: Port = Field(default=8080, description="Port of the wall and the API.")
    push_host: str = Field(default="127.0.0.1", description="Address on which the push endpoint listens.")
    push_port: Port = Field(default=8082, description="Port of the push endpoint.")
    push_keys: Path | None = Field(
        default=None, description="The file of the keys that may push (TOML); nothing can be pushed when unset."
    )
    push_metrics_port: Port = Field(default=9103, description="Port of the push endpoint's `/metrics`, on loopback.")
    market_port: Port = Field(default=8090, description="Port of the simulated portals, on loopback.")
    streams_metrics_port: Port = Field(default=9101, description="Port of the stream worker's `/metrics`, on loopback.")
    producers_metrics_port: Port = Field(default=9102, description="Port of the producers' `/metrics`, on loopback.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe log line that is written."
    )

    test_kafka: str = Field(
        default="",
        description="For developers: bootstrap servers that the tests use in place of a broker of their own.",
    )

    @field_validator("clickhouse")
    @classmethod
    def _clickhouse_is_native(cls, value: SecretStr) -> SecretStr:
        url = urlsplit(value.get_secret_value())
        if value.get_secret_value() and (url.scheme not in {"clickhouse", "clickhouses"} or not url.hostname):
            raise ValueError("must read clickhouse://user:password@host:9000/database")
        return value

    @property
    def namespace(self) -> Namespace:
        """The generation's names. Raises LookupError while it is not known (`deploy.current.settled`)."""
        if not self.generation:
            raise LookupError("which generation is current stands in the registry, which was not read")
        return Namespace(self.generation, self.raw)

    @property
    def local_kafka(self) -> bool:
        """Whether the broker is the one that Marsad starts itself."""
        return not self.kafka

    @property
    def kafka_connection(self) -> KafkaConnection:
        """How to reach the brokers: the cluster that is named, else the local broker."""
        if self.local_kafka:
            return KafkaConnection(bootstrap=f"127.0.0.1:{self.kafka_port}")
        return KafkaConnection(
            bootstrap=self.kafka,
            security_protocol=self.kafka_security_protocol,
            sasl_mechanism=self.kafka_sasl_mechanism,
            sasl_username=self.kafka_sasl_username,
            sasl_password=self.kafka_sasl_password.get_secret_value() if self.kafka_sasl_password else None,
            cafile=str(self.kafka_cafile) if self.kafka_cafile else None,
        )

    @property
    def sources(self) -> Path:
        """The folder of the source files."""
        return self.sources_dir or self.data_dir / "sources"


def environment_with(**changes: str) -> dict[str, str]:
    """Make the environment of a child process: this one's, with the named settings changed (`generation="g2"`)."""
    return {**os.environ, **{PREFIX + name.upper(): value for name, value in changes.items()}}


def read_settings() -> Settings:
    """Read the settings from the environment. Raises SettingsError for an unknown or unusable MARSAD_ variable."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.upper().startswith(PREFIX) and name not in known:
            raise SettingsError(f"{name} is not a setting of Marsad: unset it, or look it up in docs/settings.md")
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        message = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name} cannot be used: {message} (docs/settings.md)") from None
