"""The producers' process: killed, paused, given sources while it runs, and without a Kafka for a while."""

import asyncio
import contextlib
import json
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy import topics
from producers.app import run_archive
from producers.facts import KafkaUnavailable, PostingsPublished, SourceChanged, SourcePolled
from producers.file.read import Unreadable
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from tests.integration.producers.bench import Bench, Portal, until


def page(identity: str) -> bytes:
    """Make a page with one JSON-LD posting."""
    job = {"@type": "JobPosting", "title": f"Poste {identity}", "identifier": identity}
    return f'<script type="application/ld+json">{json.dumps(job)}</script>'.encode()


def archive(path: Path, count: int) -> None:
    """Write an archive of `count` rows."""
    rows = (
        {"source_id": str(number), "title": "P", "seen_first": f"2026-01-{number % 28 + 1:02}"}
        for number in range(count)
    )
    path.write_text("\n".join(map(json.dumps, rows)))


async def test_a_killed_process_loses_nothing(bench: Bench, portal: Portal) -> None:
    """Killed in the middle of its pages, and again, every ad arrives, and what was noted is not fetched again."""
    paths = [f"/offre/{number}" for number in range(400)]
    portal.pages |= {path: page(path[7:]) for path in paths}
    portal.pages["/sitemap.xml"] = (
        "<urlset>" + "".join(f"<url><loc>{portal.address}{path}</loc></url>" for path in paths) + "</urlset>"
    ).encode()
    bench.connect("portal-b", f'kind = "jsonld"\nurl = "{portal.address}/sitemap.xml"')

    def fetched() -> int:
        return len({path for _, path in portal.requests if path != "/sitemap.xml"})

    for reached in (100, 250):
        process = await bench.process()
        await until(lambda least=reached: fetched() >= least)
        process.kill()
        await process.wait()
        assert fetched() < 400
    await bench.start()
    await until(lambda: any(isinstance(fact, SourcePolled) for fact in bench.facts))
    seen = Counter(posting.id for posting in await bench.postings())
    assert set(seen) == {path[7:] for path in paths}
    assert sum(seen.values()) < 650


async def test_an_archive_is_delivered_whole_and_once(bench: Bench, tmp_path: Path) -> None:
    """Every sighting is a raw record; a second run finds nothing to do until the checkpoint is removed."""
    path, checkpoint = tmp_path / "rows.ndjson", tmp_path / "archive.json"
    archive(path, 5000)
    with path.open("ab") as rows:
        rows.write(b'\nnot json\n{"title": 5}\n\n')

    async def run() -> int:
        return await run_archive(
            path,
            source="archive",
            kafka=bench.kafka,
            namespace=bench.namespace,
            checkpoint_path=checkpoint,
            observe=bench.facts.append,
        )

    assert await run() == 5002
    assert len(await bench.records("postings-raw")) == 5002
    assert await run() == 0
    assert len(await bench.records("postings-raw")) == 5002
    checkpoint.unlink()
    assert await run() == 5002
    records = Counter(await bench.records("postings-raw"))
    assert set(records.values()) == {2}


async def test_an_archive_goes_on_where_it_was_cut(bench: Bench, tmp_path: Path) -> None:
    """A throttled feed that is cut goes on from its checkpoint, at the rate asked for; a changed file starts anew."""
    path, checkpoint = tmp_path / "rows.ndjson", tmp_path / "archive.json"
    archive(path, 2000)
    delivered: list[Any] = []
    told = {"kafka": bench.kafka, "namespace": bench.namespace, "checkpoint_path": checkpoint}
    first = asyncio.create_task(run_archive(path, source="archive", observe=delivered.append, rate=500, **told))
    started = asyncio.get_running_loop().time()
    await until(lambda: bool(delivered) and getattr(delivered[-1], "delivered", 0) >= 500)
    assert asyncio.get_running_loop().time() - started > 0.7
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    rest = await run_archive(path, source="archive", observe=bench.facts.append, **told)
    assert 0 < rest <= 1500
    assert 2000 <= len(await bench.postings()) <= 2100
    assert {posting.id for posting in await bench.postings()} == {str(number) for number in range(2000)}
    archive(path, 10)
    assert await run_archive(path, source="archive", observe=bench.facts.append, **told) == 10


async def test_an_archive_that_is_not_there_is_an_error(bench: Bench, tmp_path: Path) -> None:
    """A missing file is told by its name."""
    with pytest.raises(Unreadable, match=r"none\.ndjson"):
        await run_archive(
            tmp_path / "none.ndjson",
            source="archive",
            kafka=bench.kafka,
            namespace=bench.namespace,
            checkpoint_path=tmp_path / "archive.json",
            observe=bench.facts.append,
        )


async def test_sources_come_change_and_go_while_it_runs(bench: Bench, tmp_path: Path) -> None:
    """A new file is followed within seconds, a wrong one is told and stops no other, a removed one is left."""
    (tmp_path / "drop.ndjson").write_text('{"source_id":"1","title":"A"}\n')
    await bench.start()

    def changed(change: str, name: str) -> bool:
        return any(
            isinstance(fact, SourceChanged) and (fact.change, fact.file_or_source) == (change, name)
            for fact in bench.facts
        )

    bench.connect("agence", f'kind = "file"\npath = "{tmp_path / "drop.ndjson"}"')
    await until(lambda: any(isinstance(fact, PostingsPublished) for fact in bench.facts))
    bench.connect("other", 'kind = "file"\npath = 3')
    await until(lambda: changed("wrong", "other.toml"))
    bench.connect("agence", f'kind = "file"\nside = "seeker"\npath = "{tmp_path / "drop.ndjson"}"')
    await until(lambda: changed("restarted", "agence"))
    (bench.sources / "agence.toml").unlink()
    await until(lambda: changed("stopped", "agence"))
    assert len(await bench.postings()) == 1


async def test_paused_sources_ask_for_nothing(bench: Bench, portal: Portal) -> None:
    """While the flag stands no request is made and sources say that they are paused; then they go on."""
    portal.pages["/feed.xml"] = (
        b'<rss version="2.0"><channel><item><guid>1</guid><title>A</title></item></channel></rss>'
    )
    bench.connect("portal-a", f'kind = "rss"\nurl = "{portal.address}/feed.xml"')
    await bench.start()
    await until(lambda: len(portal.requests) >= 2)
    (bench.folder / "paused").touch()

    async def paused() -> bool:
        statuses = await bench.statuses()
        return statuses[-1].state == "paused"

    await until(paused)
    asked = len(portal.requests)
    await asyncio.sleep(0.6)
    assert len(portal.requests) == asked
    (bench.folder / "paused").unlink()
    await until(lambda: len(portal.requests) > asked)


async def test_a_source_that_is_reset_delivers_again(bench: Bench, portal: Portal) -> None:
    """What it showed is read and delivered once more, though it is unchanged; then it is as it was, also restarted."""
    portal.pages["/feed.xml"] = (
        b'<rss version="2.0"><channel><item><guid>1</guid><title>A</title></item></channel></rss>'
    )
    bench.connect("portal-a", f'kind = "rss"\nurl = "{portal.address}/feed.xml"')
    await bench.start()
    await until(lambda: portal.unchanged >= 2)
    assert len(await bench.postings()) == 1
    flag = bench.sources / "portal-a.reset"
    flag.touch()
    await until(lambda: not flag.exists())
    unchanged = portal.unchanged
    await until(lambda: portal.unchanged >= unchanged + 2)
    assert len(await bench.postings()) == 2
    assert SourceChanged("portal-a", "reset") in bench.facts
    await bench.stop()
    await bench.start()
    await until(lambda: portal.unchanged >= unchanged + 4)
    assert len(await bench.postings()) == 2


async def test_it_waits_for_kafka(tmp_path: Path, kafka: KafkaConnection) -> None:
    """Started before its topics exist, it says so, waits, and delivers once they do."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    namespace = Namespace(name, name)
    path = tmp_path / "rows.ndjson"
    archive(path, 10)
    facts: list[object] = []
    running = asyncio.create_task(
        run_archive(
            path,
            source="archive",
            kafka=kafka,
            namespace=namespace,
            checkpoint_path=tmp_path / "archive.json",
            observe=facts.append,
        )
    )
    try:
        await until(lambda: any(isinstance(fact, KafkaUnavailable) for fact in facts))
        await topics.ensure(kafka, namespace, now=datetime.now(UTC))
        async with asyncio.timeout(60):
            assert await running == 10
    finally:
        running.cancel()
        await topics.drop(kafka, namespace)


async def test_idle_partitions_hear_a_heartbeat(bench: Bench, tmp_path: Path) -> None:
    """A live source moves the log clock of every raw partition; an archive moves none."""
    (tmp_path / "drop.ndjson").write_text('{"source_id":"1","title":"A","seen_first":"2026-01-01"}\n')
    bench.connect("history", f'kind = "file"\npath = "{tmp_path / "drop.ndjson"}"\narchive = true')
    await bench.start()
    await until(lambda: any(isinstance(fact, PostingsPublished) for fact in bench.facts))
    assert [key for key, _ in await bench.records("postings-raw")] == [b"history\t1"]
    bench.connect("agence", f'kind = "file"\npath = "{tmp_path / "drop.ndjson"}"')

    async def beaten() -> bool:
        records = await bench.records("postings-raw")
        return [value for key, value in records if key is None] == [b'{"heartbeat":true,"v":1}'] * 4

    await until(beaten)
