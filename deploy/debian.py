"""Programs that Marsad needs beside Python: found on the path, installed where we are root on Debian, else named."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

from deploy.errors import MissingToolError

BROKER: Mapping[str, str] = {"java": "openjdk-17-jre-headless", "mvn": "maven"}
"""What the local broker needs: program and Debian package."""

TESTS: Mapping[str, str] = {**BROKER, "clickhouse-server": "clickhouse-server", "chromium": "chromium"}
"""What the test suite needs: the broker's, a real ClickHouse and a browser."""

Say = Callable[[str], None]


def missing(tools: Mapping[str, str], which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """Name the packages of those `tools` that are not on the path (or in the folder of system programs)."""
    return [package for tool, package in tools.items() if not (which(tool) or which(f"/usr/sbin/{tool}"))]


def may_install() -> bool:
    """Whether packages can be installed without asking anybody: root, and apt-get is there."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def require(tools: Mapping[str, str], purpose: str, say: Say) -> None:
    """Have `tools` on the path. Raises MissingToolError with the one line to run where we may not install them."""
    packages = missing(tools)
    if not packages:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if not may_install():
        raise MissingToolError(f"{purpose} needs {' and '.join(packages)}: run `sudo {' '.join(command)}`")
    say(f"Installing {', '.join(packages)} for {purpose}")
    _apt(["apt-get", "update", "-q"])
    _apt(command)
    if missing(tools):
        raise MissingToolError(f"{purpose} needs {' and '.join(missing(tools))}, and apt-get did not provide it")


def _apt(command: Sequence[str]) -> None:
    done = subprocess.run(  # noqa: S603 - fixed words and package names of ours
        ["/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise MissingToolError(f"`{' '.join(command)}` failed: {' '.join(last)}")
