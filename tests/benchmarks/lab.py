"""What the benchmarks stand on: a broker of their own, topics, what the machine is, and how a table is printed."""

import argparse
import asyncio
import faulthandler
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError
from rich.console import Console
from rich.table import Table

from deploy.kafka.broker import LocalKafka
from deploy.settings import Settings, read_settings
from schemas.connections import KafkaConnection
from tests.ports import free_ports

ROOT = Path(__file__).parent.parent.parent
BATCH = 900_000
TOLD_SECONDS = 60.0
VERSIONS = ("faust-streaming", "aiokafka", "msgspec", "rocksdict")


def say(line: str) -> None:
    """Progress goes to standard error: standard output is the table's, or the JSON object's."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@contextmanager
def broker(settings: Settings) -> Iterator[tuple[KafkaConnection, Path]]:
    """A broker for the measurement (or the one that MARSAD_TEST_KAFKA names), and a folder that goes with it."""
    data = settings.data_dir.absolute()
    (data / "bench").mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=data / "bench"))
    try:
        if settings.test_kafka:
            yield KafkaConnection(settings.test_kafka), home
            return
        kafka = LocalKafka(home / "kafka", data / "kafka" / "libs", *free_ports(2))
        kafka.start(home / "kafka.log", say)
        try:
            yield kafka.connection, home
        finally:
            kafka.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def unique(name: str) -> str:
    """A name that no earlier measurement on the same broker has used."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


async def create(connection: KafkaConnection, topics: Mapping[str, int], **config: str) -> None:
    """Create topics of so many partitions."""
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    await admin.create_topics([NewTopic(name, n, 1, topic_configs=config) for name, n in topics.items()])
    await admin.close()


async def delete(connection: KafkaConnection, topics: Iterable[str]) -> None:
    """Delete topics, so that one measurement's files do not slow the next one's."""
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    await admin.delete_topics(list(topics))
    await admin.close()


async def preload(connection: KafkaConnection, topic: str, records: Iterable[tuple[int, bytes | None, bytes]]) -> int:
    """Write (partition, key, value) records of now in large lz4 batches, as Marsad's producers do; returns how many."""
    return await fill(connection, topic, ((partition, key, value, None) for partition, key, value in records))


async def fill(
    connection: KafkaConnection, topic: str, records: Iterable[tuple[int, bytes | None, bytes, int | None]]
) -> int:
    """The same with records' own times (milliseconds), of which it tells once a minute how many are written."""
    producer = AIOKafkaProducer(
        **connection.client_options(), compression_type="lz4", max_batch_size=BATCH, max_request_size=12 << 20
    )
    await producer.start()
    batches: dict[int, Any] = {}
    sent = []
    count = 0
    told = time.monotonic()
    for partition, key, value, at in records:
        batch = batches.get(partition)
        if batch is None:
            batch = batches[partition] = producer.create_batch()
        if batch.append(timestamp=at, key=key, value=value) is None:
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            if time.monotonic() - told >= TOLD_SECONDS:
                told = time.monotonic()
                say(f"{count:,} written")
            batch = batches[partition] = producer.create_batch()
            batch.append(timestamp=at, key=key, value=value)
        count += 1
    for partition, batch in batches.items():
        sent.append(await producer.send_batch(batch, topic, partition=partition))
    for one in sent:
        await one
    await producer.stop()
    return count


async def read(connection: KafkaConnection, topic: str, partitions: int) -> dict[bytes, bytes | None]:
    """The latest committed value of each key of a topic."""
    options = connection.client_options()
    latest: dict[bytes, bytes | None] = {}
    async with (
        AIOKafkaConsumer(**options) as all_of_it,
        AIOKafkaConsumer(**options, isolation_level="read_committed", max_partition_fetch_bytes=8 << 20) as consumer,
    ):
        tps = [TopicPartition(topic, partition) for partition in range(partitions)]
        begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        while ends != await all_of_it.end_offsets(tps):  # a commit becomes visible a moment after its answer
            await asyncio.sleep(0.05)
            ends = await consumer.end_offsets(tps)
        for tp in tps:
            consumer.assign([tp])
            consumer.seek(tp, begins[tp])
            while await consumer.position(tp) < ends[tp]:
                for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, ()):
                    latest[record.key] = record.value
    return latest


async def committed(connection: KafkaConnection, group: str, topic: str, partitions: int) -> int:
    """Sum of the group's committed offsets."""
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:  # a new broker makes the topic of the groups at the first one's wish
        return 0
    finally:
        await admin.close()
    tps = [TopicPartition(topic, partition) for partition in range(partitions)]
    return sum(max(offsets[tp].offset, 0) for tp in tps if tp in offsets)


def run(
    arguments: Sequence[str], *, core: int | None = None, timeout: float = 900, told: bool = False
) -> dict[str, Any]:
    """Run a measured process of the checkout, on one core if one is named; its last line is its JSON result.

    What it says on standard error is shown at once if `told`, else only when it fails.
    `cpu_seconds` is added to it: all that the process took of the processors, from its start to its end.
    """

    def pin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        arguments,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=None if told else subprocess.PIPE,
        preexec_fn=pin,
        timeout=timeout,
        check=False,
    )
    lines = done.stdout.decode().strip().splitlines()
    if done.returncode or not lines:
        said = (done.stderr or b"").decode()[-2000:]
        raise RuntimeError(f"{' '.join(arguments[:4])} ended with {done.returncode}: {said}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found: dict[str, Any] = json.loads(lines[-1])
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**found, "cpu_seconds": cpu_seconds}


def machine(extra: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the figures were measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "kafka": "4.1.0",
        "versions": {name: version(name) for name in VERSIONS} | dict(extra or {}),
        "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }


def report(
    found: Mapping[str, Any], title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, as_json: bool
) -> None:
    """Print one JSON object, or a table under which the machine stands."""
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    table = Table(title=title, title_justify="left")
    for n, column in enumerate(columns):
        table.add_column(column, justify="left" if n == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console = Console(width=120)
    console.print(table)
    where = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    console.print(
        f"{where['cores']} cores of {where['cpu']}, {where['memory_gb']} GB, load {where['load']} at the start;"
        f" Python {where['python']}, Kafka {where['kafka']}, {versions}; {where['at']} UTC",
        highlight=False,
    )


def parser(doc: str | None, *, records: int) -> argparse.ArgumentParser:
    """The options that every benchmark has; from now on SIGABRT has the program tell where it waits, and ends it."""
    signal.signal(signal.SIGABRT, _tell_where)
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    made.add_argument("--records", type=int, default=records, help="size of the input (default: %(default)s)")
    made.add_argument("--seed", type=int, default=1, help="of the input (default: %(default)s)")
    return made


def _tell_where(_number: int, _frame: object) -> None:
    """What each thread and each task waits for: a task's stack alone stops at its outermost coroutine."""
    faulthandler.dump_traceback()
    with suppress(RuntimeError):  # no loop runs
        for task in asyncio.all_tasks():
            say(f"{task.get_name()}:")
            waits: Any = task.get_coro()
            while frame := getattr(waits, "cr_frame", None) or getattr(waits, "ag_frame", None):
                say(f"  {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_qualname}")
                waits = getattr(waits, "cr_await", None) or getattr(waits, "ag_await", None)
    os._exit(128 + signal.SIGABRT)


def settings() -> Settings:
    """Where the data directory is, and whether a broker was named."""
    return read_settings()
