"""Strikes at a running replay: `python -m tests.faults.strikes ARCHIVE stream-worker|sink|broker [--clickhouse URL]`.

Replays the archive in a data directory of its own, throttled; kills the process by SIGKILL three times, each while
the stage's markers (the sink's commits) stand between 10 and 90 % of the input; prints offset and lag at each kill;
and lets `marsad up --replay` account for every sighting.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psutil
from aiokafka.errors import KafkaError

from deploy.markers import Readback
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from streams.sink.agent import TOPICS

TARGETS = {"stream-worker": "run streams", "sink": "run dashboard", "broker": "kafka.Kafka"}


async def covered(connection: KafkaConnection, namespace: Namespace, target: str) -> tuple[int, int]:
    """Offsets done by the struck process, and the lag behind what its topics hold now."""
    async with Readback(connection, namespace) as readback:
        if target == "sink":
            progress = await readback.group_progress("sink", TOPICS)
        else:
            progress = await readback.stage_progress("ads", {namespace.topic("postings-raw"): "postings-raw"})
    return sum(one.done for one in progress), sum(one.lag for one in progress)


def victim(parent: int, words: str) -> psutil.Process | None:
    """The child of `parent` whose command line holds `words`."""
    for child in psutil.Process(parent).children(recursive=True):
        try:
            if words in " ".join(child.cmdline()):
                return child
        except psutil.Error:
            continue
    return None


async def strike(
    archive: Path, sightings: int, target: str, variables: Mapping[str, str], rate: float, seed: int
) -> dict[str, object]:
    """One replay with three kills; the report that it wrote, with the kills under `kills`."""
    draw = random.Random(seed)
    moments = [draw.uniform(0.12, 0.3), draw.uniform(0.35, 0.55), draw.uniform(0.6, 0.85)]
    name = "struck"
    environment = {**os.environ, **variables, "MARSAD_GENERATION": name}
    report = Path(variables["MARSAD_DATA_DIR"]) / f"{target}.json"
    command = [sys.executable, "-m", "deploy.cli", "up", "--replay", str(archive), "--until-drained"]
    running = subprocess.Popen(
        [*command, "--rate", str(rate), "--report", str(report)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    connection = KafkaConnection(f"127.0.0.1:{variables['MARSAD_KAFKA_PORT']}")
    namespace = Namespace(name, name)
    kills: list[dict[str, object]] = []
    try:
        for moment in moments:
            done = lag = 0
            while running.poll() is None:
                try:
                    done, lag = await covered(connection, namespace, target)
                except (KafkaError, OSError, KeyError, IndexError):
                    done = 0
                reached = await _fed(connection, namespace) if target == "sink" else done
                if done and reached >= moment * sightings:
                    break
                await asyncio.sleep(0.2)
            process = victim(running.pid, TARGETS[target])
            if process is None or running.poll() is not None:
                break
            os.kill(process.pid, signal.SIGKILL)
            share = reached / sightings
            kills.append({"pid": process.pid, "offset": done, "lag": lag, "share": round(share, 3)})
            print(f"killed {target} (process {process.pid}) at offset {done}, lag {lag}, {share:.0%} of the input")
            await asyncio.sleep(2)
        await asyncio.to_thread(running.wait, 300)
    finally:
        if running.poll() is None:
            running.terminate()
            running.wait(120)
    found: dict[str, object] = json.loads(report.read_text("utf-8"))
    return {**found, "kills": kills}


async def _fed(connection: KafkaConnection, namespace: Namespace) -> int:
    """Sightings that the stage `ads` has folded: how much of the input the sink can have seen."""
    try:
        return (await covered(connection, namespace, "stream-worker"))[0]
    except (KafkaError, OSError, KeyError, IndexError):
        return 0


FIGURES = ("sightings", "unchanged", "updated", "new", "rejected", "ads", "vacancies", "merged_ads", "cells")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("targets", nargs="+", choices=TARGETS)
    parser.add_argument("--sightings", type=int, required=True)
    parser.add_argument("--rate", type=float, default=900.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--libs", type=Path, help="broker jars to copy instead of fetching them")
    parser.add_argument("--clickhouse", default="", help="URL of a server; each target has a database of its own there")
    options = parser.parse_args()
    for target in options.targets:
        with tempfile.TemporaryDirectory() as folder:
            database = options.clickhouse and f"{options.clickhouse}_{target.replace('-', '_')}"
            variables = settings_in(Path(folder), options.libs, database)
            found = asyncio.run(
                strike(options.archive, options.sightings, target, variables, options.rate, options.seed)
            )
            print(target, {name: found[name] for name in (*FIGURES, "cells_that_differ", "balanced")})


def settings_in(folder: Path, libs: Path | None, clickhouse: str = "") -> dict[str, str]:
    """Settings of a Marsad of its own in `folder`, on free ports."""
    from tests.ports import free_ports  # noqa: PLC0415

    names = ("KAFKA_PORT", "KAFKA_CONTROLLER_PORT", "HTTP_PORT", "STREAMS_METRICS_PORT", "PRODUCERS_METRICS_PORT")
    variables = {f"MARSAD_{name}": str(port) for name, port in zip(names, free_ports(len(names)), strict=True)}
    variables["MARSAD_DATA_DIR"] = str(folder / "data")
    if clickhouse:
        variables["MARSAD_CLICKHOUSE"] = clickhouse
    if libs is not None:
        kafka = folder / "data" / "kafka"
        kafka.mkdir(parents=True)
        subprocess.run(["cp", "-r", str(libs), str(kafka / "libs")], check=True)
    return variables


if __name__ == "__main__":
    main()
