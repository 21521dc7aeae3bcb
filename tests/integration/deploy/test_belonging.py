from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy import belonging
from deploy.markers import Readback
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from store import Store
from store.migrate import migrate
from streams.engine.errors import InputLost
from tests.integration.store.engines import ENGINES, engine


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clickhouse: str) -> Iterator[Store]:
    """An empty store with its tables, on each engine."""
    with engine(request.param, tmp_path, clickhouse) as opened:
        migrate(opened)
        yield opened


async def commit(kafka: KafkaConnection, namespace: Namespace, offset: int) -> None:
    """Commit an offset of `vacancies` in the name of the sink's group."""
    consumer = AIOKafkaConsumer(**kafka.client_options(), group_id=namespace.group("sink"), enable_auto_commit=False)
    await consumer.start()
    partition = TopicPartition(namespace.topic("vacancies"), 0)
    consumer.assign([partition])
    await consumer.commit({partition: offset})
    await consumer.stop()


async def done(kafka: KafkaConnection, namespace: Namespace) -> int:
    """Offset of `vacancies` that the sink's group has committed."""
    async with Readback(kafka, namespace) as readback:
        return (await readback.group_progress("sink", ["vacancies"]))[0].done


async def test_a_store_that_was_never_written_is_filled_from_the_beginning(
    kafka: KafkaConnection, namespace: Namespace, store: Store
) -> None:
    """What the group committed into another store is taken back, once: from then on the store has what it says."""
    await commit(kafka, namespace, 7)
    await belonging.settle(kafka, store, namespace)
    assert await done(kafka, namespace) == 0
    await commit(kafka, namespace, 9)
    await belonging.settle(kafka, store, namespace)
    assert await done(kafka, namespace) == 9


async def test_rows_of_topics_that_are_gone_are_not_mixed_with_new_ones(
    kafka: KafkaConnection, namespace: Namespace, store: Store
) -> None:
    """Versions of a generation's former life would win over those of its new one: it says so and the way out."""
    store.insert("generations", ("generation", "topic_id", "version"), [(namespace.generation, "another", 1)])
    with pytest.raises(InputLost, match=f"generation {namespace.generation} of topics that are gone"):
        await belonging.settle(kafka, store, namespace)


def test_a_generation_is_forgotten_with_all_its_rows(store: Store) -> None:
    """Its rows are gone from every table when the call returns, the others' stay; one never known is told."""
    for name in ("a", "b"):
        store.insert("generations", ("generation", "topic_id", "version"), [(name, "t", 1)])
        store.insert("market_counts", ("generation", "region", "opened", "version"), [(name, "MA", 5, 1)])
    assert belonging.forget(store, "a")
    for table in ("generations", "market_counts"):
        assert store.query(f"SELECT generation FROM {table}") == [("b",)]
    assert not belonging.forget(store, "a")
