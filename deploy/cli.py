"""The command line: `marsad up`, and each part of it by itself."""

import asyncio
import json
import logging
import shutil
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import structlog
import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from deploy import ndjson, processes, source_cli, tables, taxonomy, topics
from deploy import status as reading
from deploy import supervisor as supervising
from deploy import up as starting
from deploy.checks import Benchmark, choose, run_benchmark, run_suite
from deploy.current import read_settled
from deploy.datadir import DataDir, open_data_dir
from deploy.errors import EX_CONFIG, DeployError
from deploy.kafka.broker import answers
from deploy.market_view import show_verdict
from deploy.settings import Settings, read_settings
from deploy.status_view import show
from deploy.waiting import wait_for
from schemas.topics import Namespace


class Process(StrEnum):
    """What `marsad run` can run."""

    STREAMS = "streams"
    PRODUCERS = "producers"
    PUSH = "push"
    DASHBOARD = "dashboard"
    MARKET = "market"


def build() -> typer.Typer:
    """Build the command line."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)
    broker = typer.Typer(no_args_is_help=True, help="The local Kafka broker.")
    broker.command("start")(kafka_start)
    broker.command("stop")(kafka_stop)
    broker.command("status")(kafka_status)
    simulated = typer.Typer(no_args_is_help=True, help="The simulated market.")
    simulated.command("truth")(market_truth)
    simulated.command("check")(market_check)
    app.command()(up)
    app.command()(run)
    app.add_typer(broker, name="kafka")
    app.add_typer(source_cli.build(), name="source")
    topical = typer.Typer(invoke_without_command=True, help=create_topics.__doc__)
    topical.callback()(create_topics)
    topical.command("grow")(grow_topics)
    topical.command("drop")(drop_generation)
    app.add_typer(topical, name="topics")
    app.command()(replay)
    app.command()(migrate)
    app.command()(status)
    app.command()(resume)
    app.command()(doctor)
    app.add_typer(simulated, name="market")
    app.command()(enrich)
    app.command()(match)
    app.command()(learn)
    app.command()(evaluate)
    app.command()(explain)
    app.add_typer(taxonomy.build(), name="taxonomy")
    app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(run_tests)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench)
    return app


def main() -> None:
    """Run the command line; what is wrong with the installation is one line and exit code 78."""
    logging.basicConfig(level=logging.CRITICAL)  # libraries' retries are no news in a terminal; `run` logs them
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is for the answer
    try:
        build()()
    except DeployError as error:
        sys.stderr.write(f"marsad: {error}\n")
        sys.exit(EX_CONFIG)


def up(
    *,
    archive: Annotated[
        Path | None, typer.Option("--replay", help="Feed this archive (NDJSON or CSV, plain or .gz) as a generation.")
    ] = None,
    until_drained: Annotated[
        bool,
        typer.Option("--until-drained", help="Stop when all of it is in the store or rejected, and account for it."),
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Where to write the account of a replay, as JSON.")] = None,
    rate: Annotated[float | None, typer.Option(help="Sightings a second of a replay; unset: as fast as taken.")] = None,
) -> None:
    """Start everything, supervised, and go on from where it was; Ctrl-C stops it."""
    settings, data = _open()
    if archive is None:
        asyncio.run(starting.up(settings, data, Console()))
        return
    from deploy import replay as replaying  # noqa: PLC0415 - the lexicon is loaded by those who use it

    options = replaying.ReplayOptions(archive, until_drained, report, rate)
    raise typer.Exit(0 if asyncio.run(replaying.replay(settings, data, Console(), options)) else 1)


def run(
    process: Annotated[Process, typer.Argument(help="The process to run in the foreground.")],
    *,
    resume: Annotated[bool, typer.Option("--resume", help="Go on past what made it refuse.")] = False,
    worker: Annotated[int, typer.Option(min=1, max=9, help="Which of several stream workers of this machine.")] = 1,
) -> None:
    """Run one process by itself; `marsad up` runs them all."""
    settings, data = _open()
    match process:
        case Process.STREAMS:
            asyncio.run(processes.run_streams(settings, data, resume=resume, worker=worker))
        case Process.PRODUCERS:
            asyncio.run(processes.run_producers(settings, data))
        case Process.PUSH:
            asyncio.run(processes.run_push(settings, data))
        case Process.DASHBOARD:
            asyncio.run(processes.run_dashboard(settings, data))
        case Process.MARKET:
            asyncio.run(processes.run_market(settings, data))


def kafka_start() -> None:
    """Start the local broker by itself, and wait until it answers."""
    settings, data = _open_local("start")
    broker = starting.broker_of(settings, data)
    broker.start(data.logs / "kafka.log", _say)
    _say(f"Kafka answers at {broker.connection.bootstrap} (process {broker.pid()})")


def kafka_stop() -> None:
    """Stop the local broker."""
    settings, data = _open_local("stop")
    _say("Kafka is stopped" if starting.broker_of(settings, data).stop() else "Kafka was not running")


def kafka_status() -> None:
    """Say whether the local broker runs; exit code 1 if it does not answer."""
    settings, data = _open_local("ask for")
    broker = starting.broker_of(settings, data)
    found = broker.status()
    if found.pid is None:
        _say("Kafka is not running")
    elif found.ready:
        _say(f"Kafka answers at {broker.connection.bootstrap} (process {found.pid}, {found.resident_mb} MB)")
    else:
        _say(f"Kafka runs (process {found.pid}) but does not answer: {data.logs / 'kafka.log'}")
    raise typer.Exit(0 if found.ready else 1)


def create_topics(context: typer.Context) -> None:
    """Create the topics of the generation, and check those that exist against their contracts."""
    if context.invoked_subcommand is not None:
        return
    settings, _ = _open()
    registry, generation = asyncio.run(_ensure(settings))
    _say(f"Generation {generation} has its topics; current is {registry.current or 'none'}")


def grow_topics(
    partitions: Annotated[int, typer.Argument(min=2, max=256, help="Partitions from then on.")],
    *,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Leave behind what was logged before."),
    ] = None,
    into: Annotated[str | None, typer.Option(help="Name of the new generation.")] = None,
) -> None:
    """Move to more partitions: a new generation from a re-keyed copy of the raw topic, beside the live results."""
    from deploy import grow  # noqa: PLC0415 - `marsad up` in most cases

    settings, data = _open()
    options = grow.GrowOptions(partitions, into, _in_utc(since))
    raise typer.Exit(0 if asyncio.run(grow.grow(settings, data, Console(), options)) else 1)


def drop_generation(
    generation: Annotated[str, typer.Argument(help="A generation that is not the current one.")],
) -> None:
    """Delete a generation: topics, rows and local state; its raw topics too where no other generation reads them."""
    from deploy import belonging  # noqa: PLC0415 - the sink's modules, for this command alone

    settings, data = _open()
    kafka = settings.kafka_connection
    known = asyncio.run(topics.registry(kafka)).generations.get(generation)
    if known is not None:
        asyncio.run(topics.drop(kafka, Namespace(generation, known.raw)))
        for state in data.path.glob("state*"):
            shutil.rmtree(state / generation, ignore_errors=True)
    try:
        store, _ = tables.open_store(settings, data, _say)
    except DeployError as error:
        if known is None:
            raise
        _say(f"Generation {generation} is deleted, but for its rows; the same command will delete them later: {error}")
        return
    try:
        stored = belonging.forget(store, generation)
    finally:
        store.close()
    if known is None and not stored:
        raise DeployError(f"there is no generation {generation}")
    _say(f"Generation {generation} is deleted")


DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def replay(
    *,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=DATES, help="Rebuild from what was logged then (UTC) on.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=DATES, help="Up to then (UTC); never the current generation.")
    ] = None,
    into: Annotated[str | None, typer.Option(help="Name of the new generation.")] = None,
) -> None:
    """Rebuild history from the raw topic with the code as it is now, beside the live results, and switch over."""
    from deploy import rebuild  # noqa: PLC0415 - `marsad up` in most cases

    settings, data = _open()
    options = rebuild.RebuildOptions(_in_utc(since), _in_utc(until), into)
    raise typer.Exit(0 if asyncio.run(rebuild.replay(settings, data, Console(), options)) else 1)


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def migrate(
    *, quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing when there is nothing to do.")] = False
) -> None:
    """Bring the store's tables up to date."""
    settings, data = _open()
    store, applied = tables.open_store(settings, data, _say)
    store.close()
    for name in applied:
        _say(f"applied {name}")
    if not applied and not quiet:
        _say("The tables are up to date")


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show each stage's lag and rate, what was rejected and why, and how the sources do."""
    settings, data = _open()
    kafka = settings.kafka_connection
    if not asyncio.run(answers(kafka)):
        raise DeployError(f"Kafka at {kafka.bootstrap} does not answer: start it with `marsad up`")
    try:
        settings = asyncio.run(read_settled(settings))
        found = asyncio.run(reading.read_status(kafka, settings.namespace, supervising.held(data.stopped)))
    except KafkaError as error:
        raise DeployError(f"Kafka at {kafka.bootstrap} cannot be read: {error}") from error
    if as_json:
        sys.stdout.write(json.dumps(reading.as_plain(found)) + "\n")
    else:
        show(found, settings.generation, Console())


def resume() -> None:
    """Let the processes that refused to go on start again."""
    _, data = _open()
    names = supervising.resume(data.stopped)
    _say(f"{', '.join(names)} may go on" if names else "Nothing is stopped")


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Check everything that has to hold, and say what does not and what to do; exit code 1 if anything fails."""
    from deploy import doctor as examining  # noqa: PLC0415 - loads the store's drivers

    settings, data = _open()
    findings = asyncio.run(examining.examine(settings, data))
    if as_json:
        sys.stdout.write(json.dumps({"checks": [asdict(finding) for finding in findings]}) + "\n")
    else:
        for finding in findings:
            mark = {"ok": "✓", "failed": "✗", "unknown": "?"}[finding.verdict]
            _say(f"{mark} {finding.check}: {finding.detail}")
            if finding.way_out:
                _say(f"    {finding.way_out}")
    raise typer.Exit(1 if any(finding.verdict == "failed" for finding in findings) else 0)


def enrich(file: Annotated[str, typer.Argument(help="NDJSON, plain or gzipped; - is standard input.")]) -> None:
    """Add what Marsad reads out of each posting of a file: one row out for each row in."""
    from streams import offline  # noqa: PLC0415 - the lexicon is loaded by those who use it
    from streams.enrich.enricher import Enricher  # noqa: PLC0415

    with ndjson.lines_of(file) as lines:
        ndjson.write_rows(offline.enrich(lines, Enricher.load(_imported())))


def match(file: Annotated[str, typer.Argument(help="NDJSON, plain or gzipped; - is standard input.")]) -> None:
    """Add the vacancy of each posting of a file, beside what `enrich` adds: one row out for each row in."""
    from streams import offline  # noqa: PLC0415 - same
    from streams.enrich.enricher import Enricher  # noqa: PLC0415

    with ndjson.lines_of(file) as lines:
        ndjson.write_rows(offline.match(lines, Enricher.load(_imported())))


def learn(
    file: Annotated[str, typer.Argument(help="NDJSON of postings, plain or gzipped; - is standard input.")],
    *,
    into: Annotated[Path | None, typer.Option(help="The folder to write; unset: the one that matching reads.")] = None,
) -> None:
    """Learn which sentences stand under many jobs and how common title words are: hashes and counts that `match` reads.

    New tables are a new taxonomy, and so a new generation.
    """
    from streams import offline  # noqa: PLC0415 - same
    from streams.match import learnt  # noqa: PLC0415
    from streams.match.tables import Tables  # noqa: PLC0415

    with ndjson.lines_of(file) as lines:
        found = offline.learn(lines, Tables.load())
    if not found.ads:
        raise DeployError(f"{file} holds no posting to learn from")
    found.write(into or learnt.HERE)
    _say(f"{found.ads} ads: {len(found.boilerplate)} hashes of boilerplate, {len(found.title_words)} of title words")


def evaluate(
    task: Annotated[str, typer.Argument(help="occupations, locations, pairs, pairs_fr_ar, attributes or titles.")],
    file: Annotated[
        str, typer.Argument(help="Labelled rows, NDJSON (titles: CSV or TSV), plain or gzipped; - is standard input.")
    ],
    *,
    postings: Annotated[
        str | None,
        typer.Option(help="The postings that rows of labels name by `hash`, where they are not in the file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    misses: Annotated[
        bool, typer.Option("--misses", help="The rows that were coded, placed or matched wrongly, too.")
    ] = False,
) -> None:
    """Measure the production code on rows that people labelled, with 95 % bootstrap intervals."""
    from deploy import evaluation  # noqa: PLC0415 - same

    if task not in set(evaluation.Task):
        raise typer.BadParameter(f"one of {', '.join(evaluation.Task)}", param_hint="TASK")
    report = evaluation.evaluate(evaluation.Task(task), file, postings, _imported())
    if as_json:
        ndjson.write_rows([report if misses else msgspec.structs.replace(report, misses=())])
    else:
        evaluation.show(report, Console(), misses=misses)


def explain(
    title: Annotated[str, typer.Argument(help="A job's title, as a portal writes it.")],
    *,
    sector: Annotated[str | None, typer.Option(help="The sector field of the posting.")] = None,
    description: Annotated[str | None, typer.Option(help="Its description.")] = None,
    company: Annotated[str | None, typer.Option(help="Its employer.")] = None,
    contract: Annotated[str | None, typer.Option(help="Its contract field.")] = None,
) -> None:
    """Show how a title is coded: what was read, the candidates and what speaks for each, and the confidence."""
    from deploy import explanation  # noqa: PLC0415 - same
    from streams.enrich.occupation import Coder  # noqa: PLC0415

    fields: dict[str, str | None] = {
        "title": title,
        "sector": sector,
        "description": description,
        "company": company,
        "contract": contract,
    }
    explanation.explain(Coder.load(_imported()), Console(), fields)


def market_truth(
    *, past: Annotated[bool, typer.Option("--past", help="The vacancies of the six weeks before, too.")] = False
) -> None:
    """Print what is true in the simulated market: spikes planted, and which ads are one vacancy, NDJSON."""
    from deploy.market.app import shelf_of  # noqa: PLC0415
    from deploy.market.truth import truth  # noqa: PLC0415

    settings, data = _open()
    shelf = shelf_of(data.path)
    if shelf is None:
        raise DeployError("no simulated market has run here yet: `marsad up` starts one")
    ndjson.write_rows(truth(shelf.market, shelf, past=past, key=processes.pseudonym_key(settings, data)))


def market_check(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Hold what was found in the simulated market against the truth: occupations, regions, vacancies, spikes."""
    from deploy import market_check as checking  # noqa: PLC0415 - reads the truth, which only the market has
    from deploy.market.app import shelf_of  # noqa: PLC0415
    from deploy.market.truth import truth  # noqa: PLC0415
    from streams.detect import DetectOptions  # noqa: PLC0415

    settings, data = _open()
    shelf = shelf_of(data.path)
    if shelf is None:
        raise DeployError("no simulated market has run here yet: `marsad up` starts one")
    settings = asyncio.run(read_settled(settings))
    found = asyncio.run(checking.found_in(settings.kafka_connection, settings.namespace))
    key = processes.pseudonym_key(settings, data)
    verdict = checking.check(truth(shelf.market, shelf, past=True, key=key), found, DetectOptions())
    if as_json:
        sys.stdout.write(json.dumps(verdict.plain()) + "\n")
    else:
        show_verdict(verdict, Console())


def run_tests(context: typer.Context) -> None:
    """Run the checks and tests of a checkout: `marsad test [lint|faults|market|bench] [options of pytest]`."""
    suite, extra = choose(context.args)
    raise typer.Exit(run_suite(suite, extra, _say))


def bench(context: typer.Context, benchmark: Benchmark) -> None:
    """Measure, in a checkout: a table, or with `--json` one JSON object; `-- --help` shows what can be varied."""
    raise typer.Exit(run_benchmark(benchmark, context.args))


async def _ensure(settings: Settings) -> tuple[topics.Registry, str]:
    kafka = settings.kafka_connection
    await wait_for(lambda: answers(kafka), f"Kafka at {kafka.bootstrap} does not answer yet: waiting", _say)
    settings = await read_settled(settings)
    known = await topics.ensure(
        kafka,
        settings.namespace,
        settings.partitions,
        now=datetime.now(UTC),
        replication=settings.kafka_replication,
    )
    return known, settings.generation


def _open() -> tuple[Settings, DataDir]:
    settings = read_settings()
    return settings, open_data_dir(settings.data_dir)


def _imported() -> Path:
    """Return the folder of imported taxonomies, without making a data directory."""
    return DataDir(read_settings().data_dir.absolute()).taxonomies


def _open_local(verb: str) -> tuple[Settings, DataDir]:
    settings, data = _open()
    if not settings.local_kafka:
        raise DeployError(f"MARSAD_KAFKA names a cluster of yours: there is no local broker to {verb}")
    return settings, data


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
