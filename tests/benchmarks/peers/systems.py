"""The peers of `marsad bench peers`: what they are, and the virtual environment that each has in the data directory."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import lab

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """One system: `environment` names its pins, `module` its job, `share` of the records that it is given."""

    name: str
    environment: str
    module: str
    keeps: str
    package: str
    arguments: tuple[str, ...] = ()
    share: float = 1.0


PEERS = (
    Peer("raw", "raw", "raw", "nothing", "aiokafka"),
    Peer("pathway", "pathway", "pathway_job", "memory", "pathway"),
    Peer("bytewax", "bytewax", "bytewax_flow", "memory", "bytewax"),
    Peer("quix_durable", "quix", "quix", "RocksDB and changelog, at least once", "quixstreams", ("at-least-once",)),
    Peer("quix_exactly_once", "quix", "quix", "the same, in transactions", "quixstreams", ("exactly-once",)),
    Peer("faust_naive", "faust", "faust_naive", "RocksDB and changelog", "faust-streaming", (), 0.02),
)


def python_of(environment: str, data_dir: Path) -> Path:
    """The interpreter of an environment that has exactly its pins; made at first, and again when the pins change."""
    pins = HERE / f"{environment}.txt"
    home = data_dir / "bench-peers" / environment
    stamp, wanted = home / "pins.sha256", hashlib.sha256(pins.read_bytes()).hexdigest()
    python = home / "bin" / "python"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        lab.say(f"installing {environment} into {home}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True, stdout=sys.stderr)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "-r", str(pins)], check=True, stdout=sys.stderr)
        stamp.write_text(wanted, "utf-8")
    return python


def version_of(peer: Peer, python: Path) -> str:
    """The installed version of the system."""
    ask = f"import importlib.metadata as m; print(m.version({peer.package!r}))"
    return subprocess.run([str(python), "-c", ask], check=True, capture_output=True, text=True).stdout.strip()


def measure(peer: Peer, python: Path, bootstrap: str, topic: str, partitions: int, records: int) -> dict[str, Any]:
    """One run of a peer over the first `records` of `topic`."""
    place = [bootstrap, topic, str(partitions), str(records)]
    return lab.run([str(python), "-m", f"tests.benchmarks.peers.{peer.module}", *place, *peer.arguments])


def load_state(path: Path | None, settings: Mapping[str, object]) -> dict[str, list[float]]:
    """Rates by system from an earlier part of the same measurement; empty where there is none."""
    if path is None or not path.exists():
        return {}
    found = json.loads(path.read_text("utf-8"))
    if found["settings"] != settings:
        raise SystemExit(f"{path} is of another measurement: its settings are {found['settings']}")
    rates: dict[str, list[float]] = found["rates"]
    return rates
