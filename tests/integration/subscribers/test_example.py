"""The subscriber of docs/topics.md, run as it stands there, against a real Kafka."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from deploy import topics
from schemas.connections import KafkaConnection
from schemas.topics import Namespace

ROOT = Path(__file__).parents[3]
VACANCIES = ROOT / "schemas" / "json" / "vacancy" / "v1" / "pass"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The page's Python example, as a file."""
    page = (ROOT / "docs" / "topics.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    path = tmp_path / "subscriber.py"
    path.write_text(code, "utf-8")
    return path


@pytest.fixture
async def generations(kafka: KafkaConnection, namespace: Namespace) -> AsyncIterator[tuple[Namespace, Namespace]]:
    """Two generations; the pointer stands on the first, and where it stood before when the test ends."""
    before = (await topics.registry(kafka)).current
    other = Namespace(f"{namespace.generation}-next", raw=namespace.raw)
    await topics.ensure(kafka, other, now=datetime.now(UTC))
    await topics.point(kafka, namespace.generation)
    yield namespace, other
    await topics._write(kafka, {topics.CURRENT: json.dumps({"generation": before}).encode() if before else None})
    await topics.drop(kafka, other)


def vacancy(name: str, **changes: object) -> dict[str, object]:
    """A passing example, changed."""
    return {**json.loads((VACANCIES / f"{name}.json").read_text("utf-8")), **changes}


async def send(
    kafka: KafkaConnection, namespace: Namespace, *vacancies: dict[str, object], abort: bool = False
) -> None:
    """Write vacancies of a generation in one transaction, and commit or abort it."""
    producer = AIOKafkaProducer(**kafka.client_options(), transactional_id=f"{namespace.generation}.test")
    await producer.start()
    try:
        await producer.begin_transaction()
        for one in vacancies:
            value = json.dumps(one | {"generation": namespace.generation}).encode()
            await producer.send_and_wait(namespace.topic("vacancies"), value, str(one["id"]).encode(), partition=1)
        await (producer.abort_transaction() if abort else producer.commit_transaction())
    finally:
        await producer.stop()


@asynccontextmanager
async def running(script: Path, kafka: KafkaConnection) -> AsyncIterator[asyncio.subprocess.Process]:
    """The subscriber at work; it is stopped at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), kafka.bootstrap, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def lines(process: asyncio.subprocess.Process, of: Namespace, count: int) -> list[list[str]]:
    """The subscriber's next lines about a generation, by column; fails after two minutes."""
    assert process.stdout is not None
    found: list[list[str]] = []
    async with asyncio.timeout(120):
        while len(found) < count:
            told = (await process.stdout.readline()).decode().rstrip("\n").split("\t")
            found += [told] if told[0] == of.generation else []
    return found


def columns(of: Namespace, *vacancies: tuple[dict[str, object], int]) -> list[list[str]]:
    """What the subscriber prints of vacancies, each with the number that stand then."""
    return [
        [of.generation, str(one["event"]), str(one.get("isco", "?")), str(one["title"]), str(standing)]
        for one, standing in vacancies
    ]


async def test_the_subscriber_of_the_page_follows_the_current_generation(
    script: Path, kafka: KafkaConnection, generations: tuple[Namespace, Namespace]
) -> None:
    """It shows what is committed, each state once, forgets what is no more, and moves with the pointer."""
    current, following = generations
    seen, nurse = vacancy("of_two_ads_fr"), vacancy("competition_ar")
    changed = vacancy("of_two_ads_fr", version=50_000, title="Comptable général", event="updated")
    merged = vacancy("of_two_ads_fr", version=60_000, event="merged", live=False, successor="offer:34/a/1@20514")
    driver = vacancy("seeker_ar")
    await send(kafka, current, seen, nurse)
    async with running(script, kafka) as subscriber:
        assert await lines(subscriber, current, 2) == columns(current, (seen, 1), (nurse, 2))
        await send(kafka, current, vacancy("abroad_en"), abort=True)
        await send(kafka, current, changed, changed, seen, nurse, merged)
        assert await lines(subscriber, current, 2) == columns(current, (changed, 2), (merged, 1))
        await send(kafka, following, driver)
        await topics.point(kafka, following.generation)
        assert await lines(subscriber, following, 1) == columns(following, (driver, 1))


async def test_the_subscriber_refuses_a_version_that_it_does_not_know(
    script: Path, kafka: KafkaConnection, generations: tuple[Namespace, Namespace]
) -> None:
    """A vacancy of version 2 ends it: it would not know what it reads."""
    await send(kafka, generations[0], vacancy("competition_ar", v=2))
    async with running(script, kafka) as subscriber, asyncio.timeout(120):
        _, told = await subscriber.communicate()
    assert subscriber.returncode == 1
    assert b"vacancy of version 2" in told
