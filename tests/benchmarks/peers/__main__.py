"""`marsad bench peers`: the small job on Marsad and on its peers, side by side, interleaved, each checked.

Each peer has a virtual environment of its own (tests/benchmarks/peers/*.txt pins it). All read the same topic with the
same decoder (Pathway with its own, in Rust) in one process. A measurement can be made in parts: `--state FILE` keeps
the rates so far, and `--systems` and `--rounds` say what to add.
"""

import asyncio
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.connections import KafkaConnection
from tests.benchmarks import engine, lab, sightings
from tests.benchmarks.peers.systems import PEERS, Peer, load_state, measure, python_of, version_of

COMMIT_SECONDS = 1.0


class Field:
    """The topics on which all run: the whole input, and the share of it that a slow peer is given."""

    def __init__(self, connection: KafkaConnection, folder: Path, options: Any) -> None:  # noqa: ANN401 - argparse's
        self._connection = connection
        self._folder = folder
        self._options = options
        self._topics: dict[int, tuple[str, str]] = {}
        self._run = 0
        self.cpu: dict[str, float] = {}
        """CPU microseconds a record of each system's latest run, its start and end included."""

    async def prepare(self, records: int) -> tuple[str, str]:
        """Topic with so many records, and the digest of their counts."""
        if records not in self._topics:
            lab.say(f"writing {records:,} records")
            topic = await engine.load(self._connection, records, self._options.seed, self._options.partitions)
            counts = sightings.recount(records, self._options.seed)
            self._topics[records] = (topic, sightings.digest(counts))
        return self._topics[records]

    async def marsad(self) -> float:
        """Rate of Marsad's job."""
        options = self._options
        topic, expected = await self.prepare(options.records)
        self._run += 1
        found = await engine.measure(
            self._connection,
            topic,
            options.partitions,
            self._folder / f"marsad-{self._run}",
            records=options.records,
            max_run=engine.DEFAULT_RUN,
        )
        return self._rate("marsad", found, expected, options.records)

    async def peer(self, peer: Peer, python: Path) -> float:
        """Rate of a peer's job."""
        records = max(int(self._options.records * peer.share), min(self._options.records, 1000))
        topic, expected = await self.prepare(records)
        where = (self._connection.bootstrap, topic, self._options.partitions, records)
        found = await asyncio.to_thread(measure, peer, python, *where)
        return self._rate(peer.name, found, expected, records)

    def _rate(self, name: str, found: Mapping[str, Any], expected: str, records: int) -> float:
        if found["digest"] != expected:
            raise SystemExit(f"{name} counted {found.get('counted')} in {found.get('cells')} cells: not the recount's")
        rate: float = records / found["seconds"]
        self.cpu[name] = 1e6 * found["cpu_seconds"] / records
        lab.say(f"{name}: {rate:,.0f}/s, {self.cpu[name]:.1f} µs of CPU a record")
        return rate


async def main(field: Field, rounds: int, pythons: Mapping[Peer, Path], *, marsad: bool) -> dict[str, list[float]]:
    """Rates by system, all systems in each round."""
    rates: dict[str, list[float]] = {}
    for n in range(rounds):
        lab.say(f"round {n + 1} of {rounds}")
        if marsad:
            rates.setdefault("marsad", []).append(await field.marsad())
        for peer, python in pythons.items():
            rates.setdefault(peer.name, []).append(await field.peer(peer, python))
    return rates


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    names = ("marsad", *(peer.name for peer in PEERS))
    parser = lab.parser(__doc__, records=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--systems", nargs="+", choices=names, default=names, metavar="SYSTEM", help=", ".join(names))
    parser.add_argument("--state", type=Path, help="add to the rates of this file, and keep them there")
    options = parser.parse_args(arguments)
    given = {
        **{name: getattr(options, name) for name in ("records", "partitions", "seed")},
        "commit_seconds": COMMIT_SECONDS,
        "records_of": {peer.name: int(options.records * peer.share) for peer in PEERS if peer.share < 1},
    }
    rates = load_state(options.state, given)
    machine_before = lab.machine()
    settings = lab.settings()
    pythons = {
        peer: python_of(peer.environment, settings.data_dir.absolute())
        for peer in PEERS
        if peer.name in options.systems
    }
    versions = {peer.package: version_of(peer, python) for peer, python in pythons.items()}
    with lab.broker(settings) as (connection, folder):
        field = Field(connection, folder, options)
        found = asyncio.run(main(field, options.rounds, pythons, marsad="marsad" in options.systems))
    rates = {name: rates.get(name, []) + found.get(name, []) for name in names if name in rates or name in found}
    if options.state:
        options.state.write_text(json.dumps({"settings": given, "rates": rates}), "utf-8")
    median = {name: statistics.median(each) for name, each in rates.items()}
    ratios = {name: median["marsad"] / rate for name, rate in median.items() if name != "marsad" and "marsad" in median}
    machine_before["versions"] |= versions
    whole = {
        "settings": given,
        "rates": median,
        "ratios": ratios,
        "rounds": rates,
        "cpu_us": field.cpu,
        "machine": machine_before,
    }
    keeps = {"marsad": "RocksDB and changelog, in transactions"} | {peer.name: peer.keeps for peer in PEERS}
    rows = [
        (
            name,
            f"{rate:,.0f}",
            f"{ratios[name]:.2f}" if name in ratios else "",
            str(len(rates[name])),
            f"{given['records_of'].get(name, options.records):,}",
            keeps[name],
        )
        for name, rate in median.items()
    ]
    title = f"The small job, {options.partitions} partitions, one process, postings of 1 kB; medians"
    columns = ("system", "postings/s", "Marsad is", "rounds", "records", "keeps")
    lab.report(whole, title, columns, rows, as_json=options.json)


if __name__ == "__main__":
    run()
