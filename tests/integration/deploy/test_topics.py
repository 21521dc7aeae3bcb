import asyncio
import uuid
from datetime import UTC, datetime

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy import topics
from deploy.errors import TopicError
from deploy.topic_ids import topic_ids
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from schemas.topics import topics as contracts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def fresh() -> Namespace:
    """Name a generation that does not exist yet."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    return Namespace(name, name)


async def test_every_contract_topic_is_created_with_an_identity(kafka: KafkaConnection, namespace: Namespace) -> None:
    """After `ensure`, each topic of the contracts has the id that Kafka gave it in the registry."""
    known = await topics.registry(kafka)
    ids = await topic_ids(kafka)
    for name in contracts():
        assert known.identities[namespace.topic(name)] == ids[namespace.topic(name)]


async def test_ensure_twice_changes_nothing(kafka: KafkaConnection, namespace: Namespace) -> None:
    """A second `ensure` keeps every identity and the generation's record."""
    before = await topics.registry(kafka)
    after = await topics.ensure(kafka, namespace, now=NOW)
    assert after.generations[namespace.generation] == before.generations[namespace.generation]
    for name in contracts():
        assert after.identities[namespace.topic(name)] == before.identities[namespace.topic(name)]


async def test_two_processes_may_ensure_at_once(kafka: KafkaConnection, fresh: Namespace) -> None:
    """Two concurrent `ensure` calls agree on every identity."""
    one, two = await asyncio.gather(topics.ensure(kafka, fresh, now=NOW), topics.ensure(kafka, fresh, now=NOW))
    for name in contracts():
        assert one.identities[fresh.topic(name)] == two.identities[fresh.topic(name)]
    await topics.drop(kafka, fresh)


async def test_partitions_apply_to_topics_that_have_several(kafka: KafkaConnection, fresh: Namespace) -> None:
    """`partitions` is written into the generation, and topics of one partition keep one."""
    await topics.ensure(kafka, fresh, partitions=2, now=NOW)
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    described = await admin.describe_topics([fresh.topic("postings-raw"), fresh.topic("market-counts")])
    await admin.close()
    partitions = {topic["topic"]: len(topic["partitions"]) for topic in described}
    assert partitions == {fresh.topic("postings-raw"): 2, fresh.topic("market-counts"): 1}
    with pytest.raises(TopicError, match="made with 2 partitions, not 3"):
        await topics.ensure(kafka, fresh, partitions=3, now=NOW)
    assert (await topics.ensure(kafka, fresh, now=NOW)).generations[fresh.generation].partitions == 2
    await topics.drop(kafka, fresh)


async def test_a_topic_unlike_its_contract_is_refused_before_any_is_created(
    kafka: KafkaConnection, fresh: Namespace
) -> None:
    """A raw topic of other configuration stops `ensure` with the difference, and no other topic is made."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    await admin.create_topics([NewTopic(fresh.topic("postings-raw"), 4, 1)])
    while fresh.topic("postings-raw") not in await admin.list_topics():
        await asyncio.sleep(0.05)
    with pytest.raises(TopicError, match=r"message.timestamp.type=CreateTime, not LogAppendTime"):
        await topics.ensure(kafka, fresh, now=NOW)
    assert fresh.topic("vacancies") not in await admin.list_topics()
    await admin.delete_topics([fresh.topic("postings-raw")])
    await admin.close()


async def test_a_recreated_topic_gets_another_identity(kafka: KafkaConnection, namespace: Namespace) -> None:
    """A topic that somebody deleted and made again by hand is known by a new identity."""
    name = namespace.topic("postings-unique")
    before = (await topics.registry(kafka)).identities[name]
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    await admin.delete_topics([name])
    contract = contracts()["postings-unique"]
    while name in await admin.list_topics():
        await asyncio.sleep(0.05)
    await admin.create_topics([NewTopic(name, contract.partitions, 1, topic_configs=dict(contract.config))])
    await admin.close()
    after = await topics.ensure(kafka, namespace, now=NOW)
    assert after.identities[name] != before


async def test_another_raw_namespace_is_another_generation(kafka: KafkaConnection, namespace: Namespace) -> None:
    """A generation keeps the raw namespace that it was made with."""
    with pytest.raises(TopicError, match="reads raw namespace"):
        await topics.ensure(kafka, Namespace(namespace.generation, "elsewhere"), now=NOW)


async def test_a_dropped_generation_leaves_nothing(kafka: KafkaConnection, fresh: Namespace) -> None:
    """`drop` removes a generation's topics and its records."""
    await topics.ensure(kafka, fresh, now=NOW)
    await topics.drop(kafka, fresh)
    known = await topics.registry(kafka)
    assert fresh.generation not in known.generations
    assert not [name for name in known.identities if name.endswith(fresh.generation)]


async def test_only_a_known_generation_can_be_pointed_at(kafka: KafkaConnection) -> None:
    """The pointer never names a generation that does not exist."""
    with pytest.raises(TopicError, match="there is no generation nowhere"):
        await topics.point(kafka, "nowhere")
