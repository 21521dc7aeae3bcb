"""Fetch the broker's jars once: Maven resolves the pinned pom, and every jar must have the bytes that were pinned."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from deploy import debian
from deploy.errors import BrokerError

HERE = Path(__file__).parent


@cache
def pinned() -> Mapping[str, str]:
    """SHA-256 of each jar by file name."""
    lines = (HERE / "jars.sha256").read_text("utf-8").split("\n")
    return {name: digest for digest, name in (line.split() for line in lines if line)}


def installed(libs: Path) -> bool:
    """Whether `libs` holds exactly the pinned jars, by name (their bytes were checked when they came)."""
    return libs.is_dir() and {jar.name for jar in libs.iterdir()} == set(pinned())


def differing(libs: Path) -> list[str]:
    """Names of the jars in `libs` that are missing, unknown, or not the pinned bytes."""
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in libs.iterdir()}
    return sorted(name for name in found.keys() | pinned().keys() if found.get(name) != pinned().get(name))


def install(libs: Path, say: debian.Say) -> None:
    """Have the pinned jars in `libs`; instant if they are there.

    Raises MissingToolError without Java or Maven, BrokerError if Maven fails or a jar is not the pinned one.
    """
    debian.require(debian.BROKER, "the local Kafka", say)
    if installed(libs):
        return
    libs.parent.mkdir(parents=True, exist_ok=True)
    with (libs.parent / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed(libs):
            return
        say("Fetching Kafka 4.1.0 (43 MB)")
        fresh = libs.with_name(libs.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        _copy_dependencies(fresh)
        if wrong := differing(fresh):
            raise BrokerError(f"Kafka's jars are not the pinned ones ({', '.join(wrong)}): nothing was installed")
        shutil.rmtree(libs, ignore_errors=True)
        fresh.rename(libs)


def _copy_dependencies(target: Path) -> None:
    pom = target.with_name("pom.xml")  # Maven wants to write beside its pom, and the package may be read-only
    shutil.copyfile(HERE / "pom.xml", pom)
    done = subprocess.run(  # noqa: S603 - fixed words and our own folder
        [
            "/usr/bin/env",
            "mvn",
            "--batch-mode",
            "--quiet",
            "--strict-checksums",
            f"--file={pom}",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={target}",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        first = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr.strip())
        raise BrokerError(f"Maven could not fetch Kafka: {first}")
