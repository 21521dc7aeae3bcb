"""`marsad test faults`: seeded schedules of faults against the real stack, and the table that they leave."""

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from deploy.settings import read_settings
from tests.faults.catalogue import FAULTS
from tests.faults.controls.run import every
from tests.faults.report import Check, say, table
from tests.faults.run import STRIKES, Outcome, run
from tests.faults.schedule import FULL_MINUTES, Schedule, Step, draw


def main() -> int:
    """Run from the command line; 0 when every check passed."""
    parser = argparse.ArgumentParser(prog="marsad test faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds in a row")
    parser.add_argument("--minutes", type=float, default=FULL_MINUTES, help="length of each schedule")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="these faults, in this order")
    parser.add_argument("--controls", choices=("with", "only", "without"), default="with", help="negative controls")
    parser.add_argument("--keep", type=Path, help="keep the processes' logs and data in this folder")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)  # what clients say of an outage is no news here
    libs = read_settings().data_dir.absolute() / "kafka" / "libs"
    whole = Outcome()
    for seed in range(options.seed, options.seed + options.seeds * (options.controls != "only")):
        schedule = draw(seed, options.minutes)
        if options.only:
            steps = tuple(Step(name, name in STRIKES, seed + n) for n, name in enumerate(options.only))
            schedule = Schedule(seed, options.minutes, schedule.scale, steps)
        whole.add(one(schedule, libs, options.keep))
        if options.seeds > 1:
            show(whole)
    if options.controls != "without":
        whole.checks += controls(libs, options.keep)
    return close(whole)


def controls(libs: Path, keep: Path | None = None) -> list[Check]:
    """Run the negative controls: without faults they count right, with them wrong, and the engine right."""
    with tempfile.TemporaryDirectory(prefix="marsad-controls-") as folder:
        counted = asyncio.run(every((keep / "controls").absolute() if keep else Path(folder), libs))
    checks: list[Check] = []
    for one in counted:
        right = not one.faults or one.name.startswith("the engine")
        claim = f"{one.name}, {'with' if one.faults else 'without'} faults: {'right' if right else 'wrong'}"
        figures = f"{one.counted} counted of {one.fed}, difference {one.differs:+d}"
        checks.append(Check(claim, (one.differs == 0) == right, figures))
    return checks


def one(schedule: Schedule, libs: Path, keep: Path | None = None) -> Outcome:
    """Run one schedule in a folder of its own."""
    if keep is not None:
        return asyncio.run(run(schedule, (keep / f"seed-{schedule.seed}").absolute(), libs))
    with tempfile.TemporaryDirectory(prefix="marsad-faults-") as folder:
        return asyncio.run(run(schedule, Path(folder), libs))


def close(outcome: Outcome) -> int:
    """Print checks, table and closing line; the exit code."""
    checks = list(outcome.checks)
    for name, injected in sorted(outcome.injected.items()):
        seen = outcome.observed[name]
        checks.append(Check(f"{name}: effect observed", seen > 0, f"{seen} of {injected}"))
    show(outcome)
    failed = [check for check in checks if not check.held]
    for check in failed:
        say(f"failed: {check.claim}: {check.figures}")
    say(f"{outcome.injected.total()} faults, {len(checks) - len(failed)} checks passed, {len(failed)} failed")
    return 1 if failed else 0


def show(outcome: Outcome) -> None:
    """Print what was checked, and the table of faults."""
    for check in outcome.checks:
        say(f"{'ok  ' if check.held else 'FAIL'} {check.claim}: {check.figures}")
    for line in table(outcome.injected, outcome.observed, {fault.name: fault.effect for fault in FAULTS}):
        say(line)


if __name__ == "__main__":
    sys.exit(main())
