import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from schemas.connections import KafkaConnection
from tests.archives import make
from tests.ports import free_ports

FIGURES = ("sightings", "unchanged", "updated", "new", "rejected", "ads", "vacancies", "merged_ads", "cells")


def _replay(folder: Path, archive: Path, kafka: KafkaConnection, name: str, clickhouse: str = "") -> dict[str, object]:
    """Run the command and return its report with its exit code."""
    report = folder / f"{name}.json"
    variables = {
        "MARSAD_DATA_DIR": str(folder / "data"),
        "MARSAD_KAFKA": kafka.bootstrap,
        "MARSAD_GENERATION": name,
        "MARSAD_CLICKHOUSE": clickhouse,
    }
    ports = ("HTTP_PORT", "STREAMS_METRICS_PORT", "PRODUCERS_METRICS_PORT", "MARKET_PORT")
    variables |= {f"MARSAD_{port}": str(free) for port, free in zip(ports, free_ports(len(ports)), strict=True)}
    command = [sys.executable, "-m", "deploy.cli", "up", "--replay", str(archive), "--until-drained"]
    done = subprocess.run(
        [*command, "--report", str(report)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    return {**json.loads(report.read_text("utf-8")), "exit": done.returncode}


def test_a_replay_balances_again_and_on_another_store(tmp_path: Path, kafka: KafkaConnection, clickhouse: str) -> None:
    """Every sighting is accounted for.

    Delivered again, only `unchanged` grows; Debian's ClickHouse, named only now, is filled and gives chDB's figures.
    """
    archive = tmp_path / "own.ndjson.gz"
    sightings = make(archive, 500, seed=3)
    name = f"own-{os.getpid()}-{free_ports(1)[0]}"
    first = _replay(tmp_path, archive, kafka, name)
    assert first["balanced"], first
    assert first["exit"] == 0
    assert first["sightings"] == sightings
    assert isinstance(first["merged_ads"], int)
    assert first["merged_ads"] > 0
    (tmp_path / "data" / "checkpoints" / f"{name}.json").unlink()
    again = _replay(tmp_path, archive, kafka, name)
    assert again["balanced"], again
    assert again["sightings"] == 2 * sightings
    assert {key: again[key] for key in ("new", "updated", "ads", "vacancies", "cells")} == {
        key: first[key] for key in ("new", "updated", "ads", "vacancies", "cells")
    }
    native = _replay(tmp_path, archive, kafka, name, clickhouse)
    assert native["balanced"], native
    assert {key: native[key] for key in FIGURES} == {key: again[key] for key in FIGURES}


def test_a_lost_raw_record_is_seen(tmp_path: Path, kafka: KafkaConnection) -> None:
    """When one sighting never reaches the raw topic, the account does not balance and the command fails."""
    archive = tmp_path / "own.ndjson.gz"
    sightings = make(archive, 60, seed=4)
    name = f"lost-{os.getpid()}-{free_ports(1)[0]}"
    complete = _replay(tmp_path, archive, kafka, name)
    assert complete["balanced"], complete
    checkpoint = tmp_path / "data" / "checkpoints" / f"{name}.json"
    kept = msgspec.json.decode(checkpoint.read_bytes())
    page = next(iter(kept["pages"].values()))
    # The connector believes that the first sighting was delivered: it never is.
    page["line"], page["done"] = 1, False
    lossy = f"{name}-lossy"
    (checkpoint.parent / f"{lossy}.json").write_bytes(msgspec.json.encode(kept))
    found = _replay(tmp_path, archive, kafka, lossy)
    assert found["sightings"] == sightings - 1
    assert found["balanced"] is False
    assert found["exit"] == 1
