"""How `marsad status` looks in a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.status import Status

COLOURS = {"ok": "green", "degraded": "yellow", "silent": "red", "blocked": "red", "paused": "dim"}


def show(status: Status, generation: str, console: Console) -> None:
    """Print one table a subject; what is held comes first."""
    for name, message in status.held.items():
        console.print(f"[red]{name} is stopped[/red]: ", end="")
        console.print(message, markup=False)
        console.print("  `marsad resume` starts it again")
    console.print(_stages(status, generation))
    console.print(_rejects(status))
    console.print(_sources(status))


def _stages(status: Status, generation: str) -> Table:
    table = Table(title=f"Stages of generation {generation}", title_justify="left")
    for heading in ("stage", "reads"):
        table.add_column(heading)
    for heading in ("lag", "records/s"):
        table.add_column(heading, justify="right")
    for stage in status.stages:
        table.add_row(stage.stage, stage.topic, f"{stage.lag:,}", f"{stage.rate:,.0f}")
    return table


def _rejects(status: Status) -> Table:
    part = "" if status.rejects_read == status.rejects_total else f", reasons of the last {status.rejects_read:,}"
    table = Table(title=f"Rejected: {status.rejects_total:,}{part}", title_justify="left")
    table.add_column("stage")
    table.add_column("reason")
    table.add_column("records", justify="right")
    for (stage, reason), count in sorted(status.rejects.items(), key=lambda item: -item[1]):
        table.add_row(escape(stage), escape(reason), f"{count:,}")
    return table


def _sources(status: Status) -> Table:
    table = Table(title="Sources", title_justify="left")
    for heading in ("source", "kind", "state", "seen/expected", "last success (UTC)", "message"):
        table.add_column(heading)
    for source in status.sources:
        expected = "" if source.expected is None else f"/{source.expected:,.0f}"
        success = source.last_success.strftime("%Y-%m-%d %H:%M:%S") if source.last_success else "never"
        state = f"[{COLOURS[source.state]}]{source.state}[/]"
        seen = f"{source.seen:,}{expected}"
        table.add_row(escape(source.source), escape(source.kind), state, seen, success, escape(source.message))
    return table
