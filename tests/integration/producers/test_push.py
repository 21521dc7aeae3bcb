"""The push endpoint over HTTP, with a real Kafka behind it: nothing accepted is lost, nothing is taken twice."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from deploy import topics
from deploy.kafka.broker import LocalKafka
from producers.publish import KafkaAway, Publisher
from producers.push.agent import AnswersAgent
from producers.push.request import PATH, sign
from producers.push.server import build, runner
from schemas.connections import KafkaConnection
from schemas.messages import PushAnswer
from schemas.topics import Namespace
from tests.integration.producers.bench import Bench
from tests.ports import free_ports

SECRET = "a secret of thirty-two characters or more"
KEYS = f"""
[[key]]
id = "anapec"
secret = "{SECRET}"
sources = ["anapec"]
sides = ["offer", "seeker"]
requests_per_minute = 1000

[[key]]
id = "slow"
secret = "{SECRET}"
sources = ["slow"]
requests_per_minute = 2
postings_per_day = 3
"""


@dataclass
class Client:
    """A sender that signs as docs/push.md says."""

    session: aiohttp.ClientSession
    ports: list[int] = field(default_factory=list)

    async def post(
        self,
        body: bytes,
        *,
        key: str = "anapec",
        at: float = 0,
        process: int = 0,
        batch: bool = False,
        token: str = "",
        signature: str = "",
        **headers: str,
    ) -> tuple[int, Any, dict[str, str]]:
        """Send `body`; return status, decoded answer and headers."""
        timestamp = str(int(at or time.time()))
        told = {
            "X-Marsad-Key": key,
            "X-Marsad-Timestamp": timestamp,
            "X-Marsad-Signature": signature or sign(SECRET, timestamp, body),
            "Content-Type": "application/x-ndjson" if batch else "application/json",
            **({"Idempotency-Key": token} if token else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        url = f"http://127.0.0.1:{self.ports[process]}{PATH}"
        async with self.session.post(url, data=body, headers={k: v for k, v in told.items() if v}) as answer:
            found = await answer.json(content_type=None)
            if answer.status >= 400:
                assert answer.content_type == "application/problem+json"
                assert found["status"] == answer.status
                assert found["type"].startswith("https://marsad.invalid/problems/")
            return answer.status, found, dict(answer.headers)


@asynccontextmanager
async def endpoints(folder: Path, kafka: KafkaConnection, namespace: Namespace, count: int) -> AsyncIterator[Client]:
    """`count` push endpoints, each with connections of its own, as processes would have them."""
    keys = folder / "keys.toml"
    keys.write_text(KEYS)
    keys.chmod(0o600)
    async with AsyncExitStack() as opened:
        client = Client(await opened.enter_async_context(aiohttp.ClientSession()))
        for _ in range(count):
            app = build(
                kafka=kafka,
                namespace=namespace,
                keys_path=keys,
                observe=lambda _fact: None,
                clock=lambda: datetime.now(UTC),
            )
            served = runner(app)
            await served.setup()
            opened.push_async_callback(served.cleanup)
            await web.TCPSite(served, "127.0.0.1", 0).start()
            client.ports.append(served.addresses[0][1])
        yield client


@pytest.fixture
async def client(bench: Bench, tmp_path: Path) -> AsyncIterator[Client]:
    """Two push processes over one namespace."""
    async with endpoints(tmp_path, bench.kafka, bench.namespace, 2) as found:
        yield found


def posting(identity: str, **more: str) -> bytes:
    """Make a posting."""
    return json.dumps({"source_id": identity, "title": f"Poste {identity}", **more}).encode()


async def test_what_is_accepted_is_in_kafka(bench: Bench, client: Client) -> None:
    """A 202 means that each accepted line is in the raw topic, and each other line among the rejects."""
    status, told, _ = await client.post(posting("1"))
    assert (status, told["accepted"], told["outcomes"][0]["id"]) == (202, 1, "1")
    body = b"\n".join([posting("2"), b'{"title": "cut', posting("3"), posting("4", couleur="rouge")])
    status, told, _ = await client.post(body, batch=True)
    assert status == 202
    assert [(row["line"], row["status"], row.get("reason")) for row in told["outcomes"]] == [
        (1, "accepted", None),
        (2, "rejected", "malformed_json"),
        (3, "accepted", None),
        (4, "rejected", "unknown_field"),
    ]
    assert sorted(found.id for found in await bench.postings()) == ["1", "2", "3"]
    assert sorted(found.reason for found in await bench.rejects()) == ["malformed_json", "unknown_field"]


async def test_a_batch_of_which_nothing_parses_is_400(bench: Bench, client: Client) -> None:
    """400 with problem details and the outcomes, the lines among the rejects, and nothing in the raw topic."""
    status, told, _ = await client.post(b"{\nnothing\n", batch=True)
    assert (status, told["accepted"], len(told["outcomes"])) == (400, 0, 2)
    status, told, _ = await client.post(b'{"title": ')
    assert status == 400
    status, told, _ = await client.post(posting("1", v="2"))
    assert (status, told["type"].rsplit("/")[-1]) == (400, "unknown-schema")
    assert await bench.postings() == []
    assert len(await bench.rejects()) == 4


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"X_Marsad_Signature": ""}, 401, "unsigned"),
    ({"X_Marsad_Timestamp": ""}, 401, "unsigned"),
    ({"X_Marsad_Key": "nobody"}, 401, "bad-signature"),
    ({"signature": "sha256=" + "0" * 64}, 401, "bad-signature"),
    ({"at": -301}, 401, "bad-timestamp"),
    ({"at": 302}, 401, "bad-timestamp"),
    ({"Content_Type": "text/csv"}, 415, "unsupported-type"),
    ({"Content_Encoding": "gzip"}, 415, "unsupported-encoding"),
    ({"X_Marsad_Schema": "posting/2"}, 400, "unknown-schema"),
    ({"token": "é" * 3}, 400, "bad-idempotency-key"),
    ({"body": b"x" * 8_000_001}, 413, "too-large"),
]


async def test_what_is_not_to_be_taken_is_refused(bench: Bench, client: Client) -> None:
    """Unsigned, stale, oversize, of an unknown type or schema: refused with problem details, and nothing is taken."""
    for change, status, problem in REFUSED:
        asked = dict(change)
        body = asked.pop("body", posting("1"))
        if "at" in asked:
            asked["at"] += time.time()
        found, told, _ = await client.post(body, **asked)
        assert (found, told["type"].rsplit("/")[-1]) == (status, problem), change
        assert SECRET not in json.dumps(told)
    assert await bench.postings() == []


async def test_the_first_answer_is_given_again_whichever_process_is_asked(bench: Bench, client: Client) -> None:
    """Same idempotency key and body: the first answer, from either process; another body: 422; nothing taken twice."""
    body = b"\n".join([posting("1"), b"{"])
    first = await client.post(body, batch=True, token="drop-17", process=0)
    again = await client.post(body, batch=True, token="drop-17", process=1, at=time.time() + 1)
    assert first[0] == again[0] == 202
    assert first[1] == again[1]
    assert (await client.post(posting("2"), token="drop-17", process=1))[0] == 422
    other = await client.post(posting("2"), token="drop-17", process=1, key="slow")
    assert other[0] == 202
    assert sorted(found.id for found in await bench.postings()) == ["1", "2"]


async def test_of_two_at_once_one_is_taken(bench: Bench, client: Client) -> None:
    """Many requests of one key at the same time: one is taken, the others are told to wait or get its answer."""
    told = await asyncio.gather(
        *(client.post(posting("1"), token="once", process=n % 2, at=time.time() + n % 7) for n in range(20))
    )
    assert {status for status, _, _ in told} <= {202, 409}
    assert any(status == 202 for status, _, _ in told)
    assert len(await bench.postings()) == 1


async def test_a_replayed_request_is_refused_everywhere(bench: Bench, client: Client) -> None:
    """A request that was taken is refused the second time, by the other process and under another key too."""
    at = time.time()
    assert (await client.post(posting("1"), at=at))[0] == 202
    assert (await client.post(posting("1"), at=at))[0] == 401
    assert (await client.post(posting("1"), at=at, process=1))[0] == 401
    status, told, _ = await client.post(posting("1"), at=at, process=1, token="another")
    assert (status, told["type"].rsplit("/")[-1]) == (401, "replayed")
    assert len(await bench.postings()) == 1


async def test_quotas_are_kept(bench: Bench, client: Client) -> None:
    """A key over its requests a minute or postings a day is told 429 and when to come back; sides are its scope."""
    assert (await client.post(b"\n".join(posting(str(n)) for n in range(4)), batch=True, key="slow"))[0] == 429
    status, _, _ = await client.post(posting("1", side="seeker"), key="slow")
    assert status == 403
    status, _, headers = await client.post(posting("2"), key="slow")
    assert status == 429
    assert 1 <= int(headers["Retry-After"]) <= 60
    assert await bench.postings() == []


async def test_a_seeker_that_is_pushed_leaves_nothing_of_the_person(bench: Bench, client: Client) -> None:
    """What reaches Kafka of a seeker, taken or not, holds no telephone number, e-mail, address or employer."""
    private = {"side": "seeker", "description": "tél 06 61 22 33 44, amine@poste.ma", "company": "Chez Amine"}
    assert (await client.post(posting("1", **private)))[0] == 202
    assert (await client.post(posting("2", nom="Amine B", **private)))[0] == 400
    records = [*await bench.records("postings-raw"), *await bench.records("postings-rejected")]
    everything = b"".join((key or b"") + value for key, value in records)
    for secret in (b"06 61", b"amine@poste", b"Amine"):
        assert secret not in everything


async def test_without_kafka_it_is_503_and_what_was_accepted_is_kept(tmp_path: Path, kafka_libs: Path) -> None:
    """While the broker is down a push is answered 503, never 202; once it is back the same request is taken."""
    port, controller = free_ports(2)
    broker = LocalKafka(tmp_path / "kafka", kafka_libs, port, controller)
    started: Callable[[], None] = lambda: broker.start(tmp_path / "broker.log", print)  # noqa: E731
    await asyncio.to_thread(started)
    try:
        name = f"test-{uuid.uuid4().hex[:8]}"
        bench = Bench(tmp_path, broker.connection, Namespace(name, name))
        await topics.ensure(broker.connection, bench.namespace, now=datetime.now(UTC))
        async with endpoints(tmp_path, broker.connection, bench.namespace, 1) as client:
            assert (await client.post(posting("1")))[0] == 202
            await asyncio.to_thread(broker.stop)
            status, _, headers = await client.post(posting("2"), token="later")
            assert (status, int(headers["Retry-After"]) > 0) == (503, True)
            await asyncio.to_thread(started)
            async with asyncio.timeout(60):
                while (await client.post(posting("2"), token="later"))[0] != 202:
                    await asyncio.sleep(1)
            assert {found.id for found in await bench.postings()} == {"1", "2"}
    finally:
        await asyncio.to_thread(broker.stop)


async def test_answers_are_found_again_when_their_reader_fails(bench: Bench) -> None:
    """A consumer that stops by itself, whatever it raises, is followed by another, which goes on where it was."""
    publisher = Publisher(
        kafka=bench.kafka, namespace=bench.namespace, observe=print, clock=lambda: datetime.now(UTC), patience=60.0
    )
    answers, now = AnswersAgent(bench.kafka, bench.namespace, publisher), datetime.now(UTC)
    await answers.start()
    try:
        first, second = (
            PushAnswer(entry=entry, state="claimed", holder="h", body="0" * 64, at=now) for entry in ("a", "b")
        )
        await answers.write(first)
        assert await answers.get("a", now=now) == [first]
        await answers._consumer.stop()
        await answers.write(second)
        async with asyncio.timeout(120):
            while True:
                try:
                    found = await answers.get("a", "b", now=now)
                    break
                except KafkaAway:
                    await asyncio.sleep(0.5)
        assert found == [first, second]
    finally:
        await answers.stop()
        await publisher.close()
