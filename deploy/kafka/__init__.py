"""A real Kafka without containers: pinned jars, KRaft, one broker on loopback, data under the data directory."""
