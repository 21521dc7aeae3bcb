"""`marsad bench replay`: everything rebuilt from a raw topic of years: rate, memory and local state over the whole way.

The generation is a live one: each posting's log time is its own, and what has outlived production's lifetimes is swept.
Memory is flat when its greatest value over the last half is little above that of the second quarter, and the pace holds
when the last fifth takes little longer than the first. By time, the last fifth flatters: `ads` runs ahead, and `market`
has the end to itself. Only the worker's processor time a posting, each stage taken over its own fifths, compares the
two, and on a machine that others use only that says something.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from deploy import topics
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from tests.benchmarks import lab, market, pipeline, years
from tests.benchmarks.market import Sample

Stage = Literal["ads", "market"]
STAGES: tuple[Stage, ...] = ("ads", "market")


async def prepare(connection: KafkaConnection, options: Any) -> tuple[Namespace, float]:  # noqa: ANN401 - argparse's
    """A generation whose raw topic holds the years, and the seconds that writing them took."""
    namespace = await pipeline.generation(connection)
    await topics.stamp(connection, namespace, by_producer=True)
    lab.say(f"writing {options.records:,} postings")
    flow = years.Flow(options.seed, options.a_day, market.PARTITIONS)
    began = time.monotonic()
    given = years.records(flow, options.records, options.processes)
    await lab.fill(connection, namespace.topic("postings-raw"), given)
    seconds = time.monotonic() - began
    lab.say(f"written in {seconds:,.0f} s, {1e6 * seconds / options.records:.0f} µs each")
    return namespace, seconds


async def measure(connection: KafkaConnection, folder: Path, options: Any) -> dict[str, Any]:  # noqa: ANN401
    """Fold all of it; the worker ends when every ad version is durable in the market stage.

    Each sighting makes one version: the second one of an ad comes on a later day, and that is told.
    """
    namespace, seconds = await prepare(connection, options)
    place = market.Options(
        options.records,
        options.seed,
        connection.bootstrap,
        namespace.generation,
        str(folder / "state"),
        options.records,
        archive=False,
    )
    worker = await asyncio.to_thread(lab.run, place.arguments("worker"), timeout=86_400, told=True)
    return {**worker, "preload_seconds": seconds}


def part(samples: Sequence[Sample], stage: Stage, begin: float, end: float) -> list[Sample]:
    """The samples between two shares of a stage's way; none where it was too short to have that part."""
    last = getattr(samples[-1], stage)
    inside = [sample for sample in samples if begin * last <= getattr(sample, stage) <= end * last]
    # It may have waited at an end of the part, for the other stage.
    while len(inside) > 1 and getattr(inside[-2], stage) == getattr(inside[-1], stage):
        inside.pop()
    return inside if len(inside) > 1 else []


def pace(samples: Sequence[Sample], stage: Stage, begin: float, end: float) -> float:
    """Ad versions a second of a stage between two shares of all of them."""
    inside = part(samples, stage, begin, end)
    if not inside:
        return 0.0
    return _gain(inside, stage) / _gain(inside, "seconds")


def cost(samples: Sequence[Sample], begin: float, end: float) -> float:
    """µs of the worker's processor time that a posting takes between two shares of the way of each stage.

    The stages are not at the same posting at the same time: `ads` runs ahead, `market` has the end to itself. So each
    is measured over its own part, its folds by its own versions, and all else that the process does by those of both.
    """
    spent = 0.0
    for stage in STAGES:
        inside = part(samples, stage, begin, end)
        if not inside:
            return 0.0
        folds = {one: _gain(inside, f"{one}_cpu") for one in STAGES}
        rest = _gain(inside, "cpu") - sum(folds.values())
        spent += folds[stage] / _gain(inside, stage) + rest / sum(_gain(inside, one) for one in STAGES)
    return 1e6 * spent


def _gain(inside: Sequence[Sample], name: str) -> float:
    return float(getattr(inside[-1], name) - getattr(inside[0], name))


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """What is told of the way: pace of its first and last fifth, memory and state of its second quarter and last half.

    Of a way too short to have the parts, the figures are 0 and the ratios None.
    """
    last = samples[-1].market
    quarter = [sample for sample in samples if 0.25 * last <= sample.market <= 0.5 * last]
    half = [sample for sample in samples if sample.market >= 0.5 * last]
    paces = {stage: (pace(samples, stage, 0.0, 0.2), pace(samples, stage, 0.8, 1.0)) for stage in STAGES}
    first, end = paces["market"]
    first_cpu, end_cpu = cost(samples, 0.0, 0.2), cost(samples, 0.8, 1.0)
    memory = [max((sample.memory_mb for sample in some), default=0) for some in (quarter, half)]
    state = [max((sample.state_mb for sample in some), default=0.0) for some in (quarter, half)]
    return {
        "first_fifth": first,
        "last_fifth": end,
        "last_to_first": end / first if first else None,
        "ads_first_fifth": paces["ads"][0],
        "ads_last_fifth": paces["ads"][1],
        "first_fifth_cpu_us": first_cpu,
        "last_fifth_cpu_us": end_cpu,
        "last_to_first_of_cpu": first_cpu / end_cpu if end_cpu else None,
        "peak_mb": max(sample.memory_mb for sample in samples),
        "second_quarter_mb": memory[0],
        "last_half_mb": memory[1],
        "flat": memory[1] / memory[0] if memory[0] else None,
        "second_quarter_state_mb": state[0],
        "last_half_state_mb": state[1],
        "samples": samples[:: max(1, len(samples) // 100)],
    }


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = lab.parser(__doc__, records=5_000_000)
    parser.add_argument(
        "--a-day",
        type=float,
        default=years.A_DAY,
        help="new vacancies and requests a day, from 2020 on (default: %(default)s)",
    )
    parser.add_argument(
        "--processes", type=int, default=len(os.sched_getaffinity(0)), help="that make the input (default: one a core)"
    )
    options = parser.parse_args(arguments)
    machine = lab.machine()
    with lab.broker(lab.settings()) as (connection, folder):
        worker = asyncio.run(measure(connection, folder, options))
    found = {
        "settings": {name: getattr(options, name) for name in ("records", "a_day", "seed")},
        "rate": worker["rate"],
        "cpu_us": 1e6 * worker["cpu"] / options.records,
        "preload_us": 1e6 * worker["preload_seconds"] / options.records,
        **summary([Sample(*sample) for sample in worker["samples"]]),
        "machine": machine,
    }
    rows = [
        ("postings/s", f"{found['rate']:,.0f}"),
        ("postings/s of the market stage over the first fifth", f"{found['first_fifth']:,.0f}"),
        ("postings/s of the market stage over the last fifth", f"{found['last_fifth']:,.0f}"),
        ("last to first", _ratio(found["last_to_first"])),
        (
            "postings/s of the ads stage over its first and last fifth",
            f"{found['ads_first_fifth']:,.0f}, {found['ads_last_fifth']:,.0f}",
        ),
        ("µs of processor time a posting over the first fifth", f"{found['first_fifth_cpu_us']:,.0f}"),
        ("µs of processor time a posting over the last fifth", f"{found['last_fifth_cpu_us']:,.0f}"),
        ("last to first by processor time", _ratio(found["last_to_first_of_cpu"])),
        ("greatest memory, MB", str(found["peak_mb"])),
        ("greatest memory in the second quarter, MB", str(found["second_quarter_mb"])),
        ("greatest memory in the last half, MB", str(found["last_half_mb"])),
        ("last half to second quarter", _ratio(found["flat"])),
        ("greatest local state in the second quarter, MB", f"{found['second_quarter_state_mb']:,.0f}"),
        ("greatest local state in the last half, MB", f"{found['last_half_state_mb']:,.0f}"),
    ]
    title = f"{options.records:,} postings, {options.a_day:,.0f} vacancies a day, rebuilt from the raw topic"
    lab.report(found, title, ("", ""), rows, as_json=options.json)


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


if __name__ == "__main__":
    run()
