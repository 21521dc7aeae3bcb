"""How `marsad market check` looks in a terminal."""

from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from deploy.market_check import Verdict


def show_verdict(verdict: Verdict, console: Console) -> None:
    """Print the figures, then each planted spike, then what was raised where nothing was planted."""
    figures = Table(title="Found in the simulated market, against its truth", title_justify="left", show_header=False)
    for name, value in _figures(verdict):
        figures.add_row(name, value)
    console.print(figures)
    spikes = Table(title="Planted spikes", title_justify="left")
    for heading in ("start (UTC)", "side", "occupation", "region", "count / limit", "verdict"):
        spikes.add_column(heading)
    for one in verdict.spikes:
        said = "found" if one.found else "MISSED" if one.clear else "not found, nor clearly above its baseline"
        start = datetime.fromtimestamp(one.start, UTC).strftime("%H:%M")
        spikes.add_row(start, one.side, one.isco, one.region, f"{one.count} / {one.limit}", said)
    console.print(spikes)
    console.print(f"Spikes raised on cells that none was planted in: {len(verdict.alerts_elsewhere)}")
    for line in verdict.alerts_elsewhere:
        console.print(f"  {line}", markup=False)


def _figures(verdict: Verdict) -> list[tuple[str, str]]:
    right = verdict.occupation_right
    return [
        ("ads", f"{verdict.ads_found:,} of {verdict.ads_true:,} that were shown"),
        ("occupation right at 1, 2, 3, 4 digits", ", ".join(f"{right[digits]:.1%}" for digits in (1, 2, 3, 4))),
        (
            "occupation as published",
            f"{verdict.published_right:.1%} right, {verdict.published_digits} digits on average",
        ),
        ("region right", f"{verdict.region_right:.1%}"),
        ("pairs of ads that are one vacancy", _pairs(verdict)),
    ]


def _pairs(verdict: Verdict) -> str:
    precision, recall = _share(verdict.pair_precision), _share(verdict.pair_recall)
    return f"{verdict.pairs_found:,} found, {verdict.pairs_true:,} true: precision {precision}, recall {recall}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
