"""`marsad doctor`: look at everything that has to hold, and say what does not and what to do. It changes nothing."""

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable

import stamina
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from deploy import diagnosis, topics
from deploy.copy import RawCopy
from deploy.current import settled
from deploy.datadir import DataDir, exclusive
from deploy.debian import BROKER
from deploy.diagnosis import Finding, InputStands, failed, passed
from deploy.errors import DataDirError, DeployError, PortInUseError
from deploy.kafka.broker import answers
from deploy.markers import STAGES, Readback
from deploy.ports import listening, require_free
from deploy.settings import Settings
from deploy.status import inputs
from deploy.supervisor import held
from deploy.topic_ids import topic_ids
from deploy.up import broker_of, ports
from schemas.topics import Namespace
from schemas.topics import topics as contracts
from store import MigrationRefused, StoreError
from store.connect import connect
from store.migrate import waiting
from streams.engine.marker import decode

START = "`marsad up` starts it"


async def examine(settings: Settings, data: DataDir) -> list[Finding]:
    """Every check, in the order in which one depends on another."""
    runs = _up_runs(data)
    findings = [
        passed(
            "data directory",
            f"{data.path} is writable, of this layout; `marsad up` {'runs' if runs else 'is not running'}",
        ),
        diagnosis.of_space(shutil.disk_usage(data.path).free // 2**20),
        *diagnosis.of_stopped(held(data.stopped)),
        *_ports(settings, data, runs=runs),
    ]
    if settings.local_kafka:
        findings.append(await asyncio.to_thread(_java))
    if await answers(settings.kafka_connection):
        findings.append(passed("Kafka", f"{settings.kafka_connection.bootstrap} answers"))
        settings, found = await _of_kafka(settings)
        findings += found
    else:
        way_out = "`marsad up` or `marsad kafka start`" if settings.local_kafka else "start the cluster of MARSAD_KAFKA"
        findings.append(failed("Kafka", f"{settings.kafka_connection.bootstrap} does not answer", way_out))
        findings.append(Finding("topics, markers, changelogs", "unknown", "they stand in Kafka"))
    findings.append(await asyncio.to_thread(_store, settings, data, runs=runs))
    return findings


def _up_runs(data: DataDir) -> bool:
    with contextlib.suppress(DataDirError), exclusive(data):
        return False
    return True


def _ports(settings: Settings, data: DataDir, *, runs: bool) -> list[Finding]:
    if runs:
        silent = [name for name, address in ports(settings).items() if not listening(*address)]
        if silent:
            return [failed("ports", f"nobody listens where {', '.join(silent)} say", f"see {data.logs}")]
        return [passed("ports", "every process of `marsad up` listens")]
    wanted = dict(ports(settings))
    broker = broker_of(settings, data)
    if settings.local_kafka and broker.pid() is None:
        wanted |= broker.ports
    try:
        require_free(wanted)
    except PortInUseError as error:
        return [failed("ports", *_split(error))]
    return [passed("ports", f"{len(wanted)} are free")]


def _split(error: Exception) -> tuple[str, str]:
    """What is wrong, and the way out: our errors say both, with a colon between them."""
    said, _, way_out = str(error).rpartition(": ")
    return (said, way_out) if said else (str(error), "")


def _java() -> Finding:
    way_out = f"install {BROKER['java']}"
    try:
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S607
    except FileNotFoundError:
        return failed("Java", "it is not installed", way_out)
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < 17:
        return failed("Java", f"{said.splitlines()[:1]} is older than 17", way_out)
    return passed("Java", f"version {version[1]}")


async def _of_kafka(settings: Settings) -> tuple[Settings, list[Finding]]:
    """What stands in the topics; also settings that name their generation."""
    kafka = settings.kafka_connection
    try:
        known = await topics.registry(kafka)
    except (KafkaError, ValueError) as error:
        return settings, [
            failed("registry", f"it cannot be read: {error}", "run the version that wrote it, or a later one")
        ]
    settings = settled(settings, known)
    made = known.generations.get(settings.generation)
    if made is None or not known.identities:
        return settings, [failed("generation", f"{settings.generation} has no topics yet", START)]
    findings = [_pointer(known)]
    checks: list[tuple[str, Callable[[], Awaitable[list[Finding]]]]] = [
        ("topics", lambda: _topics(settings, made)),
        ("topic identities", lambda: _identities(settings, known)),
        *((f"marker of {stage}", lambda stage=stage: _stage(settings, known, stage)) for stage in STAGES),
        ("sink", lambda: _sink(settings)),
        *([("old raw topic", lambda: _old_raw(settings, made))] if made.copied_from is not None else []),
    ]
    for name, check in checks:
        try:
            async for attempt in stamina.retry_context(on=GroupCoordinatorNotAvailableError, timeout=20.0):
                with attempt:  # a cluster that never had a group makes its coordinator at the first question
                    findings += await check()
        except (KafkaError, OSError) as error:
            findings.append(failed(name, f"cannot be read: {error or type(error).__name__}", "see the broker's log"))
    return settings, findings


def _pointer(known: topics.Registry) -> Finding:
    building = ", ".join(sorted(one.name for one in known.generations.values() if one.building))
    beside = f"; being built: {building} (`marsad replay` goes on with it)" if building else ""
    if known.current is None or known.current not in known.generations:
        return failed("generation pointer", f"it names {known.current or 'no generation'}, which does not exist", START)
    return passed("generation pointer", f"{known.current} is current{beside}")


async def _topics(settings: Settings, made: topics.Generation) -> list[Finding]:
    unlike = await topics.unlike(settings.kafka_connection, settings.namespace, made.partitions)
    problems = [
        failed("topics", f"{name}: {'; '.join(differ)}", "set it so in Kafka, or `marsad topics` where it is missing")
        for name, differ in unlike.items()
    ]
    return diagnosis.summed_up("topics", problems, "all are as their contracts say")


async def _identities(settings: Settings, known: topics.Registry) -> list[Finding]:
    names = [settings.namespace.topic(name) for name in contracts()]
    return diagnosis.of_identities(known.identities, await topic_ids(settings.kafka_connection), names)


async def _stage(settings: Settings, known: topics.Registry, stage: str) -> list[Finding]:
    namespace = settings.namespace
    made = known.generations[settings.generation]
    if stage == "detect" and made.of_an_archive:
        return [passed("marker of detect", "an archive has no alerts")]
    async with Readback(settings.kafka_connection, namespace) as readback:
        last = await readback.last_records(await readback.partitions(f"{stage}-changelog"))
        markers, problems = {}, []
        for tp, record in last.items():
            if record is None:
                continue
            try:
                markers[tp.partition] = decode(record.value or b"")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no marker of ours
                where = f"{tp.topic} partition {tp.partition}, offset {record.offset}"
                problems.append(
                    failed(
                        f"changelog of {stage}",
                        f"{where}: no marker that this version can read ({error})",
                        f"run the version that wrote it or a later one; or {diagnosis.REPLAY}",
                    )
                )
        bounds = await readback.bounds(
            [tp for name in inputs(stage, contracts()) for tp in await readback.partitions(name)]
        )
    committed = await _committed(settings, namespace)
    stands = [
        InputStands(
            tp.topic,
            tp.partition,
            first,
            end,
            committed.get((tp.topic, tp.partition)),
            known.identities.get(tp.topic, ""),
        )
        for tp, (first, end) in bounds.items()
    ]
    read = diagnosis.summed_up(
        f"changelog of {stage}", problems, f"{len(markers)} of {len(last)} partitions hold a marker"
    )
    return read if problems else read + diagnosis.of_inputs(stage, markers, stands)


async def _committed(settings: Settings, namespace: Namespace) -> dict[tuple[str, int], int]:
    admin = AIOKafkaAdminClient(**settings.kafka_connection.client_options())
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(namespace.group("streams"))
    finally:
        await admin.close()
    return {(tp.topic, tp.partition): one.offset for tp, one in offsets.items() if one.offset >= 0}


async def _sink(settings: Settings) -> list[Finding]:
    async with Readback(settings.kafka_connection, settings.namespace) as readback:
        partitions = [tp for name in inputs("sink", contracts()) for tp in await readback.partitions(name)]
        bounds = await readback.bounds(partitions)
        progress = await readback.group_progress("sink", inputs("sink", contracts()))
    ends = {(tp.topic, tp.partition): end for tp, (_, end) in bounds.items()}
    problems = [
        failed("sink", f"{one.topic} partition {one.partition} ends before what is in the store", diagnosis.REPLAY)
        for one in progress
        if one.done > ends[one.topic, one.partition]
    ]
    return diagnosis.summed_up("sink", problems, f"{sum(one.lag for one in progress)} records to go")


async def _old_raw(settings: Settings, made: topics.Generation) -> list[Finding]:
    """Whether a producer wrote into the raw topic that was grown out of, after its copy ended."""
    raw = made.copied_from or ""
    copy = RawCopy(settings.kafka_connection, Namespace(made.name, raw), settings.namespace, made.partitions)
    copied = await copy.committed()
    async with Readback(settings.kafka_connection, Namespace(made.name, raw)) as readback:
        ends = await readback.ends(await readback.partitions("postings-raw"))
    behind = sum(max(0, end - copied.get(tp, 0)) for tp, end in ends.items() if end)
    if behind:
        way_out = f"stop what writes there, and `marsad topics grow {made.partitions}` copies the rest"
        return [failed("old raw topic", f"{behind} records came in after its copy", way_out)]
    return [passed("old raw topic", "all of it is copied")]


def _store(settings: Settings, data: DataDir, *, runs: bool) -> Finding:
    url = settings.clickhouse.get_secret_value()
    if not url and runs:
        return _store_by_api(settings)
    try:
        store = connect(url or None, data.store)
        try:
            behind = waiting(store)
        finally:
            store.close()
    except MigrationRefused as error:
        return failed("store", *_split(error))
    except (StoreError, ValueError, DeployError) as error:
        return failed("store", f"it does not answer: {error}", "start ClickHouse, or mend MARSAD_CLICKHOUSE")
    if behind:
        return failed("store", f"{', '.join(behind)} not applied", "`marsad migrate` applies them")
    return passed("store", "it answers and its tables are up to date")


def _store_by_api(settings: Settings) -> Finding:
    """The embedded store belongs to the process that serves the API: ask that."""
    host = "127.0.0.1" if settings.http_host in {"0.0.0.0", "::"} else settings.http_host  # noqa: S104 - compared
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.http_port}/api/v1/health", timeout=10) as answer:
            body = json.load(answer)
    except urllib.error.HTTPError as error:
        body = json.load(error)
    except (OSError, ValueError) as error:
        return failed("store", f"the process that has it does not answer: {error}", "see logs/dashboard.log")
    found = body["dependencies"]["store"]
    if found["state"] == "down":
        return failed("store", found.get("detail", "down"), "see logs/dashboard.log")
    return passed("store", f"its process says {found['state']}")
