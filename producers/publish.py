"""Producers' records into Kafka: acknowledged by all replicas, never reordered or doubled by a retry of ours in flight.

Every method returns once Kafka acknowledged. While it does not (absent, restarting, topics not there yet) they tell
it and wait; a record may then be in the topic twice, and never not at all.
"""

import asyncio
import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from producers.archive import Sighting
from producers.closing import Closing
from producers.facts import ItemsRejected, KafkaUnavailable, PostingsPublished
from producers.shape import WHOLE_MB, Reject
from schemas.connections import KafkaConnection
from schemas.messages import Heartbeat, Posting, Rejected, SourceStatus
from schemas.topics import Namespace

BATCH = 900_000
"""Bytes of records a batch; a broker takes 1 MB unless its topic says otherwise."""

LARGEST = 12_000_000
PATIENCE = 30.0
"""Seconds that a request, and what is queued for it, may take."""

DELIVERY = 60.0
"""Seconds that the acknowledgement of what is sent at once may take: aiokafka itself would try again for ever."""

TOPIC_PATIENCE = 3.0
"""Seconds that a topic may take to be known; the client would itself ask for it again and again for `PATIENCE`."""

BACKOFF = (0.5, 10.0)
"""First and longest wait, in seconds, for a Kafka that does not answer."""

Record = tuple[bytes | None, bytes | None]

_ENCODER = msgspec.json.Encoder()
_partition = DefaultPartitioner()


def key_of(posting: Posting) -> bytes:
    """Return the key of a posting's record: source and id, joined by a tab."""
    return f"{posting.source}\t{posting.id}".encode()


def sightings_of(postings: Iterable[Posting]) -> tuple[list[Record], tuple[Reject, ...]]:
    """Return the records of sightings; those over 8 MB are rejects instead."""
    records: list[Record] = []
    oversize: list[Reject] = []
    for posting in postings:
        value = _ENCODER.encode(posting)
        if len(value) <= WHOLE_MB:
            records.append((key_of(posting), value))
            continue
        reject = Reject("oversize", value, id=posting.id)
        oversize.append(reject.withheld() if posting.side == "seeker" else reject)
    return records, tuple(oversize)


def rejects_of(rejects: Iterable[Reject], source: str, at: datetime) -> tuple[list[Record], list[ItemsRejected]]:
    """Return the records of a source's rejects, without contacts, and what is told of them."""
    told = [reject.scrubbed() for reject in rejects]
    reasons = Counter(reject.reason for reject in told)
    return (
        [rejected(reject, source, at) for reject in told],
        [ItemsRejected(source, reason, items) for reason, items in reasons.items()],
    )


def status_record(status: SourceStatus) -> Record:
    """Return the record that tells how a source is doing."""
    return status.source.encode(), _ENCODER.encode(status)


class KafkaAway(Exception):  # noqa: N818 (it says what happened)
    """Kafka did not acknowledge within a publisher's patience; what was sent may be there all the same."""


class Publisher:
    """One idempotent producer, shared by every source of a process.

    Without `patience` it waits for Kafka as long as it takes; with it, so many seconds, and then raises KafkaAway.
    """

    def __init__(
        self,
        *,
        kafka: KafkaConnection,
        namespace: Namespace,
        observe: Callable[[object], None],
        clock: Callable[[], datetime],
        patience: float | None = None,
    ) -> None:
        self._patience = patience
        self._kafka = kafka
        self._namespace = namespace
        self._observe = observe
        self._clock = clock
        self._producer: Any = None
        self._opening = asyncio.Lock()
        self._closing = Closing()

    async def close(self) -> None:
        """Send what is queued and close the connections; give up after five seconds."""
        self._retire(self._producer)
        await self._closing.wait(5)

    async def postings(self, source: str, postings: Iterable[Posting]) -> tuple[Reject, ...]:
        """Publish sightings of one source; those over 8 MB are not published but returned as rejects."""
        records, oversize = sightings_of(postings)
        await self._raw(source, records)
        return oversize

    async def sightings(self, source: str, sightings: Sequence[Sighting]) -> None:
        """Publish an archive's sightings as they are, and its rejects."""
        await self._raw(source, [(sighting.key, sighting.value) for sighting in sightings if sighting.reject is None])
        await self.rejects(source, [sighting.reject for sighting in sightings if sighting.reject])

    async def rejects(self, source: str, rejects: Iterable[Reject]) -> None:
        """Publish what could not be made a posting, with its bytes and reason."""
        records, facts = rejects_of(rejects, source, self._clock())
        if not records:
            return
        await self._send("postings-rejected", records)
        for fact in facts:
            self._observe(fact)

    async def status(self, status: SourceStatus) -> None:
        """Publish how a source is doing."""
        await self._send("source-status", [status_record(status)])

    async def append(self, topic: str, records: Sequence[Record]) -> None:
        """Append records as they are to a topic of the contract, each to the partition of its key."""
        await self._send(topic, records)

    async def heartbeat(self) -> None:
        """Publish a record without key into every raw partition, which moves the log clock of an idle one."""
        value = _ENCODER.encode(Heartbeat(heartbeat=True))
        await self._send("postings-raw", [(None, value)])

    async def _raw(self, source: str, records: Sequence[Record]) -> None:
        if not records:
            return
        await self._send("postings-raw", records)
        self._observe(PostingsPublished(source, len(records)))

    async def _send(self, topic: str, records: Sequence[Record]) -> None:
        """Send until it is acknowledged. Raises KafkaAway when that takes longer than the publisher's patience."""
        try:
            async with asyncio.timeout(self._patience):
                await self._insist(topic, records)
        except TimeoutError:
            self._retire(self._producer)
            raise KafkaAway(f"no acknowledgement within {self._patience} s") from None

    async def _insist(self, topic: str, records: Sequence[Record]) -> None:
        wait, longest = BACKOFF
        while True:
            producer = self._producer
            try:
                async with asyncio.timeout(DELIVERY):
                    producer = producer or await self._opened()
                    await deliver(producer, self._namespace.topic(topic), records)
            except (KafkaError, TimeoutError, OSError) as error:
                if self._producer is producer:
                    self._retire(producer)
                cause = f"{type(error).__name__} {error}".strip()
                self._observe(KafkaUnavailable(self._kafka.bootstrap, cause, wait))
                await asyncio.sleep(wait)
                wait = min(longest, wait * 2)
            else:
                return

    async def _opened(self) -> Any:  # noqa: ANN401 (aiokafka has no types)
        async with self._opening:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._kafka.client_options(),
                    acks="all",
                    enable_idempotence=True,
                    compression_type="zstd",  # ten times cheaper than lz4 as aiokafka does it (level 9), and smaller
                    max_batch_size=BATCH,
                    max_request_size=LARGEST,
                    request_timeout_ms=int(1000 * min(PATIENCE, self._patience or PATIENCE)),
                )
                try:
                    await producer.start()
                except BaseException:
                    self._closing.add(producer)
                    raise
                self._producer = producer
            return self._producer

    def _retire(self, producer: Any) -> None:  # noqa: ANN401
        """Close a producer in the background: after an error it may wait long for what it still holds."""
        self._producer = None
        if producer is not None:
            self._closing.add(producer)


async def deliver(
    producer: Any,  # noqa: ANN401 (aiokafka has no types)
    topic: str,
    records: Sequence[Record],
    *,
    partition: int | None = None,
) -> None:
    """Send `records` in as few batches a partition as hold them, and await their acknowledgement.

    They go to `partition`, or each to that of its key; a record without key to every one.
    """
    try:
        async with asyncio.timeout(TOPIC_PATIENCE):
            known = sorted(await producer.partitions_for(topic))
    except TimeoutError:
        raise TimeoutError(f"topic {topic} is not known") from None
    acknowledged: list[asyncio.Future[object]] = []
    try:
        for to, batch in _batches(producer, records, known if partition is None else [partition]):
            acknowledged.append(await producer.send_batch(batch, topic, partition=to))
    except BaseException:
        asyncio.gather(*acknowledged, return_exceptions=True)  # their outcome is nobody's any more
        raise
    for outcome in await asyncio.gather(*acknowledged, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _batches(producer: Any, records: Sequence[Record], partitions: list[int]) -> Iterator[tuple[int, Any]]:  # noqa: ANN401
    """Yield each batch with its partition, as it is full."""
    filling: dict[int, Any] = {}
    for key, value in records:
        for to in _places(key, partitions):
            batch = filling.get(to)
            if batch is not None and batch.append(timestamp=None, key=key, value=value) is not None:
                continue
            if batch is not None:
                yield to, batch
            batch = filling[to] = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value)  # the first record of a batch always fits
    yield from filling.items()


def _places(key: bytes | None, partitions: list[int]) -> Sequence[int]:
    return partitions if key is None else (_partition(key, partitions, partitions),)


def rejected(reject: Reject, source: str, at: datetime) -> Record:
    """Return the record of `postings-rejected` that tells of a producer's reject (measured)."""
    message = Rejected(
        stage="producers",
        reason=reject.reason,
        at=at,
        data=base64.b64encode(reject.data).decode("ascii"),
        length=reject.length,
        sha256=reject.sha256,
        detail=reject.detail,
        source=source,
        truncated=len(reject.data) < reject.length,
    )
    return f"producers\t{source}\t{reject.sha256}".encode(), _ENCODER.encode(message)
