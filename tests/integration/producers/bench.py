"""What tests of the producers stand on: a portal on loopback, producers that follow it, and what reached Kafka."""

import asyncio
import hashlib
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition

from producers.app import Producers, build
from schemas.connections import KafkaConnection
from schemas.messages import Posting, Rejected, SourceStatus
from schemas.topics import Namespace

PROCESS = """
import asyncio, sys, time
from pathlib import Path
from producers.app import build
from producers.facts import HostsAssigned
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
folder, bootstrap, name, contact = sys.argv[1:]
def observe(fact):
    if isinstance(fact, HostsAssigned):
        with Path(folder, f"{contact}.assigned").open("a") as told:
            told.write(f"{time.monotonic()}\\n")
producers = build(sources_dir=Path(folder, "sources"), data_dir=Path(folder), kafka=KafkaConnection(bootstrap),
                  namespace=Namespace(name, name), observe=observe, contact=contact, scan_every=0.1)
asyncio.run(producers.run())
"""


@dataclass
class Portal:
    """Serves `pages` by path with an ETag; counts requests, and those answered 304; `faults` are answered first.

    Requests for robots.txt are counted by themselves.
    """

    address: str = ""
    pages: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[web.Response]] = field(default_factory=dict)
    requests: list[tuple[float, str]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    robots: int = 0
    unchanged: int = 0
    delay: float = 0.0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.agents.append(request.headers.get("User-Agent", ""))
        if request.path == "/robots.txt":
            self.robots += 1
        else:
            self.requests.append((asyncio.get_running_loop().time(), request.path_qs))
        await asyncio.sleep(self.delay)
        if waiting := self.faults.get(request.path):
            return waiting.pop(0)
        body = self.pages.get(request.path_qs)
        if body is None:
            return web.Response(status=404)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            self.unchanged += 1
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, headers={"ETag": etag})

    def asked(self, path: str) -> int:
        """How many requests there were for `path`."""
        return sum(asked == path for _, asked in self.requests)


@dataclass
class Bench:
    """A data directory, its sources, and the topics of a namespace."""

    folder: Path
    kafka: KafkaConnection
    namespace: Namespace
    facts: list[object] = field(default_factory=list)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    running: list[tuple[Producers, asyncio.Task[None]]] = field(default_factory=list)

    @property
    def sources(self) -> Path:
        """The folder of source files."""
        return self.folder / "sources"

    def connect(self, name: str, text: str) -> None:
        """Write a source file, polled five times a second without a limit that a test would feel."""
        self.sources.mkdir(exist_ok=True)
        head = f'name = "{name}"\ninterval = 0.2\nrequests_per_second = 1000\nallow_loopback = true\n'
        (self.sources / f"{name}.toml").write_text(head + text, "utf-8")

    async def start(self) -> Producers:
        """Start producers over the data directory."""
        producers = build(
            sources_dir=self.sources,
            data_dir=self.folder,
            kafka=self.kafka,
            namespace=self.namespace,
            observe=self.facts.append,
            scan_every=0.1,
        )
        await self.run(producers)
        return producers

    async def run(self, producers: Producers) -> None:
        """Run producers until the test ends."""
        self.running.append((producers, asyncio.create_task(producers.run())))

    async def process(self, contact: str = "") -> asyncio.subprocess.Process:
        """Start producers over the data directory as a process of their own, which `contact` tells apart."""
        arguments = (str(self.folder), self.kafka.bootstrap, self.namespace.generation, contact)
        made = await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, *arguments)
        self.processes.append(made)
        return made

    def assigned(self, contact: str) -> list[float]:
        """When the group gave hosts to a process, seconds on the loop's clock."""
        return [float(line) for line in (self.folder / f"{contact}.assigned").read_text().split()]

    async def stop(self) -> None:
        """Stop every one, and see that it ends well; a process is killed."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        self.processes.clear()
        for producers, task in self.running:
            await producers.stop()
            async with asyncio.timeout(180):
                await task
        self.running.clear()

    async def records(self, topic: str) -> list[tuple[bytes | None, bytes]]:
        """Every record of a topic, partition after partition."""
        name = self.namespace.topic(topic)
        consumer = AIOKafkaConsumer(
            **self.kafka.client_options(), fetch_max_wait_ms=50, isolation_level="read_committed"
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
            if not partitions:
                await consumer._client._wait_on_metadata(name)
                partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(partitions)
            found: list[tuple[bytes | None, bytes]] = []
            for partition in partitions:
                while await consumer.position(partition) < ends[partition]:
                    run = await consumer.getmany(partition, timeout_ms=1000)
                    found += [(record.key, record.value) for record in run.get(partition, [])]
            return found
        finally:
            await consumer.stop()

    async def postings(self) -> list[Posting]:
        """The sightings in the raw topic, heartbeats left out."""
        records = await self.records("postings-raw")
        found = [(key, msgspec.json.decode(value, type=Posting)) for key, value in records if key is not None]
        assert all(key == f"{posting.source}\t{posting.id}".encode() for key, posting in found)
        return [posting for _, posting in found]

    async def rejects(self) -> list[Rejected]:
        """What was rejected."""
        return [msgspec.json.decode(value, type=Rejected) for _, value in await self.records("postings-rejected")]

    async def statuses(self) -> list[SourceStatus]:
        """How the sources were doing, in order."""
        return [msgspec.json.decode(value, type=SourceStatus) for _, value in await self.records("source-status")]


async def until(claim: Callable[[], Awaitable[bool] | bool], seconds: float = 180) -> None:
    """Wait until `claim` holds, `seconds` at most."""
    async with asyncio.timeout(seconds):
        while True:
            held = claim()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.05)
