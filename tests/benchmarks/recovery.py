"""`marsad bench recovery`: from kill -9 to the first durable run of the next worker, with many keys in its state.

The dead member's session (8 s in production) is part of it: until it is over, Kafka gives its partitions to nobody. The
local state is kept in one round and lost in the other, when it is restored from the changelog.
"""

import asyncio
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.connections import KafkaConnection
from streams.engine.stage import StageOptions
from tests.benchmarks import engine, lab, sightings
from tests.benchmarks.job import JobOptions


def start(options: JobOptions) -> "subprocess.Popen[str]":
    """A worker of the small job."""
    return subprocess.Popen(options.arguments(), cwd=lab.ROOT, stdout=subprocess.PIPE, text=True)


def first_run(worker: "subprocess.Popen[str]") -> float:
    """When its first run was durable, epoch seconds."""
    assert worker.stdout is not None
    for line in worker.stdout:
        found = json.loads(line)
        if "first" in found:
            moment: float = found["first"]
            return moment
    raise SystemExit(f"the worker ended with {worker.wait()} before its first run")


async def measure(connection: KafkaConnection, folder: Path, keys: int, options: Any) -> dict[str, Any]:  # noqa: ANN401
    """Seconds from the kill, local state kept and lost, with so many keys."""
    records = int(keys / (1 - sightings.REPEATS))
    lab.say(f"writing {records:,} records")
    source = await engine.load(connection, records, options.seed, options.partitions)
    name = lab.unique("bench")
    job = JobOptions(connection.bootstrap, source, name, str(folder / name), 0, session_timeout=options.session)
    await lab.create(
        connection,
        {job.target: options.partitions, job.changelog: options.partitions},
        **{"cleanup.policy": "compact"},
    )
    found: dict[str, Any] = {}
    later = [(o % options.partitions, k, v) for o, k, v in sightings.records(4000, options.seed + 1)]
    more = {"kept": later[:2000], "lost": later[2000:]}
    worker = start(job)
    try:
        await _until(connection, job, records, options.partitions)
        for state in ("kept", "lost"):
            killed = time.time()
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            if state == "lost":
                shutil.rmtree(job.state_dir)
            fresh = more[state]
            await lab.preload(connection, source, fresh)
            worker = start(job)
            found[state] = await asyncio.to_thread(first_run, worker) - killed
            lab.say(f"{keys:,} keys, local state {state}: {found[state]:.1f} s")
            records += len(fresh)
            await _until(connection, job, records, options.partitions)
    finally:
        worker.kill()
        worker.wait()
    await lab.delete(connection, [source, job.target, job.changelog])
    return found


async def _until(connection: KafkaConnection, job: JobOptions, records: int, partitions: int) -> None:
    """Wait until the group has committed all of the input."""
    while await lab.committed(connection, job.name, job.source, partitions) < records:
        await asyncio.sleep(0.5)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = lab.parser(__doc__, records=0)
    parser.add_argument("--keys", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--session", type=float, default=StageOptions().session_timeout, help="seconds")
    options = parser.parse_args(arguments)
    machine = lab.machine()
    seconds: dict[str, dict[str, Any]] = {}
    with lab.broker(lab.settings()) as (connection, folder):
        for keys in options.keys:
            seconds[str(keys)] = asyncio.run(measure(connection, folder, keys, options))
    given = {name: getattr(options, name) for name in ("keys", "partitions", "session", "seed")}
    rows = [(f"{int(keys):,}", f"{each['kept']:.1f}", f"{each['lost']:.1f}") for keys, each in seconds.items()]
    title = "Seconds from kill -9 to the next durable run"
    columns = ("keys", "local state kept", "local state lost")
    lab.report({"settings": given, "seconds": seconds, "machine": machine}, title, columns, rows, as_json=options.json)


if __name__ == "__main__":
    run()
