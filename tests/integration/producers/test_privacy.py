"""Personal data in every field of offers and of job seekers: none of it is in any topic, log or table of the store."""

import asyncio
import base64
import json
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec

from deploy.markers import Readback
from deploy.status import inputs
from producers.app import build
from producers.facts import SourcePolled
from producers.shape import FIELDS
from schemas.messages import Rejected
from schemas.topics import topics
from streams.sink.rows import TABLES
from tests.integration.producers.bench import Bench, until
from tests.ports import free_ports

SECRETS = ("Bennani", "0661223344", "06 61 22 33 44", "amine.bennani", "AB123456", "demande-77")
PERSON = "M. Amine Bennani, 06 61 22 33 44, amine.bennani@poste.example"


def lines(side: str) -> list[bytes]:
    """Rows of a side: personal data in every field, one field after the other in a broken row, and rows cut short."""
    whole = dict.fromkeys(FIELDS, f"Soudeur {PERSON}")
    if side == "offer":
        # Employer and place are told by an offer: a name in them is a name of theirs.
        kept = ("company", "company_slug", "city", "region_raw", "sector_raw", "contract_raw", "education_raw", "lang")
        whole |= dict.fromkeys(
            (*kept, "date_raw", "deadline_raw", "lang_portal", "positions"), "Soudeur 06 61 22 33 44"
        )
        whole |= {"url": "https://p.example/1?c=amine.bennani@poste.example", "source_id": "0661223344"}
        rows = [whole, *({"title": "Soudeur", field: [{"nom": PERSON}]} for field in FIELDS)]
        rows += [{"title": "Soudeur", "source_id": "phone", "salary_raw": 212661223344}]
        cut = json.dumps(whole | {"description": f"Contact : {PERSON}"}).encode()
        return [*(json.dumps(row).encode() for row in rows), cut[: len(cut) - 3], f'"Contact : {PERSON}"'.encode()]
    whole |= {"source_id": "demande-77", "nom": "Bennani", "cin": "AB123456", "tel": "0661223344"}
    rows = [whole, {"source_id": "demande-77", "title": "Soudeur"}]
    rows += [whole | {field: {"nom": "Bennani"}} for field in FIELDS]
    cut = json.dumps(whole).encode()
    return [*(json.dumps(row).encode() for row in rows), cut[: len(cut) // 2], b'"Bennani 0661223344"', b"\xff Bennani"]


async def test_no_trace_of_a_person_is_left(bench: Bench, tmp_path: Path) -> None:
    """Taken or rejected, an offer or a job seeker, live or in an archive: names, numbers, addresses are nowhere."""
    told: list[object] = []
    for side in ("offer", "seeker"):
        drop = tmp_path / f"{side}-{uuid.uuid4().hex}.ndjson"
        drop.write_bytes(b"\n".join(lines(side)) + b"\n")
        bench.connect(f"live-{side}", f'kind = "file"\nside = "{side}"\npath = "{drop}"')
        history = tmp_path / f"history-{side}-{uuid.uuid4().hex}.ndjson"
        history.write_bytes(b"\n".join(lines(side)) + b"\n")
        bench.connect(f"history-{side}", f'kind = "file"\nside = "{side}"\narchive = true\npath = "{history}"')
    producers = build(
        sources_dir=bench.sources,
        data_dir=bench.folder,
        kafka=bench.kafka,
        namespace=bench.namespace,
        observe=told.append,
        pseudonym_key=b"a key of the test's own",
        scan_every=0.1,
    )
    await bench.run(producers)
    done = {"live-offer", "live-seeker", "history-offer", "history-seeker"}

    def read() -> bool:
        return done == {fact.source for fact in told if isinstance(fact, SourcePolled) and fact.seen}

    await until(read)
    await bench.stop()
    tables = await stored(bench, tmp_path)
    assert set(TABLES) <= {*topics()}
    assert {"ads", "vacancies", "market_counts", "rejects", "source_status"} <= {
        name for name, rows in tables.items() if rows != "[]"
    }
    everything = {topic: [*(await bench.records(topic))] for topic, one in topics().items() if one.scope != "cluster"}
    readable = (value for key, value in everything["postings-raw"] if key and b"\tx:" not in key)
    postings = [json.loads(value) for value in readable]
    assert {posting["side"] for posting in postings if posting.get("title")} == {"offer", "seeker"}
    rejects = [msgspec.json.decode(value, type=Rejected) for _, value in everything["postings-rejected"]]
    assert {reject.source for reject in rejects} >= {"live-offer", "live-seeker"}
    assert all(reject.data == "" for reject in rejects if reject.source == "live-seeker")
    told_bytes = [
        (topic, (key or b"") + b" " + (value or b"")) for topic, found in everything.items() for key, value in found
    ]
    told_bytes += [("rejected data", reject_bytes(reject)) for reject in rejects]
    told_bytes += [("log", repr(fact).encode()) for fact in told]
    told_bytes += [(f"log of {log.stem}", log.read_bytes()) for log in tmp_path.glob("*.log")]
    told_bytes += [(f"table {name}", rows.encode()) for name, rows in tables.items()]
    for topic, data in told_bytes:
        for secret in SECRETS:
            assert secret.encode() not in data, (topic, data[max(0, data.index(secret.encode()) - 300) :][:600])


async def stored(bench: Bench, folder: Path) -> dict[str, str]:
    """What the stages and the sink make of the topics: the rows of each table of the store, printed."""
    variables = {
        "MARSAD_DATA_DIR": str(folder / "stages"),
        "MARSAD_KAFKA": bench.kafka.bootstrap,
        "MARSAD_GENERATION": bench.namespace.generation,
        "MARSAD_RAW": bench.namespace.raw,
        "MARSAD_STREAMS_METRICS_PORT": str(free_ports(1)[0]),
        "MARSAD_HTTP_PORT": str(free_ports(1)[0]),
    }
    running = []
    for name in ("streams", "dashboard"):
        with (folder / f"{name}.log").open("wb") as log:
            command = (sys.executable, "-m", "deploy.cli", "run", name)
            environment = {**os.environ, **variables}
            running.append(await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log))
    try:
        async with Readback(bench.kafka, bench.namespace) as readback, asyncio.timeout(240):
            for stage in ("ads", "market"):
                names = {bench.namespace.topic(name): name for name in inputs(stage, topics())}
                while any(one.lag for one in await readback.stage_progress(stage, names)):
                    await asyncio.sleep(0.2)
            while any(one.lag for one in await readback.group_progress("sink", inputs("sink", topics()))):
                await asyncio.sleep(0.2)
    finally:
        for process in running:
            process.terminate()
            await process.wait()
    # An embedded store is one process's: what it holds is read in another.
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READER, str(folder / "stages" / "store"), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await reader.communicate()
    return dict(_rows(printed.decode()))


READER = """
import sys
from pathlib import Path
from store.connect import connect
store = connect(None, Path(sys.argv[1]))
for (name,) in store.query("SELECT name FROM system.tables WHERE database = currentDatabase()"):
    print(name, store.query(f"SELECT * FROM `{name}`"), sep="\\t")
store.close()
"""


def _rows(printed: str) -> Iterator[tuple[str, str]]:
    for line in printed.splitlines():
        name, _, rows = line.partition("\t")
        yield name, rows


def reject_bytes(reject: Rejected) -> bytes:
    """The bytes that a reject keeps."""
    return base64.b64decode(reject.data)
