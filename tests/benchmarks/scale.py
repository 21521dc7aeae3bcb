"""`marsad bench scale`: the small job on one worker, two and four, each a process, on the same topic.

The rate is that of all of them from the moment when every partition was taken over to the last durable run.
"""

import asyncio
import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from schemas.connections import KafkaConnection
from tests.benchmarks import engine, lab, sightings
from tests.benchmarks.job import JobOptions
from tests.benchmarks.recovery import start


async def measure(
    connection: KafkaConnection,
    folder: Path,
    source: str,
    workers: int,
    options: Any,  # noqa: ANN401 - argparse's
) -> dict[str, Any]:
    """Rate of so many workers, their counts checked."""
    name = lab.unique("bench")
    job = JobOptions(connection.bootstrap, source, name, "", 0)
    topics = {job.target: options.partitions, job.changelog: options.partitions}
    await lab.create(connection, topics, **{"cleanup.policy": "compact"})
    running: list[subprocess.Popen[str]] = []
    try:
        running += [start(replace(job, state_dir=str(folder / f"{name}-{n}"))) for n in range(workers)]
        while await lab.committed(connection, name, source, options.partitions) < options.records:
            for worker in running:
                if worker.poll() is not None:
                    raise SystemExit(f"a worker ended early: {worker.communicate()[0][-2000:]}")
            await asyncio.sleep(0.2)
        results = []
        for worker in running:
            worker.terminate()
            said, _ = await asyncio.to_thread(worker.communicate, None, 60)
            results.append(json.loads(said.strip().splitlines()[-1]))
    finally:
        for worker in running:
            worker.kill()
            worker.wait()
    cells = await lab.read(connection, job.target, options.partitions)
    counts = {cell.decode(): int(n or b"0") for cell, n in cells.items()}
    if sightings.digest(counts) != sightings.digest(sightings.recount(options.records, options.seed)):
        raise SystemExit(f"{workers} workers did not count what the recount counts")
    await lab.delete(connection, topics)
    began = max(opened["at"] for result in results for opened in result["opened"])
    flushes = [(at, n) for result in results for at, n in result["flushes"] if at > began]
    ended = max((at for at, _ in flushes), default=began)
    share = [sum(n for _, n in result["flushes"]) / options.records for result in results]
    lab.say(f"{workers} workers: {sum(n for _, n in flushes) / max(ended - began, 1e-3):,.0f}/s, shares {share}")
    return {"rate": sum(n for _, n in flushes) / max(ended - began, 1e-3), "shares": share}


async def main(connection: KafkaConnection, folder: Path, options: Any) -> dict[str, Any]:  # noqa: ANN401 - argparse's
    """Each number of workers in turn."""
    lab.say(f"writing {options.records:,} records")
    source = await engine.load(connection, options.records, options.seed, options.partitions)
    return {str(n): await measure(connection, folder, source, n, options) for n in options.workers}


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = lab.parser(__doc__, records=2_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--partitions", type=int, default=4)
    options = parser.parse_args(arguments)
    machine = lab.machine()
    with lab.broker(lab.settings()) as (connection, folder):
        found = asyncio.run(main(connection, folder, options))
    given = {name: getattr(options, name) for name in ("records", "workers", "partitions", "seed")}
    one = next(iter(found.values()))["rate"]
    rows = [(n, f"{each['rate']:,.0f}", f"{each['rate'] / one:.2f}") for n, each in found.items()]
    rates = {n: each["rate"] for n, each in found.items()}
    whole = {
        "settings": given,
        "rates": rates,
        "shares": {n: e["shares"] for n, e in found.items()},
        "machine": machine,
    }
    title = f"The small job, {options.records:,} postings, {options.partitions} partitions"
    lab.report(whole, title, ("workers", "postings/s", "of the first"), rows, as_json=options.json)


if __name__ == "__main__":
    run()
