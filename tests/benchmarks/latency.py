"""`marsad bench latency`: from a posting's acknowledgement by the broker to its event on the SSE stream.

The stream worker and the dashboard (sink, store and live feed) run as they do in `marsad up`, each a process. In a flow
of real-shaped postings at each rate, probes are sent that are each alone in a cell of its own: an occupation, a region
and a minute that nothing else falls into. The event of that cell is the probe's; a missing one counts as infinite.

Beside the waits stands the processor time that each process took a posting: on a machine that others use, only that can
be compared.
"""

import asyncio
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import aiohttp
import msgspec
import psutil
from aiokafka import AIOKafkaProducer

from deploy import topics
from deploy.market.vocabulary import Vocabulary
from schemas.connections import KafkaConnection
from schemas.messages import Posting
from schemas.topics import Namespace
from streams.enrich.enricher import Enricher
from tests.benchmarks import lab, market, postings

Cell = tuple[str, str, int]
WARM_SECONDS = 5.0
START_SECONDS = 90.0
PATIENCE = 15.0
PROBES_A_SECOND = 25
PROCESSES = ("broker", "streams", "dashboard", "load and client")
LINGER_MS = 20
"""How long postings wait for others of their partition before they are sent (some ten at 500 a second).

Producers write whole fetches, hundreds of postings: sent within 5 ms, the load alone cost a quarter of the machine.
"""


class Shown(msgspec.Struct, gc=False):
    """What is read of an event's data: which cell it is."""

    isco: str
    region: str
    start: datetime


class Flowing(NamedTuple):
    """A posting made ahead of the flow: its place, and its value before and after the moment that it shows."""

    key: bytes
    partition: int
    head: bytes
    tail: bytes

    def value(self, now: float) -> bytes:
        """As it is sent at `now`."""
        return self.head + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)).encode() + self.tail


def made(posting: Posting) -> Flowing:
    """Encode a posting but for its moment."""
    stamp = b"1970-01-01T00:00:00Z"
    value = msgspec.json.encode(msgspec.structs.replace(posting, observed_at=datetime.fromtimestamp(0, UTC)))
    head, _, tail = value.partition(stamp)
    key = f"{posting.source}\t{posting.id}".encode()
    return Flowing(key, crc32(key) % market.PARTITIONS, head, tail)


def probes(count: int, now: float, run: str) -> Iterator[tuple[Cell, Posting]]:
    """Postings whose cells are their own: occupation and region as the enricher reads them, minutes that are past."""
    enrich = Enricher.load()
    vocabulary = Vocabulary.load()
    cities = {city.region: city.fr for city in vocabulary.cities}
    kinds: dict[tuple[str, str], tuple[str, str]] = {}
    for occupation in vocabulary.occupations:
        for city in cities.values():
            title = occupation.titles["fr"][0]
            facts, _ = enrich(_probe("x", title, city, now, ""))
            if facts.isco and len(facts.regions) == 1:
                kinds.setdefault((facts.isco, facts.regions[0]), (title, city))
    draw = random.Random(run)
    words = [word for employer in vocabulary.employers for word in employer.split()]
    minute = int(now) // 60 * 60 - 300
    cells = ((isco, region, minute - 60 * n) for n in range(10_000) for isco, region in kinds)
    made = 0
    for n, cell in enumerate(cells):
        title, city = kinds[cell[0], cell[1]]
        text = " ".join(draw.choices(words, k=40))
        probe = _probe(f"{run}-{n}", title, city, cell[2] + 7, text)
        facts, _ = enrich(probe)
        if (facts.isco, facts.regions) != (cell[0], (cell[1],)):
            continue  # a doubtful title's text is asked as well, and chance words said something else
        yield cell, probe
        made += 1
        if made == count:
            return


def _probe(name: str, title: str, city: str, at: float, text: str) -> Posting:
    return Posting(
        source="probe",
        id=name,
        side="offer",
        observed_at=datetime.fromtimestamp(int(at), UTC),
        title=title,
        company=f"Employeur {name}",
        city=city,
        description=text,
    )


class Stack:
    """The processes of `marsad up` that a posting passes through, in a data directory of their own."""

    def __init__(self, connection: KafkaConnection, namespace: Namespace, folder: Path) -> None:
        http, first, second = lab.free_ports(3)
        self.stream = f"http://127.0.0.1:{http}/stream?events=market-counts"
        self._folder = folder
        self._environment = {
            **os.environ,
            "MARSAD_DATA_DIR": str(folder / "data"),
            "MARSAD_KAFKA": connection.bootstrap,
            "MARSAD_GENERATION": namespace.generation,
            "MARSAD_RAW": namespace.raw,
            "MARSAD_CLICKHOUSE": "",
            "MARSAD_HTTP_PORT": str(http),
            "MARSAD_STREAMS_METRICS_PORT": str(first),
            "MARSAD_PRODUCERS_METRICS_PORT": str(second),
            "MARSAD_LOG_LEVEL": "warning",
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Migrate the store, then start the worker and the dashboard."""
        command = [sys.executable, "-m", "deploy.cli"]
        migrate = [*command, "migrate", "--quiet"]
        subprocess.run(migrate, env=self._environment, cwd=lab.ROOT, check=True, stdout=sys.stderr)
        for name in ("streams", "dashboard"):
            with (self._folder / f"{name}.log").open("wb") as log:
                self._running.append(
                    subprocess.Popen(
                        [*command, "run", name], env=self._environment, cwd=lab.ROOT, stdout=log, stderr=log
                    )
                )

    def check(self) -> None:
        """Raises SystemExit when a process has ended."""
        for name, process in zip(("streams", "dashboard"), self._running, strict=True):
            if process.poll() is not None:
                said = (self._folder / f"{name}.log").read_text("utf-8")[-2000:]
                raise SystemExit(f"{name} ended with {process.returncode}: {said}")

    def stop(self) -> None:
        """End both."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Listener:
    """A client of the live stream that notes when each awaited cell first came."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._decode = msgspec.json.Decoder(Shown).decode
        self.seen: dict[Cell, float] = {}
        self.ready = asyncio.Event()
        self.resets = self.events = 0

    async def run(self) -> None:
        """Listen until cancelled; begin again when told so."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
            while True:
                try:
                    async with session.get(self._url, read_bufsize=1 << 20) as response:
                        if response.status == 200:
                            await self._read(response)
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.2)

    async def _read(self, response: aiohttp.ClientResponse) -> None:
        """Take what came at once apart in one go: thousands of lines a second, each awaited, would load the machine."""
        rest = b""
        async for chunk in response.content.iter_any():
            now = time.time()
            *events, rest = (rest + chunk).split(b"\n\n")
            for event in events:
                head, _, data = event.partition(b"\ndata: ")
                if b"event: market-counts" in head:
                    self.events += 1
                    if b'"grain":"minute"' in data:
                        shown = self._decode(data)
                        self.seen.setdefault((shown.isco, shown.region, int(shown.start.timestamp())), now)
                elif b"event: " in head:
                    self.resets += b"event: reset" in head
                    self.ready.set()


class Due(NamedTuple):
    """A posting of the flow: a probe with its cell and its moment, or one of now."""

    posting: Flowing
    cell: Cell | None = None
    observed: float | None = None


def drawn(rate: int, given: Iterator[Posting], asked: Sequence[tuple[Cell, Posting]]) -> list[Due]:
    """The flow in its order: postings of now, and after `WARM_SECONDS` the probes among them.

    They are encoded before they flow, so that the flow takes as little of the machine as it can.
    """
    share = min(1.0, PROBES_A_SECOND / rate)
    total = math.ceil(len(asked) / share) + int(WARM_SECONDS * rate)
    waiting, found, due = iter(asked), list[Due](), 0.0
    for number in range(total):
        due += share if number >= WARM_SECONDS * rate else 0.0
        probe = next(waiting, None) if due >= 1.0 - 1e-6 else None  # shares of one do not add up to one exactly
        if probe is None:
            found.append(Due(made(next(given))))
        else:
            due -= 1.0
            cell, posting = probe
            found.append(Due(made(posting), cell, posting.observed_at.timestamp()))
    return found


async def flow(producer: AIOKafkaProducer, topic: str, rate: int, drawn: Sequence[Due]) -> dict[Cell, float]:
    """Send `rate` a second; when each probe was acknowledged."""
    acknowledged: dict[Cell, float] = {}
    began = time.monotonic()
    sent: list[asyncio.Future[Any]] = []
    for number, (posting, cell, observed) in enumerate(drawn):
        future = await _send(producer, topic, posting, observed or time.time())
        if cell is not None:
            future.add_done_callback(lambda _done, cell=cell: acknowledged.setdefault(cell, time.time()))
        sent.append(future)
        ahead = began + number / rate - time.monotonic()
        if ahead > 0:
            await asyncio.sleep(ahead)
    await asyncio.gather(*sent)
    return acknowledged


async def _work(
    producer: AIOKafkaProducer, topic: str, stack: Stack, listener: Listener, given: Iterator[Posting]
) -> None:
    """Send a posting now and then until the first event comes: the worker has opened its partitions."""
    until = time.monotonic() + START_SECONDS
    while not listener.events:
        stack.check()
        if time.monotonic() > until:
            raise SystemExit(f"no event on the stream {START_SECONDS:.0f} s after the processes were started")
        await (await _send(producer, topic, made(next(given)), time.time()))
        await asyncio.sleep(0.5)


async def _send(producer: AIOKafkaProducer, topic: str, flowing: Flowing, now: float) -> "asyncio.Future[Any]":
    future: asyncio.Future[Any] = await producer.send(
        topic, flowing.value(now), key=flowing.key, partition=flowing.partition
    )
    return future


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that is not below so large a share of them."""
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def processor_time() -> dict[str, float]:
    """Seconds of processor time so far by process: broker, streams, dashboard (with the store), load and client."""
    mine = psutil.Process()
    spent = {"load and client": sum(mine.cpu_times()[:2])}
    for child in mine.children(recursive=True):
        command = child.cmdline()
        name = "broker" if "kafka.Kafka" in command else command[-1]
        spent[name] = spent.get(name, 0.0) + sum(child.cpu_times()[:2])
    return spent


async def measure(connection: KafkaConnection, folder: Path, options: Any) -> dict[int, dict[str, Any]]:  # noqa: ANN401
    """Latencies in milliseconds and processor time at each rate; the stack runs through."""
    name = lab.unique("bench")
    namespace = Namespace(name, name)
    await topics.ensure(connection, namespace, market.PARTITIONS, now=datetime.now(UTC))
    stack = Stack(connection, namespace, folder)
    await asyncio.to_thread(stack.start)
    listener = Listener(stack.stream)
    listening = asyncio.create_task(listener.run())
    producer = AIOKafkaProducer(
        **connection.client_options(), acks="all", enable_idempotence=True, compression_type="zstd", linger_ms=LINGER_MS
    )
    await producer.start()
    found: dict[int, dict[str, Any]] = {}
    given = postings.postings(1 << 40, options.seed)
    now = time.time()
    asked = list(probes(options.probes * len(options.rates), now, name))
    try:
        while not listener.ready.is_set():
            stack.check()
            await asyncio.sleep(0.2)
        await _work(producer, namespace.topic("postings-raw"), stack, listener, given)
        for n, rate in enumerate(options.rates):
            mine = asked[n * options.probes : (n + 1) * options.probes]
            flowing = drawn(rate, given, mine)
            lab.say(f"{len(flowing):,} postings at {rate} a second")
            before = processor_time()
            acknowledged = await flow(producer, namespace.topic("postings-raw"), rate, flowing)
            until = time.monotonic() + PATIENCE
            while any(cell not in listener.seen for cell in acknowledged) and time.monotonic() < until:
                stack.check()
                await asyncio.sleep(0.1)
            spent = {name: seconds - before.get(name, 0.0) for name, seconds in processor_time().items()}
            times = [1000 * (listener.seen.get(cell, math.inf) - at) for cell, at in acknowledged.items()]
            found[rate] = {
                "p50_ms": quantile(times, 0.5),
                "p99_ms": quantile(times, 0.99),
                "missing": sum(map(math.isinf, times)),
                "probes": len(times),
                "resets": listener.resets,
                "cpu_us": {name: round(1e6 * seconds / len(flowing)) for name, seconds in spent.items()},
            }
            lab.say(f"{rate}/s: {found[rate]}")
    finally:
        listening.cancel()
        await producer.stop()
        await asyncio.to_thread(stack.stop)
    await topics.drop(connection, namespace)
    return found


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = lab.parser(__doc__, records=0)
    parser.add_argument("--rates", type=int, nargs="+", default=[50, 500, 2000], help="postings a second")
    parser.add_argument("--probes", type=int, default=1000, help="at each rate (default: %(default)s)")
    options = parser.parse_args(arguments)
    machine = lab.machine()
    with lab.broker(lab.settings()) as (connection, folder):
        found = asyncio.run(measure(connection, folder, options))
    whole: dict[str, Any] = {"settings": {name: getattr(options, name) for name in ("rates", "probes", "seed")}}
    whole["cpu_us"] = {str(rate): each["cpu_us"] for rate, each in found.items()}
    for name in ("p50_ms", "p99_ms", "missing", "probes"):
        values = {str(rate): each[name] for rate, each in found.items()}
        whole[name] = {rate: value if math.isfinite(value) else None for rate, value in values.items()}
    whole["machine"] = machine
    rows = [
        (
            str(rate),
            *(f"{each[name]:,.0f}" for name in ("p50_ms", "p99_ms", "probes", "missing")),
            *(f"{each['cpu_us'].get(name, 0):,}" for name in PROCESSES),
        )
        for rate, each in found.items()
    ]
    columns = ("postings/s", "p50 ms", "p99 ms", "probes", "missing", *(f"{name} µs" for name in PROCESSES))
    lab.report(
        whole, "From the broker's acknowledgement to the event on the stream", columns, rows, as_json=options.json
    )


if __name__ == "__main__":
    run()
