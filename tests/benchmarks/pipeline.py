"""`marsad bench pipeline`: raw topic to committed `market-counts` on real-shaped, preloaded postings.

Both stages run in production's worker, pinned to one core (the broker has the others), sink off; beside it the same
folds in a plain loop over dicts, pinned likewise; then that loop under a stopwatch, which costs a little itself.
"""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy import topics
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from tests.benchmarks import lab, market, postings


async def generation(connection: KafkaConnection) -> Namespace:
    """A generation with a raw topic, all of its own."""
    name = lab.unique("bench")
    namespace = Namespace(name, name)
    await topics.ensure(connection, namespace, market.PARTITIONS, now=datetime.now(UTC))
    return namespace


async def prepare(connection: KafkaConnection, records: int, seed: int) -> Namespace:
    """A generation of its own whose raw topic holds the postings."""
    namespace = await generation(connection)
    lab.say(f"writing {records:,} postings")
    await lab.preload(connection, namespace.topic("postings-raw"), postings.records(records, seed, market.PARTITIONS))
    return namespace


async def counts(connection: KafkaConnection, namespace: Namespace) -> str:
    """Digest of the committed cells of a generation."""
    cells = await lab.read(connection, namespace.topic("market-counts"), 1)
    return market.digest({key: value for key, value in cells.items() if value is not None})


async def measure(connection: KafkaConnection, folder: Path, options: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """`rounds` of (loop, worker), then one profile. Raises SystemExit where the pipeline's cells are not the loop's."""
    core = max(os.sched_getaffinity(0))
    namespace = await prepare(connection, options.records, options.seed)
    given = market.Options(options.records, options.seed)
    rounds = []
    for n in range(options.rounds):
        loop = await asyncio.to_thread(lab.run, given.arguments("loop"), core=core)
        if n:
            await topics.drop(connection, namespace)
            namespace = await prepare(connection, options.records, options.seed)
        place = market.Options(
            options.records,
            options.seed,
            connection.bootstrap,
            namespace.generation,
            str(folder / f"state-{n}"),
            loop["enriched"],
        )
        worker = await asyncio.to_thread(lab.run, place.arguments("worker"), core=core)
        if await counts(connection, namespace) != loop["digest"]:
            raise SystemExit(f"the cells of round {n + 1} are not those of the plain loop")
        lab.say(f"round {n + 1}: loop {loop['rate']:,.0f}/s, pipeline {worker['rate']:,.0f}/s")
        cpu = {name: 1e6 * one["cpu"] / options.records for name, one in (("loop", loop), ("pipeline", worker))}
        rounds.append({"loop": loop["rate"], "pipeline": worker["rate"], "cpu_us": cpu, "parts": worker["parts"]})
    profile = await asyncio.to_thread(lab.run, given.arguments("profile"), core=core)
    await topics.drop(connection, namespace)
    return [*rounds, profile]


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = lab.parser(__doc__, records=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    machine = lab.machine()
    with lab.broker(lab.settings()) as (connection, folder):
        *rounds, profile = asyncio.run(measure(connection, folder, options))
    middle = sorted(rounds, key=lambda one: one["pipeline"] / one["loop"])[len(rounds) // 2]
    found = {
        "settings": {name: getattr(options, name) for name in ("records", "rounds", "seed")},
        "ratio": middle["pipeline"] / middle["loop"],
        "pipeline": middle["pipeline"],
        "loop": middle["loop"],
        "ratio_of_cpu": middle["cpu_us"]["loop"] / middle["cpu_us"]["pipeline"],
        "rounds": rounds,
        "us_a_posting": profile["us_a_posting"],
        "machine": machine,
    }
    rows = [
        ("pipeline, postings/s", f"{middle['pipeline']:,.0f}"),
        ("plain loop, postings/s", f"{middle['loop']:,.0f}"),
        ("ratio", f"{found['ratio']:.2f}"),
        ("µs of processor time a posting: pipeline", f"{middle['cpu_us']['pipeline']:.1f}"),
        ("µs of processor time a posting: plain loop", f"{middle['cpu_us']['loop']:.1f}"),
        *((f"µs a posting: {name}", f"{cost:.1f}") for name, cost in profile["us_a_posting"].items()),
    ]
    title = f"{options.records:,} real-shaped postings on one core, median of {options.rounds}"
    lab.report(found, title, ("", ""), rows, as_json=options.json)


if __name__ == "__main__":
    run()
