"""Faust's Kafka transport with runs of records as events, positions from the shards, and quick committed reads.

Faust's own accounting (acknowledgements, gaps, seeks to the group's commit) is wrong for runs whose truth is a marker;
each override below names what it replaces.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, ClassVar, cast

import aiokafka
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from schemas.connections import KafkaConnection
from streams.engine.records import lean, waited_for
from streams.engine.shard import Bounds
from streams.engine.shards import Shards
from streams.engine.stage import StageOptions


class RunConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka fetches and heartbeats."""

    def _create_worker_consumer(  # type: ignore[override]
        self, transport: "RunTransport"
    ) -> aiokafka.AIOKafkaConsumer:
        """Faust fixes the fetch wait at 1.5 s and reads uncommitted.

        A range assignor keeps partition p of all inputs together.
        """
        options = transport.options
        consumer = aiokafka.AIOKafkaConsumer(
            **transport.connection.client_options(),
            client_id=self.app.conf.broker_client_id,
            group_id=self.app.conf.id,
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_poll_records=options.max_run,
            max_poll_interval_ms=600_000,
            max_partition_fetch_bytes=max(600 * options.max_run, 1 << 20),
            # Without a minimum the broker answers with crumbs that queue behind each other: p99 of 1 s instead of 0.1
            # s.
            fetch_min_bytes=1 << 20,
            fetch_max_wait_ms=options.fetch_wait_ms,
            session_timeout_ms=int(options.session_timeout * 1000),
            heartbeat_interval_ms=int(options.session_timeout * 1000 / 4),
            rebalance_timeout_ms=30_000,
            request_timeout_ms=40_000,
        )
        self._assignor = RangePartitionAssignor
        return consumer

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> Mapping[TP, list[Any]]:
        """What was fetched, as lean records; waits up to `timeout` seconds for some."""
        loop = asyncio.get_running_loop()
        fetcher = consumer._fetcher  # noqa: SLF001 - Faust reads it as well
        until = loop.time() + (timeout or 0.0)
        while True:
            lean(fetcher, max_records or 1)
            found: Mapping[TP, list[Any]] = await super()._fetch_records(consumer, active_partitions, timeout=0)
            left = until - loop.time()
            if found or left <= 0 or not self.consumer.flow_active:
                return found
            if not await waited_for(fetcher, left):
                return {}


class RunConsumer(driver.Consumer):
    """Delivers one message per partition and fetch: its value is the list of records, its offset the last one's."""

    transport: "RunTransport"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _Unread()  # Faust drops what lies below its own read offset; the shards trim instead

    @property
    def _shards(self) -> Shards:
        return self.transport.shards

    def _new_consumer_thread(self) -> RunConsumerThread:
        return RunConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 - Faust's signature
        """One message a partition and fetch, from the partitions whose shard is open and has room."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
        wanted = self._shards.wanting() & set(self._get_active_partitions())
        if not wanted:
            await self._shards.wait_until_wanting(min(timeout, 0.05))
            return
        fetched = await self._getmany(active_partitions=wanted, timeout=timeout)
        for tp, records in fetched.items():
            if records and self.flow_active and not self.should_stop:
                self._shards.delivered(tp, len(records))
                yield tp, self._run_message(tp, records)

    def _run_message(self, tp: TP, records: list[Any]) -> ConsumerMessage:
        """A run as Faust's stream hands it on: its value is the records, its offset and time the last one's."""
        last = records[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            0,
            None,
            None,
            cast(bytes, records),
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    def ack(self, message: Any) -> bool:
        """An acknowledgement means nothing here: `_new_offset` asks the shard."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return iter([tp for tp in self._shards.held() if topics is None or tp in topics or tp.topic in topics])

    def _new_offset(self, tp: TP) -> int | None:
        return self._shards.position(tp)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets of transactional topics have gaps by nature."""

    async def perform_seek(self) -> None:
        """Faust seeks to the group's commit after recovery and whenever it stops.

        Our positions come from the markers.
        """

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let flushes in flight end, commit what they made, then give the partitions back."""
        self.stop_flow()
        await self._shards.drain()
        await self.commit()
        await super().on_partitions_revoked(revoked)
        await self._shards.release(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Open the shards in tasks of their own: no heartbeat is sent inside this callback."""
        await super().on_partitions_assigned(assigned, generation_id)
        self._shards.assign(assigned, self)

    async def bounds(self, tps: Iterable[TP]) -> Mapping[TP, Bounds]:
        """Where partitions stand; the end is the last stable offset."""
        consumer = self._thread._ensure_consumer()  # noqa: SLF001 - Faust exposes no call for it
        wanted = [aiokafka.TopicPartition(*tp) for tp in tps]
        first = await self._thread.call_thread(consumer.beginning_offsets, wanted)
        end = await self._thread.call_thread(consumer.end_offsets, wanted)
        committed = {tp: await self._thread.call_thread(consumer.committed, tp) for tp in wanted}
        return {TP(tp.topic, tp.partition): Bounds(first[tp], end[tp], committed[tp]) for tp in wanted}

    async def seek_in_thread(self, tp: TP, offset: int) -> None:
        """Seek where the fetcher runs; from another thread it raises KeyError in the fetcher (facts.md)."""
        consumer = self._thread._ensure_consumer()  # noqa: SLF001

        async def seek() -> None:
            partition = aiokafka.TopicPartition(*tp)
            consumer.seek(partition, offset)
            # From here on a reset can only mean that the broker no longer has this offset: aiokafka would go on at the
            # first record that is left, and say nothing.
            state = consumer._subscription.subscription.assignment.state_value(partition)  # noqa: SLF001
            state.await_reset = lambda _strategy: self.loop.call_soon_threadsafe(self._shards.lost, tp)

        await self._thread.call_thread(seek)

    async def fetch_position(self, tp: TP) -> tuple[int | None, int | None]:
        """Next offset to fetch (transaction markers passed over) and the partition's last known end."""
        consumer = self._thread._ensure_consumer()  # noqa: SLF001
        partition = aiokafka.TopicPartition(*tp)

        async def read() -> tuple[int | None, int | None]:
            if partition not in consumer.assignment():
                return None, None
            async with asyncio.timeout(5):
                position = await consumer.position(partition)
            return position, consumer.last_stable_offset(partition)

        answer: tuple[int | None, int | None] = await self._thread.call_thread(read)
        return answer


class ConnectedProducer(driver.Producer):
    """Faust's own producer (it sends nothing of ours) with the worker's connection settings."""

    transport: "RunTransport"

    def _settings_default(self) -> Mapping[str, Any]:
        return {**super()._settings_default(), **self.transport.connection.client_options()}

    def _settings_auth(self) -> Mapping[str, Any]:
        return {}


class RunTransport(driver.Transport):
    """The transport to give to a Faust app."""

    Consumer: ClassVar[type[driver.Consumer]] = RunConsumer
    Producer: ClassVar[type[driver.Producer]] = ConnectedProducer

    def __init__(
        self, *args: Any, connection: KafkaConnection, shards: Shards, options: StageOptions, **kwargs: Any
    ) -> None:
        self.connection = connection
        self.shards = shards
        self.options = options
        super().__init__(*args, **kwargs)


class _Unread(dict[TP, int | None]):
    """Never remembers a read offset."""

    def __getitem__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        return None
