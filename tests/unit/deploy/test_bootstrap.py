import hashlib
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def bootstrap(data: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ./marsad with a data directory, and no Python to be found outside of it."""
    variables = {"PATH": "/usr/bin:/bin", "MARSAD_DATA_DIR": data}
    return subprocess.run([ROOT / "marsad", *arguments], env=variables, capture_output=True, text=True, check=False)


def installed(data: Path, lock: str) -> None:
    """Make a data directory in which `lock` is installed, with a command line that prints its arguments."""
    (data / "venv" / "bin").mkdir(parents=True)
    command = data / "venv" / "bin" / "marsad"
    command.write_text('#!/bin/sh\necho "ran $*"\n', "utf-8")
    command.chmod(0o755)
    digest = hashlib.sha256((ROOT / lock).read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    (data / "venv" / "marsad.stamp").write_text(f"{digest} {lock} {ROOT}\n", "utf-8")


@pytest.mark.parametrize(
    ("lock", "arguments"),
    [
        ("requirements.lock", ["up"]),
        ("requirements-dev.lock", ["test", "lint"]),
        ("requirements-dev.lock", ["up", "--replay", "a file"]),
    ],
)
def test_what_is_installed_runs_at_once(tmp_path: Path, lock: str, arguments: list[str]) -> None:
    """With the lock's packages installed the command line runs without installing; the developers' lock serves both."""
    installed(tmp_path, lock)
    ran = bootstrap(str(tmp_path), *arguments)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"ran {' '.join(arguments)}\n", "")


def test_an_unwritable_data_directory_is_one_line() -> None:
    """Where nothing can be written, the bootstrap says so in one line that names the variable."""
    refused = bootstrap("/dev/null/data", "up")
    assert refused.returncode == 78
    assert refused.stderr.count("\n") == 1
    assert "MARSAD_DATA_DIR" in refused.stderr
