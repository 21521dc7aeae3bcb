"""The producers' process: the sources of its hosts followed, new source files picked up while it runs.

Hosts are shared with the other processes (`producers.hosts`); each source of one's own is followed by a task
(`producers.agent`).
"""

import asyncio
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.errors import KafkaError

from producers import checkpoint
from producers.agent import Follower
from producers.checkpoint import Page, Saver
from producers.facts import HostsLost, KafkaUnavailable, SourceChanged
from producers.file.parse import format_of
from producers.file.publish import feed
from producers.file.read import Unreadable
from producers.hosts.agent import Hosts
from producers.hosts.rows import host_of
from producers.hosts.writer import Lost, Writer
from producers.publish import Publisher
from producers.sources import PAUSED, RESET, FileSource, Source, read
from producers.web.fetch import Clock, Web, utc_now
from schemas.connections import KafkaConnection
from schemas.messages import Side
from schemas.topics import Namespace

Observe = Callable[[object], None]


def build(  # noqa: PLR0913 (the composition root's arguments)
    *,
    sources_dir: Path,
    data_dir: Path,
    kafka: KafkaConnection,
    namespace: Namespace,
    observe: Observe,
    contact: str = "",
    pseudonym_key: bytes = b"",
    clock: Clock = utc_now,
    scan_every: float = 2.0,
    heartbeat_every: float = 3600.0,
) -> "Producers":
    """Return the producers of a data directory, not yet running; seconds for `scan_every` and `heartbeat_every`.

    `contact` is whom the hosts can write to, `pseudonym_key` what makes job seekers' identities pseudonyms.
    """
    return Producers(
        sources_dir=sources_dir,
        data_dir=data_dir,
        kafka=kafka,
        namespace=namespace,
        contact=contact,
        pseudonym_key=pseudonym_key,
        observe=observe,
        clock=clock,
        scan_every=scan_every,
        heartbeat_every=heartbeat_every,
    )


@dataclass
class _Partition:
    """A partition of hosts that is this process's: its writer, once it is open, and the sources that are followed."""

    writer: Writer
    opening: asyncio.Task[None]
    following: dict[str, tuple[Source, asyncio.Task[None]]] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return self.opening.done() and not self.gone

    @property
    def gone(self) -> bool:
        return self.writer.lost or (self.opening.done() and self.opening.exception() is not None)


class Producers:
    """Runs a task a source until stopped. While `<data_dir>/paused` exists, no source is asked for anything."""

    def __init__(  # noqa: PLR0913
        self,
        *,
        sources_dir: Path,
        data_dir: Path,
        kafka: KafkaConnection,
        namespace: Namespace,
        contact: str,
        pseudonym_key: bytes,
        observe: Observe,
        clock: Clock,
        scan_every: float,
        heartbeat_every: float,
    ) -> None:
        self._sources_dir = sources_dir
        self._spools = data_dir / "spool"
        self._spool = self._spools / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._paused = data_dir / "paused"
        self._kafka = kafka
        self._namespace = namespace
        self._publisher = Publisher(kafka=kafka, namespace=namespace, observe=observe, clock=clock)
        self._hosts = Hosts(kafka=kafka, namespace=namespace, observe=observe)
        self._web = Web(observe=observe, clock=clock, contact=contact, permit=self._permit)
        self._key = pseudonym_key
        self._observe = observe
        self._clock = clock
        self._scan_every = scan_every
        self._heartbeat_every = heartbeat_every
        self._partitions: dict[int, _Partition] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Follow the sources of this process's hosts until `stop`.

        Raises OSError when the data directory cannot be written.
        """
        _sweep(self._spools)
        self._spool.mkdir(parents=True, exist_ok=True)
        await self._web.open()
        joining = asyncio.create_task(self._hosts.start())
        beating = asyncio.create_task(self._beat())
        try:
            await self._watch(joining, beating)
        finally:
            beating.cancel()
            joining.cancel()
            await asyncio.gather(beating, joining, return_exceptions=True)
            await asyncio.gather(*map(self._leave, list(self._partitions)))
            await asyncio.gather(self._hosts.stop(), self._web.close(), self._publisher.close())
            shutil.rmtree(self._spool, ignore_errors=True)

    async def stop(self) -> None:
        """Make `run` return, within about five seconds."""
        self._stopping.set()

    async def _permit(self, source: Source) -> None:
        """Return while a source's host is ours. One that is lost is never permitted: its task is cancelled."""
        partition = self._hosts.partition_of(host_of(source))
        while not self._hosts.held(partition):  # noqa: ASYNC110 (what it waits for is mostly the clock)
            await asyncio.sleep(0.05)

    async def _watch(self, joining: asyncio.Task[None], beating: asyncio.Task[None]) -> None:
        """Start, restart and stop sources as their files and hosts come and go. Raises what a task ended with."""
        told: dict[str, str] = {}
        while not self._stopping.is_set():
            now = await asyncio.to_thread(read, self._sources_dir)
            for name, problem in now.wrong.items():
                if told.get(name) != problem:
                    self._observe(SourceChanged(name, "wrong", problem))
            told = now.wrong
            if joining.done():
                joining.result()
                await self._tend(now.found)
            if beating.done():
                beating.result()
            await self._sleep(self._scan_every)

    async def _tend(self, found: dict[str, Source]) -> None:
        """Follow what is ours, and nothing else."""
        given = self._hosts.ours
        by_partition: dict[int, dict[str, Source]] = {}
        for name, source in found.items():
            by_partition.setdefault(self._hosts.partition_of(host_of(source)), {})[name] = source
        for number, partition in list(self._partitions.items()):
            if partition.gone or (given is not None and number not in given):
                self._observe(HostsLost(number))
                await self._leave(number)
        for number in by_partition:
            if number not in self._partitions and self._hosts.held(number):
                self._enter(number)
        for number, partition in self._partitions.items():
            if partition.ready:
                await self._follow(partition, by_partition.get(number, {}))

    def _enter(self, number: int) -> None:
        writer = Writer(
            kafka=self._kafka,
            namespace=self._namespace,
            partition=number,
            held=lambda: self._hosts.held(number),
            observe=self._observe,
        )
        self._partitions[number] = _Partition(writer, asyncio.create_task(self._open(writer)))

    async def _open(self, writer: Writer) -> None:
        """Open a partition. Raises Lost, for whatever reason it cannot be: it is tried again at the next look."""
        try:
            await writer.open()
        except (KafkaError, OSError, TimeoutError) as error:
            cause = f"{type(error).__name__} {error}".strip()
            self._observe(KafkaUnavailable(self._kafka.bootstrap, cause, self._scan_every))
            raise Lost from error

    async def _leave(self, number: int) -> None:
        """Follow none of a partition's sources any longer."""
        partition = self._partitions.pop(number)
        tasks = [task for _, task in partition.following.values()]
        for task in (*tasks, partition.opening):
            task.cancel()
        await asyncio.gather(*tasks, partition.opening, return_exceptions=True)
        await partition.writer.close()

    async def _follow(self, partition: _Partition, found: dict[str, Source]) -> None:
        """Start, restart and stop the sources of a partition as their files say. Raises what a task ended with."""
        following = partition.following
        for name in list(following):
            # A reset is taken up at the beginning: it does not wait for the next poll, which may be hours away.
            if found.get(name) != following[name][0] or (self._sources_dir / f"{name}{RESET}").exists():
                _, task = following.pop(name)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                self._observe(SourceChanged(name, "restarted" if name in found else "stopped"))
        for name, source in found.items():
            if name not in following:
                follower = Follower(
                    source,
                    writer=partition.writer,
                    ledger=partition.writer.ledgers.of(name),
                    web=self._web,
                    spool=self._spool,
                    paused=(self._paused, self._sources_dir / f"{name}{PAUSED}"),
                    reset=self._sources_dir / f"{name}{RESET}",
                    observe=self._observe,
                    clock=self._clock,
                    key=self._key,
                )
                following[name] = (source, asyncio.create_task(follower.run(), name=f"source {name}"))
                self._observe(SourceChanged(name, "started"))
        for _, task in following.values():
            if task.done():
                task.result()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _beat(self) -> None:
        """Move the log clock of idle raw partitions while a live source is followed; an archive's clock is its own."""
        while True:
            followed = [source for one in self._partitions.values() for source, _ in one.following.values()]
            if any(not (isinstance(source, FileSource) and source.archive) for source in followed):
                await self._publisher.heartbeat()
                await asyncio.sleep(self._heartbeat_every)
            else:
                await asyncio.sleep(self._scan_every)


def _sweep(spools: Path) -> None:
    """Remove what processes that are no more have left in the spool."""
    for left in spools.glob("*"):
        pid = left.name.partition("-")[0]
        if pid.isdigit() and Path("/proc", pid).exists():
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


async def run_archive(  # noqa: PLR0913 (the composition root's arguments)
    path: Path,
    *,
    source: str,
    kafka: KafkaConnection,
    namespace: Namespace,
    checkpoint_path: Path,
    observe: Observe,
    rate: float | None = None,
    side: Side = "offer",
    clock: Clock = utc_now,
    pseudonym_key: bytes = b"",
) -> int:
    """Deliver one archive (NDJSON or CSV, plain or .gz) in the order of its own time, from where its checkpoint stands.

    `source` and `side` hold for rows that state none; `rate` is sightings a second, None as fast as they are taken.
    Returns the sightings delivered by this call: 0 when the checkpoint says that it is done. Raises Unreadable for
    a file that cannot be read. A changed file is delivered anew.
    """
    archive = FileSource(name=source, side=side, path=str(path), archive=True)
    saver = Saver(checkpoint_path, await asyncio.to_thread(checkpoint.read, checkpoint_path, observe))
    version = await asyncio.to_thread(_digest, path)
    memory = saver.checkpoint
    page = memory.pages.get(path.name, Page(done=False))
    if page.version != version:
        page = Page(version=version, done=False)
    if page.done:
        return 0

    async def settle(reached: Page) -> None:
        memory.pages[path.name] = reached
        await saver.due()

    publisher = Publisher(kafka=kafka, namespace=namespace, observe=observe, clock=clock)
    try:
        reached = await feed(
            path,
            format_of(path.name) or "ndjson",
            source=archive,
            page=page,
            publisher=publisher,
            settle=settle,
            spool=checkpoint_path.parent / "spool",
            rate=rate,
            observe=observe,
            key=pseudonym_key,
        )
    finally:
        await saver.now()
        await publisher.close()
    return reached.line - page.line


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error
