"""`marsad up --replay`: an archive through the whole of Marsad, in a generation and a raw topic of its own.

The account of it.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from aiokafka.errors import KafkaError
from rich.console import Console

from deploy import belonging, reconcile, tables
from deploy.datadir import DataDir, exclusive
from deploy.errors import DeployError
from deploy.markers import Progress, Readback
from deploy.processes import pseudonym_key, stop_signal
from deploy.recount import Recount, recount
from deploy.settings import Settings, environment_with
from deploy.supervision import Policy, Stop
from deploy.supervisor import Child, ChildHeld, ChildStarted, Event, Supervisor
from deploy.up import announce, foundations
from producers.app import run_archive
from producers.file.fetch import ordered
from producers.file.parse import format_of
from producers.file.read import Unreadable
from producers.sources import FileSource
from schemas.topics import Namespace
from streams.engine.errors import InputLost
from streams.enrich.enricher import Enricher
from streams.sink.agent import TOPICS as SINK_TOPICS

POLICY = Policy(longest_pause=5.0)


@dataclass(frozen=True)
class ReplayOptions:
    """What to feed, how fast (sightings a second.

    None: as fast as taken), and what to do when all of it has arrived.
    """

    archive: Path
    until_drained: bool
    report: Path | None
    rate: float | None


def settings_for(settings: Settings, archive: Path) -> Settings:
    """Settings of the archive's own generation: the one that is named, else `replay-` and the file's name."""
    name = settings.generation
    if name == Settings.model_fields["generation"].default:
        stem = archive.name.split(".", 1)[0].lower()
        name = f"replay-{re.sub('[^a-z0-9]+', '-', stem).strip('-')}"[:60]
    return settings.model_copy(update={"generation": name, "raw": name})


async def replay(settings: Settings, data: DataDir, console: Console, options: ReplayOptions) -> bool:
    """Feed the archive and wait until every sighting is in the store or rejected; whether it all balances.

    Without `until_drained` the wall goes on until Ctrl-C. Raises DeployError where it cannot start or read the archive.
    """
    if format_of(options.archive.name) is None or not options.archive.is_file():
        raise DeployError(f"{options.archive} is no NDJSON or CSV file")
    settings = settings_for(settings, options.archive)
    began = time.monotonic()
    stop = stop_signal()
    with exclusive(data):
        run = _Replay(settings, data, console, options)
        work = asyncio.create_task(run.until_drained())
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([work, asked], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return False
            work.result()
            if not options.until_drained:
                await stop.wait()
                return True
            report = await run.account(began)
        finally:
            asked.cancel()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await run.supervisor.stop(Stop())
    console.print_json(report.as_json())
    if options.report is not None:
        options.report.write_text(report.as_json() + "\n", "utf-8")
    return report.balanced


class _Replay:
    def __init__(self, settings: Settings, data: DataDir, console: Console, options: ReplayOptions) -> None:
        self._settings = settings
        self._data = data
        self._console = console
        self._options = options
        self._say = announce(console)
        self._pids: dict[int, str] = {os.getpid(): "replay"}
        self._peaks: dict[str, int] = {}
        self._held: str | None = None
        self.supervisor = Supervisor(data.logs, data.stopped, self._observe, POLICY)

    def _observe(self, event: Event) -> None:
        if isinstance(event, ChildStarted):
            self._pids[event.pid] = event.name
        if isinstance(event, ChildHeld):
            self._held = f"{event.name}: {event.message}"
        self._say(event)

    @property
    def _namespace(self) -> Namespace:
        return self._settings.namespace

    async def until_drained(self) -> None:
        """Start what is needed, feed, and wait."""
        settings = self._settings
        await foundations(settings, self._data, self._console, self.supervisor)
        await self._settle()  # else a store named anew would seem to have everything until its sink looked
        variables = environment_with(generation=settings.generation, raw=settings.raw)
        for name in ("streams", "dashboard"):
            self.supervisor.start(Child(name, [sys.executable, "-m", "deploy.cli", "run", name], variables))
        watch = asyncio.create_task(self._watch())
        try:
            delivered = await self._feed()
            self._console.print(f"{delivered} sightings delivered now; waiting until all are in the store or rejected")
            while lag := await self._lag():
                if self._held:
                    raise DeployError(f"stopped before the end: {self._held}")
                self._console.print(f"  lag {lag}", highlight=False)
                await asyncio.sleep(1.0)
        finally:
            watch.cancel()

    async def _settle(self) -> None:
        store, _ = await asyncio.to_thread(tables.open_store, self._settings, self._data, self._console.print)
        try:
            await belonging.settle(self._settings.kafka_connection, store, self._namespace)
        except InputLost as error:
            raise DeployError(str(error)) from error
        finally:
            await asyncio.to_thread(store.close)

    async def _feed(self) -> int:
        delivered = 0
        while True:
            try:
                return delivered + await run_archive(
                    self._options.archive,
                    source=self._settings.generation,
                    kafka=self._settings.kafka_connection,
                    namespace=self._namespace,
                    checkpoint_path=self.checkpoint,
                    observe=lambda _fact: None,
                    rate=self._options.rate,
                    pseudonym_key=pseudonym_key(self._settings, self._data),
                )
            except KafkaError as error:
                self._console.print(f"Kafka is away ({error}); going on from the checkpoint")
                await asyncio.sleep(1.0)
            except Unreadable as error:
                raise DeployError(str(error)) from error

    @property
    def checkpoint(self) -> Path:
        """Where the connector's checkpoint of this archive is; without it everything is delivered again."""
        return self._data.checkpoints / f"{self._settings.generation}.json"

    async def _lag(self) -> int:
        """Records not yet through every stage and in the store.

        Stages in the order of the flow, so that 0 means done.
        """
        topic = self._namespace.topic
        try:
            async with Readback(self._settings.kafka_connection, self._namespace) as readback:
                behind: list[Progress] = []
                behind += await readback.stage_progress("ads", {topic("postings-raw"): "postings-raw"})
                behind += await readback.stage_progress("market", {topic("postings-enriched"): "postings-enriched"})
                behind += await readback.group_progress("sink", SINK_TOPICS)
        except (KafkaError, OSError):
            return -1
        return sum(progress.lag for progress in behind)

    async def _watch(self) -> None:
        """Keep each process's greatest resident memory, also of those that die."""
        while True:
            for pid, name in list(self._pids.items()):
                peak = _peak_mb(pid)
                if peak is not None:
                    self._peaks[name] = max(self._peaks.get(name, 0), peak)
            await asyncio.sleep(0.5)

    async def account(self, began: float) -> reconcile.Report:
        """Read everything back, with the store's process stopped: the embedded store belongs to one at a time."""
        topics = await reconcile.from_topics(self._settings.kafka_connection, self._namespace)
        await self.supervisor.stop(Stop())
        return await asyncio.to_thread(self._judge, topics, began)

    def _judge(self, topics: reconcile.FromTopics, began: float) -> reconcile.Report:
        store, _ = tables.open_store(self._settings, self._data, self._console.print)
        try:
            stored = reconcile.from_store(store, self._settings.generation)
        finally:
            store.close()
        by_file = reconcile.by_columns(self._options.archive, stored.unmerged)
        peaks: Mapping[str, int] = {**self._peaks, "replay": _peak_mb(os.getpid()) or 0}
        key = pseudonym_key(self._settings, self._data)
        offline = recount_archive(self._options.archive, self._settings.generation, self._data.taxonomies, key)
        return reconcile.judge(topics, stored, offline, by_file, time.monotonic() - began, peaks)


def recount_archive(archive: Path, source: str, taxonomies: Path | None = None, key: bytes = b"") -> Recount:
    """Recount an archive file as its replay delivers it, coded with imported `taxonomies` too.

    `key` makes its job seekers the same pseudonyms.
    """
    described = FileSource(name=source, side="offer", path=str(archive), archive=True)
    with tempfile.TemporaryDirectory() as spool:
        form = format_of(archive.name) or "ndjson"
        sightings = ordered(archive, form, source=described, spool=Path(spool), key=key)
        return recount(sightings, Enricher.load(taxonomies), datetime.now(UTC))


def _peak_mb(pid: int) -> int | None:
    """Greatest resident memory of a live process, in MB."""
    try:
        process = psutil.Process(pid)
        with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123 - no file, but the kernel
            peak = next((line for line in status if line.startswith("VmHWM:")), None)
        return int(peak.split()[1]) // 1024 if peak else process.memory_info().rss // 2**20
    except (psutil.Error, OSError):
        return None
