"""Reads of Kafka for the dashboard: where the sink's group stands, where topics end, and the live records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.connections import KafkaConnection
from schemas.topics import Namespace

WORKER_TOPICS = ("postings-raw", "postings-enriched")
"""What the stream worker reads before anything is counted: postings, and their ads."""

LIVE_TOPICS = ("market-counts", "market-alerts")
SINK_TOPICS = (
    "postings-enriched",
    "vacancies",
    "market-counts",
    "market-alerts",
    "source-status",
    "postings-rejected",
)

REQUEST_TIMEOUT_MS = 10_000


class KafkaAwayError(Exception):
    """The brokers cannot be reached, or do not have the topics yet: try again later."""


class LiveRecord(Protocol):
    """What is used of a consumed record."""

    offset: int
    timestamp: int
    value: bytes


@dataclass(frozen=True)
class Lag:
    """How far a reader is behind on one topic, in offsets. Transaction markers take some, so a few remain at rest."""

    topic: str
    behind: int


class KafkaReader:
    """The live topics of one generation, read without a group and read-committed; an async context manager.

    Every method raises KafkaAwayError.
    """

    def __init__(self, kafka: KafkaConnection, namespace: Namespace) -> None:
        self._namespace = namespace
        self._options = kafka.client_options() | {"request_timeout_ms": REQUEST_TIMEOUT_MS}
        self._names = {namespace.topic(topic): topic for topic in (*SINK_TOPICS, *WORKER_TOPICS)}
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        """Connect."""
        try:
            self._admin = AIOKafkaAdminClient(**self._options)
            await self._admin.start()
            self._consumer = AIOKafkaConsumer(
                **self._options,
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=250,
            )
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await self.__aexit__(None, None, None)
            raise KafkaAwayError(str(error) or type(error).__name__) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; errors on the way out say nothing new."""
        for client in (self._consumer and self._consumer.stop, self._admin and self._admin.close):
            try:
                if client:
                    await client()
            except (KafkaError, OSError):
                continue
        self._consumer = self._admin = None

    async def committed(self, reader: str) -> dict[str, dict[int, int]]:
        """Return a group's committed offsets by contract topic and partition; absent where it committed none."""
        assert self._admin is not None  # noqa: S101 - the context manager made it
        try:
            offsets = await self._admin.list_consumer_group_offsets(self._namespace.group(reader))
        except (KafkaError, OSError) as error:
            raise KafkaAwayError(str(error) or type(error).__name__) from error
        found: dict[str, dict[int, int]] = {}
        for partition, position in offsets.items():
            topic = self._names.get(partition.topic)
            if topic and position.offset >= 0:
                found.setdefault(topic, {})[partition.partition] = position.offset
        return found

    async def follow(self, positions: Mapping[str, Mapping[int, int]]) -> None:
        """Read the live topics on from `positions`; from their beginning where there is none."""
        assert self._consumer is not None  # noqa: S101 - the context manager made it
        try:
            partitions = await self._partitions(LIVE_TOPICS)
            self._consumer.assign(partitions)
            for partition in partitions:
                position = positions.get(self._names[partition.topic], {}).get(partition.partition)
                if position is None:
                    await self._consumer.seek_to_beginning(partition)
                else:
                    self._consumer.seek(partition, position)
        except (KafkaError, OSError) as error:
            raise KafkaAwayError(str(error) or type(error).__name__) from error

    async def records(self, wait_ms: int, most: int) -> list[tuple[str, Sequence[LiveRecord]]]:
        """Return the next records by contract topic, waiting up to `wait_ms` for the first."""
        assert self._consumer is not None  # noqa: S101 - the context manager made it
        try:
            runs = await self._consumer.getmany(timeout_ms=wait_ms, max_records=most)
        except (KafkaError, OSError) as error:
            raise KafkaAwayError(str(error) or type(error).__name__) from error
        return [(self._names[partition.topic], run) for partition, run in runs.items()]

    async def lags(self, reader: str, topics: Sequence[str]) -> list[Lag]:
        """Return how far a group (`sink`, `streams`) is behind on each of these topics."""
        assert self._consumer is not None  # noqa: S101 - the context manager made it
        committed = await self.committed(reader)
        try:
            partitions = await self._partitions(topics)
            ends = await self._consumer.end_offsets(partitions)
            begins = await self._consumer.beginning_offsets(partitions)
        except (KafkaError, OSError) as error:
            raise KafkaAwayError(str(error) or type(error).__name__) from error
        behind = dict.fromkeys(topics, 0)
        for partition in partitions:
            topic = self._names[partition.topic]
            position = committed.get(topic, {}).get(partition.partition, begins[partition])
            behind[topic] += max(ends[partition] - position, 0)
        return [Lag(topic, count) for topic, count in behind.items()]

    async def _partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        assert self._admin is not None  # noqa: S101 - the context manager made it
        names = [self._namespace.topic(topic) for topic in topics]
        found = [
            TopicPartition(described["topic"], one["partition"])
            for described in await self._admin.describe_topics(names)
            for one in described["partitions"]
        ]
        missing = set(names) - {partition.topic for partition in found}
        if missing:
            raise KafkaAwayError(f"no such topic yet: {', '.join(sorted(missing))}")
        return found
