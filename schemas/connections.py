"""How to reach Kafka and ClickHouse: values that the composition root builds from the settings and hands down."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class KafkaConnection:
    """Where the brokers are, and how to authenticate. Raises nothing; aiokafka refuses what does not fit."""

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = None
    cafile: str | None = None

    def client_options(self) -> dict[str, object]:
        """Keyword arguments of every aiokafka client."""
        options: dict[str, object] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol in {"SSL", "SASL_SSL"}:
            options["ssl_context"] = ssl.create_default_context(cafile=self.cafile)
        if self.sasl_mechanism:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        return options
