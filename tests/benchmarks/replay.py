"""`marsad bench replay`: everything rebuilt from the raw topic: rate and memory over the whole way.

Memory is flat when its greatest value over the last half is little above that of the second quarter, and the pace holds
when the last fifth takes little longer than the first.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.connections import KafkaConnection
from tests.benchmarks import lab, market
from tests.benchmarks.pipeline import prepare


async def measure(connection: KafkaConnection, folder: Path, options: Any) -> dict[str, Any]:  # noqa: ANN401 - argparse's
    """Fold all of it; the worker ends when every ad version is durable in the market stage."""
    namespace = await prepare(connection, options.records, options.seed)
    place = market.Options(
        options.records,
        options.seed,
        connection.bootstrap,
        namespace.generation,
        str(folder / "state"),
        options.records,
    )
    return await asyncio.to_thread(lab.run, place.arguments("worker"), timeout=86_400)


def pace(samples: Sequence[Sequence[float]], begin: float, end: float) -> float:
    """Ad versions a second of the market stage between two shares of all of them."""
    last = samples[-1][2]
    inside = [sample for sample in samples if begin * last <= sample[2] <= end * last]
    if len(inside) < 2 or inside[-1][0] <= inside[0][0]:
        return 0.0
    return (inside[-1][2] - inside[0][2]) / (inside[-1][0] - inside[0][0])


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = lab.parser(__doc__, records=5_000_000)
    options = parser.parse_args(arguments)
    machine = lab.machine()
    with lab.broker(lab.settings()) as (connection, folder):
        worker = asyncio.run(measure(connection, folder, options))
    samples = worker["samples"]
    last = samples[-1][2]
    quarter = [sample[3] for sample in samples if 0.25 * last <= sample[2] <= 0.5 * last]
    half = [sample[3] for sample in samples if sample[2] >= 0.5 * last]
    first, end = pace(samples, 0.0, 0.2), pace(samples, 0.8, 1.0)
    found = {
        "settings": {name: getattr(options, name) for name in ("records", "seed")},
        "rate": worker["rate"],
        "first_fifth": first,
        "last_fifth": end,
        "last_to_first": end / first if first else None,
        "peak_mb": max(sample[3] for sample in samples),
        "second_quarter_mb": max(quarter, default=0),
        "last_half_mb": max(half, default=0),
        "samples": samples[:: max(1, len(samples) // 100)],
        "machine": machine,
    }
    rows = [
        ("postings/s", f"{found['rate']:,.0f}"),
        ("postings/s over the first fifth", f"{first:,.0f}"),
        ("postings/s over the last fifth", f"{end:,.0f}"),
        ("greatest memory, MB", str(found["peak_mb"])),
        ("greatest memory in the second quarter, MB", str(found["second_quarter_mb"])),
        ("greatest memory in the last half, MB", str(found["last_half_mb"])),
    ]
    lab.report(found, f"{options.records:,} postings rebuilt from the raw topic", ("", ""), rows, as_json=options.json)


if __name__ == "__main__":
    run()
