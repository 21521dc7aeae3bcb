"""The Faust app that hosts shards: one agent an input topic, which hands each run to its shard."""

import asyncio
import gc
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any, cast

import faust

from schemas.connections import KafkaConnection
from streams.engine.shards import Reader, ShardFactory, Shards
from streams.engine.stage import StageOptions
from streams.engine.transport import RunTransport

STOP_SECONDS = 4.0
"""Longest graceful stop: the supervisor kills after six, and the next start is exact either way."""


class Host:
    """A worker: `plan` says which shards fold which co-partitioned topics. `on_fatal` must end the process."""

    def __init__(
        self,
        *,
        group: str,
        connection: KafkaConnection,
        plan: Mapping[tuple[str, ...], ShardFactory],
        options: StageOptions,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self.shards = Shards(plan, options, on_fatal)
        self.app = faust.App(
            group,
            broker=f"kafka://{connection.bootstrap.split(',')[0]}",
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            stream_wait_empty=False,
            broker_commit_interval=options.commit_interval,
            broker_session_timeout=options.session_timeout,
            broker_heartbeat_interval=options.session_timeout / 4,
            broker_max_poll_records=options.max_run,
            consumer_auto_offset_reset="earliest",
            processing_guarantee="at_least_once",
        )
        self.app.transport = RunTransport(
            self.app.conf.broker, self.app, connection=connection, shards=self.shards, options=options
        )
        for topics in plan:
            for topic in topics:
                self._agent(topic)
        self._watchdog: asyncio.Task[None] | None = None

    def _agent(self, topic: str) -> None:
        channel = self.app.topic(topic, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw")

        async def offer(stream: AsyncIterable[Any]) -> None:
            async for run in stream:
                self.shards.offer(run)

        self.app.agent(channel, name=topic)(offer)

    async def start(self) -> None:
        """Join the group; returns once the app runs, shards open as partitions are assigned."""
        _spare_the_collector()
        self.app.finalize()
        await self.app.start()
        self._watchdog = asyncio.create_task(self.shards.watch(cast(Reader, self.app.consumer)))

    async def stop(self) -> None:
        """Finish the flushes in flight, commit, leave the group."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        consumer = self.app.consumer
        consumer.stop_flow()
        await self.shards.drain()
        await consumer.commit()
        await self.shards.close()
        await self.app.stop()

    async def stop_within(self, seconds: float = STOP_SECONDS) -> bool:
        """Stop, or give up after `seconds`, when the next start does the flush anew; whether it ended in time."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop()
        except TimeoutError:
            return False
        return True


def _spare_the_collector() -> None:
    """Look for cycles rarely: runs in flight are tens of thousands of live objects, scanned in vain.

    The defaults (700, 10, 10) cost the small job a fifth of its rate.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
