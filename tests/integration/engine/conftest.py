"""A bench of words: topics of its own, a feed, workers to start and strike, and the recount."""

import asyncio
import os
import random
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.connections import KafkaConnection
from streams.engine import marker as markers
from tests.integration.engine.words import WorkerOptions

PARTITIONS = 3
WORDS = [f"w{n}".encode() for n in range(40)]


class Bench:
    """One word count over topics of its own."""

    def __init__(self, kafka: KafkaConnection, folder: Path, seed: int) -> None:
        self.kafka = kafka
        self.draw = random.Random(seed)
        self.sent: Counter[bytes] = Counter()
        self.records = 0
        self.workers: list[subprocess.Popen[str]] = []
        self.options = WorkerOptions(kafka.bootstrap, f"words-{uuid.uuid4().hex[:8]}", str(folder / "state"))

    async def create(self) -> None:
        """Create the topics."""
        admin = AIOKafkaAdminClient(**self.kafka.client_options())
        await admin.start()
        options = self.options
        compacted = {"cleanup.policy": "compact"}
        await admin.create_topics(
            [
                NewTopic(options.source, PARTITIONS, 1),
                NewTopic(options.target, PARTITIONS, 1),
                NewTopic(options.changelog, PARTITIONS, 1, topic_configs=compacted),
            ]
        )
        await admin.close()

    async def recreate(self, topic: str) -> None:
        """Delete a topic and create it anew."""
        admin = AIOKafkaAdminClient(**self.kafka.client_options())
        await admin.start()
        await admin.delete_topics([topic])
        async with asyncio.timeout(120):
            while topic in await admin.list_topics():
                await asyncio.sleep(0.1)
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        await admin.close()

    async def feed(self, records: int) -> None:
        """Append lines of words, and remember them for the recount."""
        producer = AIOKafkaProducer(**self.kafka.client_options(), linger_ms=2)
        await producer.start()
        for _ in range(records):
            words = self.draw.choices(WORDS, k=self.draw.randint(1, 5))
            self.sent.update(words)
            await producer.send(self.options.source, b" ".join(words), partition=self.draw.randrange(PARTITIONS))
        await producer.stop()
        self.records += records

    def start(self, **changes: object) -> subprocess.Popen[str]:
        """Start a worker."""
        options = replace(self.options, **changes)  # type: ignore[arg-type]
        worker = subprocess.Popen(
            options.arguments(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=Path.cwd()
        )
        self.workers.append(worker)
        return worker

    async def folded(self) -> int:
        """Records that the markers cover, and the offsets they claim agree."""
        total = 0
        for partition, records in (await self.read(self.options.changelog)).items():
            for key, value in records:
                if key == markers.KEY:
                    marker = markers.decode(value or b"")
                    last = marker
            if records:
                assert last.partition == partition
                assert last.positions[self.options.source].next == last.notes["records"]
                total += last.notes["records"]
        return total

    async def until_folded(self, records: int | None = None, seconds: float = 180) -> None:
        """Wait until the markers cover `records` (default: all that were fed)."""
        wanted = self.records if records is None else records
        for _ in range(int(seconds / 0.25)):
            if await self.folded() >= wanted:
                return
            await asyncio.sleep(0.25)
        raise AssertionError(f"{await self.folded()} of {wanted} records folded")

    async def read(self, topic: str) -> dict[int, list[tuple[bytes, bytes | None]]]:
        """Every committed record of a topic, by partition; a reader that gets nothing for a minute begins anew."""
        for _ in range(5):
            try:
                async with asyncio.timeout(60):
                    return await self._read(topic)
            except TimeoutError:
                continue
        raise AssertionError(f"{topic} cannot be read")

    async def _read(self, topic: str) -> dict[int, list[tuple[bytes, bytes | None]]]:
        tps = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        found: dict[int, list[tuple[bytes, bytes | None]]] = {partition: [] for partition in range(PARTITIONS)}
        async with AIOKafkaConsumer(**self.kafka.client_options(), isolation_level="read_committed") as consumer:
            begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
            for tp in tps:
                consumer.assign([tp])
                consumer.seek(tp, begins[tp])
                while await consumer.position(tp) < ends[tp]:
                    for record in (await consumer.getmany(tp, timeout_ms=100)).get(tp, ()):
                        found[tp.partition].append((record.key, record.value))
        return found

    async def counts(self) -> Counter[bytes]:
        """The final count of each word over partitions, as a reader of the output sees it.

        Each output only ever grows.
        """
        total: Counter[bytes] = Counter()
        for records in (await self.read(self.options.target)).values():
            last: dict[bytes, int] = {}
            for key, value in records:
                count = int(value or b"0")
                assert count > last.get(key, 0), "an output was repeated or taken back"
                last[key] = count
            total.update(last)
        return total

    async def recounted(self) -> bool:
        """Whether the outputs equal the recount.

        Commit markers of several partitions become visible one by one, so within half a minute.
        """
        for _ in range(120):
            if await self.counts() == self.sent:
                return True
            await asyncio.sleep(0.25)
        return False

    async def committed_within_markers(self) -> None:
        """The group's committed offsets never pass the markers."""
        admin = AIOKafkaAdminClient(**self.kafka.client_options())
        await admin.start()
        committed = await admin.list_consumer_group_offsets(self.options.name)
        await admin.close()
        for partition, records in (await self.read(self.options.changelog)).items():
            positions = [
                markers.decode(v or b"").positions[self.options.source].next for k, v in records if k == markers.KEY
            ]
            offset = committed.get(TopicPartition(self.options.source, partition))
            assert (offset.offset if offset else 0) <= max(positions, default=0)

    def kill(self, worker: subprocess.Popen[str]) -> None:
        """SIGKILL."""
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()

    def stop_all(self) -> None:
        """End every worker that still runs."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.communicate()


@pytest.fixture
async def bench(kafka: KafkaConnection, tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench whose workers end with the test."""
    made = Bench(kafka, tmp_path, seed=7)
    await made.create()
    yield made
    made.stop_all()
