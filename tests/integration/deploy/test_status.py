import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.structs import TopicPartition

from deploy.status import as_plain, read_status
from schemas.connections import KafkaConnection
from schemas.messages import Rejected, SourceStatus
from schemas.topics import Namespace
from streams.engine import marker

AT = "2026-03-01T12:00:00Z"


async def test_status_reads_lag_rejects_and_sources(kafka: KafkaConnection, namespace: Namespace) -> None:
    """Lag is counted from the marker to the last record, rejects by reason, and a source's last status stands."""
    producer = AIOKafkaProducer(**kafka.client_options(), transactional_id=f"status.{namespace.generation}")
    await producer.start()
    for _ in range(3):  # each transaction leaves one offset that is no record
        async with producer.transaction():
            await producer.send_and_wait(namespace.topic("postings-enriched"), b"{}", partition=0)
    for number in range(5):
        async with producer.transaction():
            await producer.send_and_wait(namespace.topic("postings-raw"), b"{}", partition=0)
            reached = marker.Marker(
                generation=namespace.generation,
                stage="ads",
                partition=0,
                sequence=number,
                positions={namespace.topic("postings-raw"): marker.Position(next=2, identity="")},
                notes={},
            )
            await producer.send_and_wait(
                namespace.topic("ads-changelog"), reached.encode(), key=marker.KEY, partition=0
            )
        await reject(producer, namespace, "missing_title" if number else "malformed_json")
        await source(producer, namespace, seen=number)
    async with producer.transaction():
        committed = {TopicPartition(namespace.topic("postings-enriched"), 0): 5}
        await producer.send_offsets_to_transaction(committed, namespace.group("sink"))
    await producer.stop()

    status = await read_status(kafka, namespace, {"streams": "surge"}, seconds=0.1)

    lags = {(stage.stage, stage.topic): stage.lag for stage in status.stages}
    assert lags["ads", namespace.topic("postings-raw")] == 7  # the last of five records stands at offset 8
    assert lags["sink", namespace.topic("postings-enriched")] == 0  # the last of three at offset 4, then a marker
    assert status.rejects == {("ads", "missing_title"): 4, ("ads", "malformed_json"): 1}
    assert [(one.source, one.seen) for one in status.sources] == [("portal", 4)]
    assert status.held == {"streams": "surge"}
    plain = as_plain(status)
    assert msgspec.json.decode(msgspec.json.encode(plain))["rejects"][0]["reason"] in {
        "missing_title",
        "malformed_json",
    }


async def reject(producer: AIOKafkaProducer, namespace: Namespace, reason: str) -> None:
    """Write one reject."""
    value = msgspec.convert(
        {"stage": "ads", "reason": reason, "at": AT, "data": "eA==", "length": 1, "sha256": ""}, Rejected
    )
    async with producer.transaction():
        await producer.send_and_wait(namespace.topic("postings-rejected"), msgspec.json.encode(value))


async def source(producer: AIOKafkaProducer, namespace: Namespace, seen: int) -> None:
    """Write one status of a source."""
    value = msgspec.convert({"source": "portal", "at": AT, "state": "ok", "seen": seen}, SourceStatus)
    async with producer.transaction():
        await producer.send_and_wait(namespace.topic("source-status"), msgspec.json.encode(value), key=b"portal")
