"""Create a generation's topics before anything starts, and keep their registry.

The compacted topic `marsad-registry` holds, by key: `topic:<kafka name>` the id that Kafka gave the topic (a stage
keeps it in its marker, so that a recreated topic is seen, whoever recreated it), `generation:<name>` what the
generation was made with, and `pointer:current` the generation that readers are shown.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from deploy.errors import TopicError
from deploy.reading import runs
from deploy.topic_ids import topic_ids
from schemas.connections import KafkaConnection
from schemas.topics import Namespace, Topic, topics

REGISTRY = "marsad-registry"
CURRENT = "pointer:current"

BY_PRODUCER = {"message.timestamp.type": "CreateTime"}
"""Configuration of a raw topic while it is filled: log times are those of the records' first appending."""

CONFIGURED_SECONDS = 3.0
"""Time for a changed configuration to reach the partitions of every broker; no request asks for that."""


class Identity(msgspec.Struct, frozen=True):
    """A topic's identity: `id` is Kafka's own, new at each creation; `since` is when Marsad first saw it."""

    id: str
    since: datetime


class Generation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a generation was made with: its raw namespace and the partitions of the topics of its flow.

    `archive` says that log time tells nothing of its records' age (None: as `raw` is an archive's or not). A rebuild is
    `building` until readers may be shown it; it reads offsets [`begins`, `ends`) of the raw partitions (empty: all),
    which are what was logged from `since` until `until`. A raw namespace that was filled from another one names that in
    `copied_from`.
    """

    name: str
    raw: str
    partitions: int
    created: datetime
    archive: bool | None = None
    building: bool = False
    since: datetime | None = None
    until: datetime | None = None
    begins: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    copied_from: str | None = None

    @property
    def of_an_archive(self) -> bool:
        """Whether its log time says nothing of its records' age."""
        return bool(self.raw) if self.archive is None else self.archive


class Pointer(msgspec.Struct, frozen=True):
    """The generation that readers are shown."""

    generation: str


@dataclass(frozen=True)
class Registry:
    """What `marsad-registry` says: identity by Kafka topic name, generations by name, and the current one's name."""

    identities: Mapping[str, str]
    generations: Mapping[str, Generation]
    current: str | None

    @classmethod
    def of(cls, records: Iterable[tuple[bytes, bytes | None]]) -> "Registry":
        """Fold the topic's records, oldest first; a null value withdraws its key."""
        latest = dict(records)
        identities: dict[str, str] = {}
        generations: dict[str, Generation] = {}
        current = None
        for key, value in latest.items():
            if value is None:
                continue
            kind, _, name = key.decode().partition(":")
            if kind == "topic":
                identities[name] = msgspec.json.decode(value, type=Identity).id
            elif kind == "generation":
                generations[name] = msgspec.json.decode(value, type=Generation)
            elif key == CURRENT.encode():
                current = msgspec.json.decode(value, type=Pointer).generation
        return cls(identities, generations, current)


class Rebuild(msgspec.Struct, frozen=True):
    """The part of the raw topic that a rebuild reads, and what else is said of it (see Generation)."""

    begins: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    archive: bool = False
    copied_from: str | None = None


@dataclass(frozen=True)
class Wanted:
    """A topic as it must be in Kafka."""

    name: str
    partitions: int
    config: Mapping[str, str]


def wanted(namespace: Namespace, partitions: int | None) -> list[Wanted]:
    """Every topic of `namespace`; `partitions` replaces the number that the topics of the flow share."""
    return [
        Wanted(namespace.topic(topic.name), _partitions(topic, partitions), topic.config) for topic in topics().values()
    ]


def differences(topic: Wanted, partitions: int, config: Mapping[str, str]) -> list[str]:
    """How an existing topic of `partitions` and `config` differs from its contract, in words."""
    found = [] if partitions == topic.partitions else [f"{partitions} partitions, not {topic.partitions}"]
    found += [
        f"{name}={config.get(name, 'unset')}, not {value}"
        for name, value in sorted(topic.config.items())
        if _settings_differ(config.get(name), value)
    ]
    return found


async def ensure(
    kafka: KafkaConnection,
    namespace: Namespace,
    partitions: int | None = None,
    *,
    now: datetime,
    replication: int = 1,
    rebuild: Rebuild | None = None,
) -> Registry:
    """Have every topic of `namespace` as its contract says, with an identity, and the generation in the registry.

    Creates what is missing and changes nothing that exists; the first live generation becomes the current one.
    `partitions` defaults to what the generation was made with, else to the contracts. A new generation is a `rebuild`
    if it says so. Raises TopicError where something that exists differs.
    """
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        known = await registry(kafka) if REGISTRY in existing else Registry({}, {}, None)
        generation = known.generations.get(namespace.generation)
        if generation is not None:
            _require_same(generation, namespace, partitions)
            partitions = generation.partitions
        topics_wanted = wanted(namespace, partitions)
        await _require_contracts(admin, [topic for topic in topics_wanted if topic.name in existing])
        missing = [topic for topic in topics_wanted if topic.name not in existing]
        by_others = await _create(admin, [_while_filled(topic, namespace, rebuild) for topic in missing], replication)
        await _wait_for_leaders(admin, missing)
        await _require_contracts(admin, by_others)
    finally:
        await admin.close()
    ids = await topic_ids(kafka)
    records: dict[str, msgspec.Struct] = {
        f"topic:{topic.name}": Identity(ids[topic.name], now)
        for topic in topics_wanted
        if known.identities.get(topic.name) != ids[topic.name]
    }
    if generation is None:
        several = partitions or _flow_partitions()
        made = Generation(namespace.generation, namespace.raw, several, now)
        if rebuild is not None:
            made = msgspec.structs.replace(made, building=True, **msgspec.structs.asdict(rebuild))
        records[f"generation:{namespace.generation}"] = made
    if known.current is None and not namespace.raw and rebuild is None:
        records[CURRENT] = Pointer(namespace.generation)
    await _write(kafka, {key: msgspec.json.encode(record) for key, record in records.items()})
    return await registry(kafka) if records else known


async def unlike(kafka: KafkaConnection, namespace: Namespace, partitions: int) -> dict[str, list[str]]:
    """How the topics of a generation differ from their contracts, by Kafka name; what fits is left out."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        topics_wanted = wanted(namespace, partitions)
        found = {topic.name: ["it does not exist"] for topic in topics_wanted if topic.name not in existing}
        there = [topic for topic in topics_wanted if topic.name in existing]
        described = {
            one["topic"]: len(one["partitions"]) for one in await admin.describe_topics([t.name for t in there])
        }
        configs = await _configs(admin, there)
        for topic in there:
            if differ := differences(topic, described[topic.name], configs[topic.name]):
                found[topic.name] = differ
        return found
    finally:
        await admin.close()


async def registry(kafka: KafkaConnection) -> Registry:
    """Read the registry to its end; empty if its topic does not exist. Raises aiokafka's KafkaError."""
    consumer = AIOKafkaConsumer(**kafka.client_options(), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        if REGISTRY not in await consumer.topics():
            return Registry({}, {}, None)
        partition = TopicPartition(REGISTRY, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        records: list[tuple[bytes, bytes | None]] = []
        async for run in runs(consumer, partition, end):
            records += [(record.key, record.value) for record in run]
        return Registry.of(records)
    finally:
        await consumer.stop()


async def point(kafka: KafkaConnection, generation: str) -> None:
    """Make `generation` the one that readers are shown. Raises TopicError if the registry does not know it."""
    if generation not in (await registry(kafka)).generations:
        raise TopicError(f"there is no generation {generation}: `marsad topics` creates it")
    await _write(kafka, {CURRENT: msgspec.json.encode(Pointer(generation))})


async def drop(kafka: KafkaConnection, namespace: Namespace) -> None:
    """Delete a generation: its topics, the raw ones too if no other generation reads them, and its registry records.

    Raises TopicError for the current generation.
    """
    known = await registry(kafka)
    if known.current == namespace.generation:
        raise TopicError(f"generation {namespace.generation} is the current one: point at another one first")
    others = [one for name, one in known.generations.items() if name != namespace.generation]
    raw_shared = not namespace.raw or any(one.raw == namespace.raw for one in others)
    scopes = {"generation"} if raw_shared else {"generation", "raw"}
    names = [namespace.topic(topic.name) for topic in topics().values() if topic.scope in scopes]
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        await admin.delete_topics([name for name in names if name in existing])
    finally:
        await admin.close()
    await _write(kafka, dict.fromkeys([f"generation:{namespace.generation}", *(f"topic:{name}" for name in names)]))


async def finish(kafka: KafkaConnection, generation: str, *, current: bool) -> None:
    """End the building of `generation`; with `current`, readers are shown it from now on: one record moves them all."""
    made = (await registry(kafka)).generations[generation]
    records: dict[str, msgspec.Struct] = {f"generation:{generation}": msgspec.structs.replace(made, building=False)}
    if current:
        records[CURRENT] = Pointer(generation)
    await _write(kafka, {key: msgspec.json.encode(record) for key, record in records.items()})


async def stamp(kafka: KafkaConnection, namespace: Namespace, *, by_producer: bool) -> None:
    """Let producers say the log times of a raw topic that is being filled, or the broker, as the contract has it."""
    config = dict(topics()["postings-raw"].config) | (BY_PRODUCER if by_producer else {})
    wanted_raw = Wanted(namespace.topic("postings-raw"), 0, config)
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        found = await _configs(admin, [wanted_raw])
        if all(not _settings_differ(found[wanted_raw.name].get(name), value) for name, value in config.items()):
            return
        resource = ConfigResource(ConfigResourceType.TOPIC, wanted_raw.name, configs=config)
        for answer in await admin.alter_configs([resource]):
            for code, message, *_ in answer.resources:
                if code:
                    raise TopicError(f"topic {wanted_raw.name} cannot be configured: {message}")
        await asyncio.sleep(CONFIGURED_SECONDS)
    finally:
        await admin.close()


async def follow(kafka: KafkaConnection) -> AsyncIterator[Registry]:
    """Tell what the registry says, at once and whenever it changes, for ever; an absent broker is waited for."""
    while True:
        consumer = AIOKafkaConsumer(**kafka.client_options(), enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            await consumer.start()
            partition = TopicPartition(REGISTRY, 0)
            consumer.assign([partition])
            end = (await consumer.end_offsets([partition]))[partition]
            latest: dict[bytes, bytes | None] = {}
            while True:
                batch = (await consumer.getmany(partition, timeout_ms=1000)).get(partition, [])
                latest.update((record.key, record.value) for record in batch)
                if batch and batch[-1].offset + 1 >= end:
                    yield Registry.of(latest.items())
        except (KafkaError, OSError):
            await asyncio.sleep(1.0)
        finally:
            await consumer.stop()


def _while_filled(topic: Wanted, namespace: Namespace, rebuild: Rebuild | None) -> Wanted:
    """A topic as it is created: one that is filled from another begins with that one's log times."""
    if rebuild is None or rebuild.copied_from is None or topic.name != namespace.topic("postings-raw"):
        return topic
    return Wanted(topic.name, topic.partitions, {**topic.config, **BY_PRODUCER})


def _partitions(topic: Topic, asked: int | None) -> int:
    return asked if asked is not None and topic.partitions == _flow_partitions() else topic.partitions


def _flow_partitions() -> int:
    """Partitions of the flow by contract: those of `postings-raw`, shared by what its stages read and write."""
    return topics()["postings-raw"].partitions


def _settings_differ(found: str | None, contract: str) -> bool:
    """Compare lists as sets (`compact,delete`), numbers as numbers, the rest as words."""
    if found is None:
        return True
    try:
        return float(found) != float(contract)
    except ValueError:
        return set(found.split(",")) != set(contract.split(","))


def _require_same(generation: Generation, namespace: Namespace, partitions: int | None) -> None:
    if generation.raw != namespace.raw:
        raise TopicError(
            f"generation {generation.name} reads raw namespace {generation.raw or '(live)'!r}, "
            f"not {namespace.raw or '(live)'!r}: choose another MARSAD_GENERATION, or that MARSAD_RAW"
        )
    if partitions is not None and partitions != generation.partitions:
        raise TopicError(
            f"generation {generation.name} was made with {generation.partitions} partitions, not {partitions}: "
            "`marsad topics grow` moves to another number"
        )


async def _create(admin: AIOKafkaAdminClient, missing: list[Wanted], replication: int) -> list[Wanted]:
    """Create `missing`; returns those that somebody else made meanwhile, or that the brokers had not told of yet."""
    if not missing:
        return []
    answer = await admin.create_topics(
        [NewTopic(topic.name, topic.partitions, replication, topic_configs=dict(topic.config)) for topic in missing]
    )
    for name, code, *message in answer.topic_errors:
        if code not in {0, TopicAlreadyExistsError.errno}:
            reason = " ".join(filter(None, message)) or for_code(code).__name__
            raise TopicError(f"topic {name} cannot be created: {reason}")
    made = {name for name, code, *_ in answer.topic_errors if code == 0}
    return [topic for topic in missing if topic.name not in made]


async def _require_contracts(admin: AIOKafkaAdminClient, topics_wanted: list[Wanted]) -> None:
    if not topics_wanted:
        return
    described = await admin.describe_topics([topic.name for topic in topics_wanted])
    partitions = {entry["topic"]: len(entry["partitions"]) for entry in described}
    configs = await _configs(admin, topics_wanted)
    for topic in topics_wanted:
        if found := differences(topic, partitions[topic.name], configs[topic.name]):
            raise TopicError(
                f"topic {topic.name} is not as its contract says ({'; '.join(found)}): "
                "set it so in Kafka, or choose another MARSAD_GENERATION"
            )


async def _configs(admin: AIOKafkaAdminClient, topics_wanted: list[Wanted]) -> dict[str, dict[str, str]]:
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=dict(topic.config)) for topic in topics_wanted
    ]
    configs: dict[str, dict[str, str]] = {}
    for answer in await admin.describe_configs(resources):
        for code, message, _kind, name, entries in _resources(answer):
            if code:
                raise TopicError(f"topic {name}'s configuration cannot be read: {message}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs


def _resources(answer: Any) -> Iterable[tuple[int, str, int, str, list[tuple[str, str]]]]:  # noqa: ANN401 - aiokafka's
    yield from answer.resources


async def _wait_for_leaders(admin: AIOKafkaAdminClient, created: list[Wanted]) -> None:
    """Wait until each partition has a leader that the brokers know of: until then it cannot be written."""
    while created:
        described = await admin.describe_topics([topic.name for topic in created])
        if all(
            entry["error_code"] == 0
            and entry["partitions"]
            and all(partition["error_code"] == 0 for partition in entry["partitions"])
            for entry in described
        ):
            return
        await asyncio.sleep(0.05)


async def _write(kafka: KafkaConnection, records: Mapping[str, bytes | None]) -> None:
    if not records:
        return
    producer = AIOKafkaProducer(**kafka.client_options(), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        sent = [await producer.send(REGISTRY, value, key.encode(), partition=0) for key, value in records.items()]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
