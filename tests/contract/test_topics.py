"""The topic files against what the code really reads and writes."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from dashboard.live.fetch import LIVE_TOPICS, SINK_TOPICS
from deploy.topics import REGISTRY
from producers.archive import Sighting
from producers.checkpoint import Known, Page
from producers.hosts.rows import Ledger
from producers.publish import Publisher, deliver
from producers.push.agent import AnswersAgent
from producers.push.answers import entry_of
from producers.shape import Reject
from schemas.connections import KafkaConnection
from schemas.messages import Posting, PushAnswer, SourceStatus
from schemas.topics import topics
from schemas.validation import schema, versions, violations
from streams.engine.stage import Output
from streams.sink.agent import TOPICS
from streams.sink.rows import TABLES
from tests.contract import topics_page
from tests.contract.flow import CONTRACT, NAMESPACE, Stream, run
from tests.contract.messages import examples

ACTORS = {"producers", "ads", "market", "detect", "sink", "live", "deploy", "subscribers"}
"""Who reads and writes: the producers, the stages, the sink, the live stream, the command line, and anybody outside."""

STAGES = ("ads", "market", "detect")

KEYS: Mapping[str, Callable[[Any], str]] = {
    "postings-unique": lambda m: f"{m['posting']['source']}\t{m['posting']['id']}",
    "postings-enriched": lambda m: f"{m['block']}\t{m['source']}\t{m['id']}",
    "postings-rejected": lambda m: f"{m['stage']}\t{m['topic']}\t{m['partition']}\t{m['offset']}",
    "vacancies": lambda m: str(m["id"]),
    "market-counts": lambda m: "\t".join(
        (m["grain"], m["block"], m["isco"], m["region"], str(int(datetime.fromisoformat(m["start"]).timestamp())))
    ),
    "market-alerts": lambda m: str(m["id"]),
}
"""The key that each topic's file describes, made from the message."""


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Stream]:
    """The stages' inputs, and what they wrote of a few postings."""
    return run(tmp_path_factory.mktemp("state"))


def consumed_by(actor: str) -> set[str]:
    """Topics that their files say `actor` consumes."""
    return {topic.name for topic in topics().values() if actor in topic.consumers}


def produced_by(actor: str) -> set[str]:
    """Topics that their files say `actor` produces."""
    return {topic.name for topic in topics().values() if actor in topic.producers}


def test_every_topic_is_written_and_read() -> None:
    """Each topic has a producer and a consumer, all of them known, and is in the file of its name."""
    for name, topic in topics().items():
        assert topic.name == name
        assert topic.producers
        assert topic.consumers
        assert {*topic.producers, *topic.consumers} <= ACTORS


def test_every_actor_is_in_some_topic_file() -> None:
    """No actor is known that reads and writes nothing."""
    assert {actor for topic in topics().values() for actor in (*topic.producers, *topic.consumers)} == ACTORS


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_reads_what_the_files_say(flow: Mapping[str, Stream], stage: str) -> None:
    """The inputs of a stage, and its own changelog, are the topics that name it as a consumer."""
    assert flow[stage].inputs | {f"{stage}-changelog"} == consumed_by(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_writes_what_the_files_say(flow: Mapping[str, Stream], stage: str) -> None:
    """The topics into which a stage's fold writes, and its changelog, are those that name it as a producer."""
    assert flow[stage].written() | {f"{stage}-changelog"} == produced_by(stage)


def test_no_other_stage_is_in_the_files(flow: Mapping[str, Stream]) -> None:
    """The stages of the worker are those that have a changelog."""
    changelogs = {name.removesuffix("-changelog") for name in topics() if name.endswith("-changelog")}
    assert set(flow) == set(STAGES) == changelogs


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_stage_writes_is_what_its_topics_promise(flow: Mapping[str, Stream], stage: str) -> None:
    """Each record is a valid message of its topic, or without key its clock record, in a partition that it has."""
    for output in flow[stage].outputs:
        topic = topics()[CONTRACT[output.topic]]
        message, version = (topic.message, topic.version) if output.key else (topic.clock, versions()[topic.clock][-1])
        assert violations(message, version, json.loads(output.value or b"")) == [], output
        assert 0 <= output.partition < topic.partitions


@pytest.mark.parametrize("stage", STAGES)
def test_keys_are_made_as_the_files_say(flow: Mapping[str, Stream], stage: str) -> None:
    """The key of each record can be made from its message by the rule of the topic's file."""
    for output in flow[stage].outputs:
        if output.key is not None:
            assert output.key.decode() == KEYS[CONTRACT[output.topic]](json.loads(output.value or b""))


def test_the_flow_shows_every_kind_of_record(flow: Mapping[str, Stream]) -> None:
    """The postings behind these tests change block, merge, close, are refused, and raise and withdraw an alert."""
    told: set[str] = set()
    for stream in flow.values():
        for output in stream.outputs:
            message = json.loads(output.value or b"")
            told.add(
                f"{CONTRACT[output.topic]} {message.get('event') or message.get('outcome') or message.get('reason')}"
            )
    assert told >= {
        "postings-unique new",
        "postings-unique updated",
        "postings-rejected malformed_json",
        "postings-rejected removal_of_unknown",
        "postings-enriched upsert",
        "postings-enriched moved",
        "postings-enriched tick",
        "vacancies created",
        "vacancies updated",
        "vacancies removed",
        "vacancies merged",
        "vacancies moved",
        "market-alerts started",
        "market-alerts withdrawn",
    }


def test_the_sink_reads_what_the_files_say() -> None:
    """The sink's topics, those that have rows, and those whose lag the dashboard tells are the sink's in the files."""
    assert set(TOPICS) == set(TABLES) == set(SINK_TOPICS) == consumed_by("sink")
    assert produced_by("sink") == set()


def test_the_live_stream_reads_what_the_files_say() -> None:
    """The live stream follows the topics that name it."""
    assert set(LIVE_TOPICS) == consumed_by("live")
    assert produced_by("live") == set()


def test_the_command_line_writes_the_registry_alone() -> None:
    """Deploy writes and reads back the registry, which subscribers read too."""
    assert produced_by("deploy") == {REGISTRY} == consumed_by("deploy")
    assert REGISTRY in consumed_by("subscribers")


def test_subscribers_may_write_nothing() -> None:
    """Nobody outside is a producer of a topic."""
    assert produced_by("subscribers") == set()


class _Batch:
    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes]] = []

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes) -> object:  # noqa: ARG002
        self.records.append((key, value))
        return object()


class _Kafka:
    """A producer's client that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Output] = []

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(topics()[CONTRACT[topic]].partitions))

    def create_batch(self) -> _Batch:
        return _Batch()

    async def send_batch(self, batch: _Batch, topic: str, *, partition: int) -> asyncio.Future[None]:
        self.sent += [Output(topic, partition, key, value) for key, value in batch.records]
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    async def stop(self) -> None:
        pass


async def test_producers_write_what_the_files_say() -> None:
    """The topics that producers write are those that name them, and each record is a valid message under its key."""
    kafka = _Kafka()
    at = datetime(2026, 3, 2, tzinfo=UTC)
    publisher = Publisher(
        kafka=KafkaConnection("127.0.0.1:1"), namespace=NAMESPACE, observe=lambda _fact: None, clock=lambda: at
    )
    publisher._producer = kafka
    texts = [one.text for one in examples("pass") if one.message == "posting"]
    postings = [msgspec.json.decode(text, type=Posting) for text in texts]
    await publisher.postings("s", postings)
    await publisher.sightings(
        "s", [Sighting(0, f"{p.source}\t{p.id}".encode(), t) for p, t in zip(postings, texts, strict=True)]
    )
    await publisher.rejects("s", [Reject("malformed_row", b"a;b"), Reject("oversize", b"x").withheld()])
    await publisher.status(SourceStatus("s", at, "ok"))
    await publisher.heartbeat()
    told = PushAnswer(entry=entry_of("k", "t"), state="claimed", holder="h", body="0" * 64, at=at)
    answers = AnswersAgent(KafkaConnection("127.0.0.1:1"), NAMESPACE, publisher)
    await answers.write(told, msgspec.structs.replace(told, state="answered", status=202, answer="{}"))
    ledger = Ledger("s")
    ledger.checkpoint.items["1"] = Known("hash", "2026-03-02", "offer")
    ledger.checkpoint.pages["p"] = Page(ids=("1", "2"))
    ledger.checkpoint.rejected["0" * 64] = "2026-03-02"
    ledger.checkpoint.counts = (2,)
    rows = ledger.changes()
    await deliver(kafka, NAMESPACE.topic("producer-checkpoints"), rows, partition=3)
    assert len(rows) == 5
    assert {CONTRACT[output.topic] for output in kafka.sent} == produced_by("producers")
    assert {CONTRACT[answers.topic], "producer-checkpoints"} == consumed_by("producers")
    keys: Mapping[str, Callable[[Any], str]] = {
        "postings-raw": lambda m: f"{m['source']}\t{m['id']}",
        "postings-rejected": lambda m: f"{m['stage']}\t{m['source']}\t{m['sha256']}",
        "source-status": lambda m: str(m["source"]),
        "producer-checkpoints": lambda m: f"{m['source']}\t{m['part']}\t{m['name']}",
        "push-answers": lambda m: m["entry"] + (f"\t{m['holder']}" if m["state"] == "claimed" else ""),
    }
    for output in kafka.sent:
        topic = topics()[CONTRACT[output.topic]]
        message = topic.message if output.key else topic.clock
        value = json.loads(output.value or b"")
        assert violations(message, versions()[message][-1], value) == []
        assert output.key is None or output.key.decode() == keys[topic.name](value)


def test_every_topic_says_how_long_it_keeps() -> None:
    """A topic that deletes says when, and one that is compacted needs no retention."""
    for topic in topics().values():
        policies = set(topic.config["cleanup.policy"].split(","))
        assert policies <= {"compact", "delete"}
        assert ("delete" in policies) == ("retention.ms" in topic.config), topic.name


def test_raw_keeps_every_posting_for_ever_at_its_log_time() -> None:
    """A generation can always be rebuilt: raw is never deleted, and its times are the broker's."""
    raw = topics()["postings-raw"]
    assert (raw.config["cleanup.policy"], raw.config["retention.ms"]) == ("delete", "-1")
    assert raw.config["message.timestamp.type"] == "LogAppendTime"


def test_a_reject_of_the_largest_posting_fits_its_topic() -> None:
    """What raw may hold whole, base64 and all around it, a record of postings-rejected may hold."""
    whole = 8 << 20
    assert int(topics()["postings-rejected"].config["max.message.bytes"]) > whole * 4 // 3 + 10_000


def test_the_page_says_what_the_files_say() -> None:
    """docs/topics.md draws and lists the topics as their files have them (`python -m tests.contract.topics_page`)."""
    page = topics_page.PAGE.read_text("utf-8")
    assert topics_page.written(page) == page
    assert all(f"`{name}`" in page for name in topics())


def test_the_page_tells_of_fields_that_exist() -> None:
    """The key, version and removal of each state in docs/topics.md are told in fields of its message."""
    page = topics_page.PAGE.read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    assert {name for name, *_ in rows} == {topic for topic in consumed_by("sink") if topic != "postings-rejected"}
    for name, *cells in rows:
        document = schema(topics()[name].message, topics()[name].version)
        told = re.findall(r"`(\w+)`", " ".join(cells))
        words = {word for field in document["properties"].values() for word in field.get("enum", ())}
        assert set(told) <= {*document["properties"], *words}, name
