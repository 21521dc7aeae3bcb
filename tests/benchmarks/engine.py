"""`marsad bench engine`: the small job on Marsad's engine, durable, from the first record to the last committed run."""

import asyncio
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.connections import KafkaConnection
from streams.engine.stage import StageOptions
from tests.benchmarks import lab, sightings
from tests.benchmarks.job import JobOptions

DEFAULT_RUN = StageOptions().max_run


async def load(connection: KafkaConnection, records: int, seed: int, partitions: int) -> str:
    """A topic of postings, keyed and partitioned by occupation."""
    source = lab.unique("bench-in")
    await lab.create(connection, {source: partitions})
    made = ((occupation % partitions, key, value) for occupation, key, value in sightings.records(records, seed))
    await lab.preload(connection, source, made)
    return source


async def measure(
    connection: KafkaConnection, source: str, partitions: int, folder: Path, *, records: int, max_run: int
) -> dict[str, Any]:
    """One run of the job by one worker from nothing; `digest` is that of the counts that a reader of its output has."""
    options = JobOptions(connection.bootstrap, source, lab.unique("bench"), str(folder / "state"), records, max_run)
    topics = {options.target: partitions, options.changelog: partitions}
    await lab.create(connection, topics, **{"cleanup.policy": "compact"})
    found = await asyncio.to_thread(lab.run, options.arguments())
    cells = await lab.read(connection, options.target, partitions)
    counts = {cell.decode(): int(n or b"0") for cell, n in cells.items()}
    await lab.delete(connection, topics)
    return {**found, "rate": found["records"] / found["seconds"], "digest": sightings.digest(counts)}


async def main(connection: KafkaConnection, folder: Path, options: Any) -> dict[str, Any]:  # noqa: ANN401 - argparse's
    """Load, measure `rounds` times, check each against the recount."""
    lab.say(f"writing {options.records:,} records")
    source = await load(connection, options.records, options.seed, options.partitions)
    expected = sightings.digest(sightings.recount(options.records, options.seed))
    rounds = []
    for n in range(options.rounds):
        found = await measure(
            connection, source, options.partitions, folder / str(n), records=options.records, max_run=options.max_run
        )
        if found["digest"] != expected:
            raise SystemExit(f"the counts of round {n + 1} are not the recount's")
        lab.say(f"round {n + 1}: {found['rate']:,.0f}/s")
        rounds.append(found)
    middle = sorted(rounds, key=lambda one: one["rate"])[len(rounds) // 2]
    share = {name: seconds / middle["seconds"] for name, seconds in middle["parts"].items()}
    return {
        "rate": statistics.median(one["rate"] for one in rounds),
        "rates": [one["rate"] for one in rounds],
        "share_of_time": share,
        "runs": middle["runs"],
        "cpu_us_a_record": 1e6 * middle["cpu"] / middle["records"],
    }


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = lab.parser(__doc__, records=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--max-run", type=int, default=DEFAULT_RUN, help="records a run (default: the engine's)")
    options = parser.parse_args(arguments)
    machine = lab.machine()
    with lab.broker(lab.settings()) as (connection, folder):
        found = asyncio.run(main(connection, folder, options))
    given = {name: getattr(options, name) for name in ("records", "rounds", "partitions", "max_run", "seed")}
    rows = [("postings a second, durable", f"{found['rate']:,.0f}")]
    rows += [(f"share of the time in {name}", f"{share:.0%}") for name, share in found["share_of_time"].items()]
    rows += [("CPU a posting, µs", f"{found['cpu_us_a_record']:.1f}"), ("runs", f"{found['runs']:,}")]
    title = f"The small job: {options.records:,} postings of 1 kB, median of {options.rounds}"
    lab.report({**found, "settings": given, "machine": machine}, title, ("", ""), rows, as_json=options.json)


if __name__ == "__main__":
    run()
