"""`marsad test`: the linters, the type checker, the import contracts and the tests, all of them whatever fails.

`marsad bench`: the measurements of a checkout.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from deploy import debian
from deploy.errors import MissingToolError

ROOT = Path(__file__).parent.parent


class Suite(StrEnum):
    """What `marsad test` can run; `all` is the default tests with the linters before them."""

    ALL = "all"
    LINT = "lint"
    FAULTS = "faults"
    MARKET = "market"
    BENCH = "bench"


class Benchmark(StrEnum):
    """What `marsad bench` can measure; each is a module of tests/benchmarks."""

    ENGINE = "engine"
    ENRICH = "enrich"
    PEERS = "peers"
    PIPELINE = "pipeline"
    PRODUCERS = "producers"
    LATENCY = "latency"
    REPLAY = "replay"
    RECOVERY = "recovery"
    SCALE = "scale"


def choose(arguments: Sequence[str]) -> tuple[Suite, list[str]]:
    """Split the command line's arguments into the suite (the default one if none is named) and what is pytest's."""
    if arguments and arguments[0] in set(Suite):
        return Suite(arguments[0]), list(arguments[1:])
    return Suite.ALL, list(arguments)


def commands(suite: Suite, extra: Sequence[str], python: str = sys.executable) -> list[list[str]]:
    """List what to run for `suite`, in order; `extra` goes to the last, whose closing line is the last one printed."""
    here = Path(python).parent
    lint = [
        [python, "-m", "ruff", "check"],
        [python, "-m", "ruff", "format", "--check"],
        [python, "-m", "mypy"],
        [str(here / "lint-imports")],
    ]
    pytest = [python, "-m", "pytest"]
    match suite:
        case Suite.LINT:
            return lint
        case Suite.ALL:
            return [*lint, [*pytest, *extra]]
        case Suite.FAULTS | Suite.MARKET:
            return [[python, "-m", f"tests.{suite.value}", *extra]]
        case Suite.BENCH:
            return [[*pytest, "-m", suite.value, *extra]]


def run_suite(suite: Suite, extra: Sequence[str], say: debian.Say) -> int:
    """Run a suite in the checkout; 0 if all of it passed. Raises MissingToolError without the developers' packages."""
    if importlib.util.find_spec("pytest") is None:
        raise MissingToolError("the developers' packages are not installed: run `./marsad test` in a checkout")
    if suite is not Suite.LINT:
        debian.require(debian.TESTS, "the test suite", say)
    failed = 0
    for command in commands(suite, extra):
        name = " ".join(command[2:4]) if command[1:2] == ["-m"] else Path(command[0]).name
        say(f"== {name}")
        code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603
        failed = failed or code
        if code and "pytest" not in command:
            say(f"== {name} failed")
    return failed


def run_benchmark(benchmark: Benchmark, extra: Sequence[str]) -> int:
    """Measure in the checkout; standard output is the benchmark's. Raises MissingToolError outside a checkout."""
    if not (ROOT / "tests" / "benchmarks").is_dir():
        raise MissingToolError("the benchmarks are part of a checkout: run `./marsad bench` there")
    command = [sys.executable, "-m", f"tests.benchmarks.{benchmark.value}", *extra]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603
