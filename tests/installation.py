"""A Marsad of a test's own: `marsad up` as a process, in a data directory and on ports of its own."""

import re
import subprocess
import sys
import time
from pathlib import Path

PATIENT = "import functools; from deploy import cli, up; up.Stop = functools.partial(up.Stop, 120.0, 180.0); cli.main()"
"""`marsad`, which on a slow machine gives its children minutes to stop, not the six seconds that keep it under ten."""

PORTS = ("KAFKA", "KAFKA_CONTROLLER", "HTTP", "MARKET", "STREAMS_METRICS", "PRODUCERS_METRICS")


class Up:
    """A running `marsad up`."""

    def __init__(self, variables: dict[str, str], out: Path) -> None:
        self.out = out
        with out.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PATIENT, "up"], env=variables, stdout=file, stderr=file
            )

    def until(self, words: str, seconds: float = 600.0) -> str:
        """Wait until it printed what the pattern `words` finds."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(words, self.out.read_text("utf-8"))):
            assert self.process.poll() is None, self.out.read_text("utf-8")
            assert time.monotonic() < deadline, self.out.read_text("utf-8")
            time.sleep(0.05)
        return found.group(1) if found.groups() else found.group()
