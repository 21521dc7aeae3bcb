"""What the dashboard's process shows and writes: the site of one generation, and a sink for it and for each rebuild.

When the pointer moves, the site of the new generation is made ready beside the old one, on the same listening socket,
and takes over: no request is refused meanwhile, and live clients are told to begin again.
"""

import asyncio
import socket
import time
from collections.abc import Callable

import structlog
from aiohttp import web
from aiokafka.errors import KafkaError

from dashboard import app
from deploy import belonging
from deploy.settings import Settings
from deploy.topics import Registry, follow
from schemas.topics import Namespace
from store import Store
from streams.engine.ending import end_process
from streams.engine.errors import InputLost
from streams.engine.host import Host
from streams.sink.agent import build_sink
from streams.sink.writer import SinkWriter

Observe = Callable[[object], None]

READY_SECONDS = 30.0
"""How long the old site stays while the new one has not read its first figures."""

AGAIN_SECONDS = 30.0
"""Pause before the sink of a rebuild that failed is tried again."""


class Showing:
    """The sites and sinks of a process. `store` is open and migrated; whoever gave it closes it after `close`."""

    def __init__(self, settings: Settings, store: Store, *, observe: Observe, metrics: Callable[[], str]) -> None:
        self._kafka = settings.kafka_connection
        self._store = store
        self._observe = observe
        self._metrics = metrics
        host, port = settings.http_host, settings.http_port
        self._socket = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128
        )
        self._shown: Namespace | None = None
        self._runner: web.AppRunner | None = None
        self._sinks: dict[Namespace, Host] = {}
        self._wanted: set[Namespace] = set()
        self._failing: set[asyncio.Task[None]] = set()

    async def show(self, namespace: Namespace) -> None:
        """Show `namespace` from now on, and write it."""
        before = self._runner
        site = app.build(
            store=self._store, kafka=self._kafka, namespace=namespace, observe=self._observe, metrics=self._metrics
        )
        runner = web.AppRunner(site, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        if before is not None:
            deadline = time.monotonic() + READY_SECONDS
            while site[app.PARTS].hub.snapshot is None and time.monotonic() < deadline:  # noqa: ASYNC110 - another task
                await asyncio.sleep(0.05)
        await web.SockSite(runner, self._socket.dup()).start()
        self._shown, self._runner = namespace, runner
        self._wanted.add(namespace)
        if before is not None:
            await before.cleanup()
        await self._write(namespace)

    async def follow(self, known: Registry) -> None:
        """Show what the pointer names and write every rebuild, from `known` on, until cancelled."""
        await self._heed(known)
        async for registry in follow(self._kafka):
            await self._heed(registry)

    async def _heed(self, known: Registry) -> None:
        now = known.generations.get(known.current or "")
        if now is not None and Namespace(now.name, now.raw) != self._shown:
            structlog.stdlib.get_logger("deploy").info("another generation is shown", generation=now.name)
            await self.show(Namespace(now.name, now.raw))
        building = {Namespace(one.name, one.raw) for one in known.generations.values() if one.building}
        self._wanted = building if self._shown is None else building | {self._shown}
        for namespace in building:
            await self._write(namespace)
        for namespace in set(self._sinks) - self._wanted:
            await self._sinks.pop(namespace).stop()

    async def _write(self, namespace: Namespace) -> None:
        if namespace in self._sinks:
            return
        try:
            await belonging.settle(self._kafka, self._store, namespace)
        except (InputLost, KafkaError, OSError) as error:
            self._failed(namespace, error)
            return
        writer = SinkWriter(self._store, raw=namespace.raw, observe=self._observe)
        sink = build_sink(self._kafka, namespace, writer, lambda error: self._failed(namespace, error))
        self._sinks[namespace] = sink
        await sink.start()

    def _failed(self, namespace: Namespace, error: BaseException) -> None:
        """End the process when what is shown cannot be written; a rebuild that fails harms nobody else."""
        if namespace == self._shown:
            end_process(error)
        structlog.stdlib.get_logger("deploy").error(
            "the sink of a rebuild failed", generation=namespace.generation, reason=str(error)
        )
        task = asyncio.create_task(self._again(namespace))
        self._failing.add(task)
        task.add_done_callback(self._failing.discard)

    async def _again(self, namespace: Namespace) -> None:
        await asyncio.sleep(AGAIN_SECONDS)
        if (failed := self._sinks.pop(namespace, None)) is not None:
            await failed.stop()
        if namespace in self._wanted:
            await self._write(namespace)

    async def close(self) -> bool:
        """Stop the site, then every sink after the write in flight; whether all of them ended in time."""
        for task in list(self._failing):
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        ended = await asyncio.gather(*(sink.stop_within() for sink in self._sinks.values()))
        self._socket.close()
        return all(ended)
