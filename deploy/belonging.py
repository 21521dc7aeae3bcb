"""Which generations a store holds, and whether it has all that the sink's group says: asked before the sink starts.

The group's commits are kept in Kafka, the rows that they speak of in the store. Another store lacks those rows, and is
filled from the topics' beginning: rows are absolute, so writing one twice changes nothing. A store that holds rows of
topics that are gone is refused, for their versions would win over those of the new topics.
"""

import asyncio
import time

import stamina
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, GroupCoordinatorNotAvailableError

from deploy.topic_ids import topic_ids
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from store import Store, StoreUnavailable
from streams.engine.errors import InputLost
from streams.sink.agent import TOPICS

STORE_AGAIN_SECONDS = 1.0
GROUP_EMPTY_SECONDS = 60.0
"""How long the members of a process that died may still be in the group."""

_KNOWN = "SELECT topic_id FROM generations FINAL WHERE generation = %(generation)s"
_TABLES = "SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'generation' ORDER BY table"
_DELETING = "SELECT table FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"


async def settle(kafka: KafkaConnection, store: Store, namespace: Namespace) -> None:
    """Make the sink's group begin anew if `store` was never written from the generation's topics.

    Waits for an absent store. Raises InputLost if it holds rows of other topics of the same names, and KafkaError.
    """
    identity = (await topic_ids(kafka))[namespace.topic("market-counts")]
    known = await _known(store, namespace.generation)
    if known == identity:
        return
    if known is not None:
        raise InputLost(
            f"the store holds generation {namespace.generation} of topics that are gone: name another one by"
            " MARSAD_GENERATION, or delete those rows (docs/operations.md, A store of your own)"
        )
    async for attempt in stamina.retry_context(
        on=(CommitFailedError, GroupCoordinatorNotAvailableError), timeout=GROUP_EMPTY_SECONDS, attempts=None
    ):
        with attempt:
            await _begin_anew(kafka, namespace)
    await asyncio.to_thread(
        store.insert, "generations", ("generation", "topic_id", "version"), [(namespace.generation, identity, 1)]
    )


def forget(store: Store, generation: str) -> bool:
    """Delete a generation's rows, and return when they are gone; False if the store never knew it. Blocks."""
    if not store.query(_KNOWN, {"generation": generation}):
        return False
    for (table,) in store.query(_TABLES):
        store.command(f"ALTER TABLE {table} DELETE WHERE generation = '{generation}'")
    while store.query(_DELETING):
        time.sleep(STORE_AGAIN_SECONDS)
    return True


async def _known(store: Store, generation: str) -> str | None:
    while True:
        try:
            rows = await asyncio.to_thread(store.query, _KNOWN, {"generation": generation})
        except StoreUnavailable:
            await asyncio.sleep(STORE_AGAIN_SECONDS)
        else:
            return str(rows[0][0]) if rows else None


async def _begin_anew(kafka: KafkaConnection, namespace: Namespace) -> None:
    """Commit the beginning wherever the group has committed something else. Raises KafkaError, also for its members."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        group = namespace.group("sink")
        committed = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    names = {namespace.topic(topic) for topic in TOPICS}
    written = [tp for tp, at in committed.items() if tp.topic in names and at.offset > 0]
    if not written:
        return
    consumer = AIOKafkaConsumer(**kafka.client_options(), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(written)
        await consumer.commit(await consumer.beginning_offsets(written))
    finally:
        await consumer.stop()
