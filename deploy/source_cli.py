"""`marsad source …`: connect, check, read once, list and pause sources from the command line."""

import asyncio
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from deploy.datadir import open_data_dir
from deploy.errors import DeployError
from deploy.kafka.broker import answers
from deploy.processes import pseudonym_key
from deploy.settings import Settings, read_settings
from producers import connect, sources
from producers.detect.fetch import Checker
from producers.detect.finding import Finding, to_toml
from producers.publish import Publisher
from producers.shape import Reject, sealed
from producers.sources import PAUSED, RESET, FileSource, Source, SourceError
from producers.web.failure import FetchFailed
from producers.web.fetch import Web, utc_now
from schemas.messages import Posting, SourceStatus

Named = Annotated[str, typer.Argument(help="The source's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def build() -> typer.Typer:
    """Build the commands."""
    app = typer.Typer(no_args_is_help=True, help="Sources: a file each in the sources folder (docs/sources.md).")
    app.command("list")(list_sources)
    app.command("add")(add)
    app.command("check")(check)
    app.command("run-once")(run_once)
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("reset")(reset)
    return app


def list_sources(*, as_json: AsJson = False) -> None:
    """List the sources: what each is, whether it is paused, and what is wrong with files that are none."""
    found = sources.read(read_settings().sources)
    rows = [
        {
            "name": name,
            "kind": sources.kind(source),
            "side": source.side,
            "address": source.path or source.url if isinstance(source, FileSource) else source.url,
            "interval": source.interval,
            "file": found.files[name],
            "paused": name in found.paused,
        }
        for name, source in sorted(found.found.items())
    ]
    if as_json:
        _print_json({"sources": rows, "wrong": found.wrong})
        return
    table = Table("name", "kind", "side", "address", "every", "state")
    for row in rows:
        state = "paused" if row["paused"] else "followed"
        table.add_row(
            *(str(row[part]) for part in ("name", "kind", "side", "address")), f"{row['interval']:g} s", state
        )
    console = Console()
    console.print(table)
    for problem in found.wrong.values():
        console.print(f"wrong: {problem}", markup=False)


def add(
    file: Annotated[str, typer.Argument(help="A source file; - is standard input.")],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="In place of the source of its name.")] = False,
) -> None:
    """Put a source file into the sources folder, where running producers pick it up; refuse one that is wrong."""
    folder = read_settings().sources
    text = sys.stdin.read() if file == "-" else _text(Path(file))
    source = _parsed(file, text)
    known = sources.read(folder)
    if source.name in known.found and not replace:
        raise DeployError(
            f"{source.name} is a source already ({known.files[source.name]}): --replace puts this in its place"
        )
    path = folder / known.files.get(source.name, f"{source.name}.toml")
    folder.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
    _say(f"{source.name}: {path}")


def check(
    target: Annotated[str, typer.Argument(help="An address, or a source file.")],
    *,
    as_json: AsJson = False,
    allow_loopback: Annotated[
        bool, typer.Option("--allow-loopback", help="The address may lie on this machine or in a private network.")
    ] = False,
) -> None:
    """Look at an address: what kind of source it is, what of a few items is mapped and what not, and its file.

    Of a source file, say whether it is one. Exit code 1 when nothing can be made of it.
    """
    if not target.startswith(("http://", "https://")):
        source = _parsed(target, _text(Path(target)))
        _print_json({"kind": sources.kind(source), "name": source.name}) if as_json else _say(
            f"{target}: {source.name}"
        )
        return
    try:
        found = asyncio.run(_check(read_settings(), target, allow_loopback=allow_loopback))
    except FetchFailed as failure:
        if as_json:
            _print_json(
                {"kind": None, "items": [], "mapped": {}, "unmapped": [], "source_toml": "", "error": str(failure)}
            )
        else:
            sys.stderr.write(f"marsad: {failure}\n")
        raise typer.Exit(1) from None
    if as_json:
        _print_json(_plain(found))
    else:
        _show(found)


async def _check(settings: Settings, url: str, *, allow_loopback: bool) -> Finding:
    web = Web(observe=lambda _fact: None, clock=utc_now, contact=settings.contact, attempts=2)
    await web.open()
    try:
        with tempfile.TemporaryDirectory() as spool:
            checker = Checker(web=web, clock=utc_now, spool=Path(spool), allow_loopback=allow_loopback)
            return await checker.check(url)
    finally:
        await web.close()


def _plain(found: Finding) -> dict[str, object]:
    return {
        "kind": sources.kind(found.source),
        "items": found.shown(),
        "mapped": dict(found.mapped),
        "unmapped": list(found.unmapped),
        "lacking": found.lacking,
        "source_toml": to_toml(found.source),
    }


def _show(found: Finding) -> None:
    console = Console()
    kind = sources.kind(found.source)
    console.print(f"{kind}: {len(found.postings)} of {len(found.items)} items looked at are postings")
    table = Table("field", "where it stands", "of the items", "for example")
    for name, where in found.mapped.items():
        example = next((text for posting in found.postings if (text := getattr(posting, name, None))), "")
        share = f"{found.share(name):.0%}" if hasattr(found.postings[0], name) else ""
        table.add_row(name, where, share, str(example)[:60])
    console.print(table, markup=False)
    if found.lacking:
        console.print(f"Most items have no {', '.join(found.lacking)}.")
    if found.unmapped:
        console.print(f"Not mapped: {'; '.join(found.unmapped)}", markup=False)
    console.print("\nThe proposed file; `marsad source add FILE` connects it:\n")
    sys.stdout.write(to_toml(found.source))


@dataclass(frozen=True)
class _Once:
    status: SourceStatus
    rejected: Counter[str]


def run_once(
    source: Annotated[str, typer.Argument(help="A source's name, or a source file.")],
    *,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print the postings, NDJSON, in place of publishing them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read a source once from its beginning and publish what it shows; what was published before is not remembered."""
    settings = read_settings()
    known = sources.read(settings.sources).found
    chosen = known.get(source) or _parsed(source, _text(Path(source)))
    try:
        key = pseudonym_key(settings, open_data_dir(settings.data_dir))
        done = asyncio.run(_run_once(settings, chosen, key, print_only=print_only))
    except FetchFailed as failure:
        raise DeployError(f"{chosen.name}: {failure}") from failure
    if as_json and not print_only:
        _print_json(msgspec.to_builtins(done.status) | {"rejects": dict(done.rejected)})
        return
    told = "; ".join(f"{count} {reason}" for reason, count in done.rejected.items())
    told = f" ({told})" if told else ""
    line = f"{chosen.name}: {done.status.published} postings, {done.status.rejected} rejected{told}"
    line += f"; {done.status.message}" if done.status.message else ""
    (sys.stderr.write if print_only else sys.stdout.write)(line + "\n")


async def _run_once(settings: Settings, source: Source, key: bytes, *, print_only: bool) -> _Once:
    kafka = settings.kafka_connection
    if not print_only and not await answers(kafka):
        raise DeployError(f"Kafka at {kafka.bootstrap} does not answer: start it, or --print the postings")
    web = Web(observe=lambda _fact: None, clock=utc_now, contact=settings.contact)
    await web.open()
    try:
        with tempfile.TemporaryDirectory() as spool:
            found = await connect.collect(source, web=web, spool=Path(spool), clock=utc_now)
    finally:
        await web.close()
    private = source.side == "seeker"
    read: list[Posting | Reject] = [*found.postings, *found.rejects]
    shown = [sealed(item, key, source=source.name, seekers=private) for item in read]
    postings = [item for item in shown if isinstance(item, Posting)]
    rejects = [item for item in shown if isinstance(item, Reject)]
    status = SourceStatus(
        source=source.name,
        at=datetime.now(UTC),
        state="ok" if found.complete else "degraded",
        kind=sources.kind(source),
        seen=len(postings),
        published=len(postings),
        rejected=len(rejects),
        message=found.trouble,
    )
    if print_only:
        encoder = msgspec.json.Encoder()
        for posting in postings:
            sys.stdout.buffer.write(encoder.encode(posting) + b"\n")
        return _Once(status, Counter(reject.reason for reject in rejects))
    publisher = Publisher(kafka=kafka, namespace=settings.namespace, observe=lambda _fact: None, clock=utc_now)
    try:
        rejects += await publisher.postings(source.name, postings)
        await publisher.rejects(source.name, rejects)
        await publisher.status(status)
    finally:
        await publisher.close()
    return _Once(status, Counter(reject.reason for reject in rejects))


def pause(name: Named) -> None:
    """Ask a source for nothing until it is resumed; running producers notice within seconds."""
    folder = _folder_of(name)
    (folder / f"{name}{PAUSED}").touch()
    _say(f"{name} is paused; `marsad source resume {name}` goes on")


def resume(name: Named) -> None:
    """Let a paused source go on."""
    folder = _folder_of(name)
    (folder / f"{name}{PAUSED}").unlink(missing_ok=True)
    _say(f"{name} goes on")


def reset(name: Named) -> None:
    """Forget what a source has delivered: all that it shows is read and delivered again.

    The process that follows it does so within seconds, one that starts later at its beginning.
    """
    folder = _folder_of(name)
    (folder / f"{name}{RESET}").touch()
    _say(f"{name} begins anew as soon as producers run")


def _folder_of(name: str) -> Path:
    folder = read_settings().sources
    if name not in sources.read(folder).found:
        raise DeployError(f"{name} is no source: `marsad source list` names them")
    return folder


def _parsed(file: str, text: str) -> Source:
    try:
        return sources.parse(Path(file).name, text)
    except SourceError as error:
        raise DeployError(str(error)) from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise DeployError(f"{path}: neither the name of a source nor a file that can be read ({error})") from None


def _print_json(data: object) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False, default=str) + "\n")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
