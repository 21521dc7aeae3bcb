"""`marsad test market`: a market of 40 portals read through its faults, and the account of what arrived.

A tenth of the items is edited and a twentieth removed while portals fail in nine ways. Every version that stood must be
in the raw topic, once in the unique one, and nothing else; no host is asked more than it allows; memory stays.
"""

import argparse
import asyncio
import logging
import sys
from typing import Any

from deploy.settings import read_settings
from schemas.topics import Namespace
from tests.benchmarks import lab
from tests.market.run import Outcome, run


def checks(found: Outcome) -> dict[str, bool]:
    """Every claim, and whether it holds."""
    tally = found.tally
    left, told, wrong = tally.removals
    return {
        "every version that stood is in the raw topic": tally.in_raw == tally.stood,
        "and in the unique one exactly once": tally.once == tally.stood,
        "none is invented": tally.invented == 0,
        "every removal is told, and no other": left == told and not wrong,
        "no host's limit is exceeded": not found.over_limit,
        "changed markup is flagged": not found.unflagged,
        "memory is flat": found.flat,
    }


def figures(found: Outcome) -> dict[str, str]:
    """What was measured, in the order of the table."""
    tally = found.tally
    left, told, wrong = tally.removals
    rows = {
        "items": f"{found.items:,}",
        "versions that stood": f"{tally.stood:,}",
        "in the raw topic": f"{tally.in_raw:,}",
        "of which more than once": f"{tally.repeated:,}",
        "in the unique topic, once": f"{tally.once:,}",
        "invented": f"{tally.invented:,}",
        "removals told, of those due": f"{told:,} of {left:,}",
        "removals of what stood": f"{wrong:,}",
        "requests": f"{sum(host.requests for host in found.hosts.values()):,}",
        "hosts asked beyond their limit": f"{len(found.over_limit)} of {len(found.hosts)}",
        "faults": ", ".join(f"{name} {count}" for name, count in sorted(found.faults.items())),
        "portals flagged for their markup": f"{len(found.drifted)}, not flagged {len(found.unflagged)}",
        "processes restarted": str(found.restarts),
    }
    for name, held in found.memory.items():
        megabytes = " / ".join(f"{size / 2**20:,.0f}" for size in held)
        rows[f"{name}: MB at start / middle / end"] = f"{megabytes}; {found.processor[name]:,.0f} s of processor time"
    for part, seconds in found.seconds.items():
        rows[f"seconds, {part}"] = f"{seconds:,.0f}"
    return rows


def main() -> int:
    """Run from the command line; 0 when every claim holds."""
    parser = argparse.ArgumentParser(prog="marsad test market", description=__doc__)
    parser.add_argument("--items", type=int, default=20_000, help="ads at the beginning (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of ads and faults (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)  # what clients say of an outage is no news here
    machine = lab.machine()
    with lab.broker(read_settings()) as (kafka, folder):
        name = lab.unique("market")
        market = run(kafka, Namespace(name, name), folder / name, items=options.items, seed=options.seed, say=lab.say)
        found = asyncio.run(market)
        for source, title in found.tally.lacking():
            lab.say(f"lacking or doubled: {source}: {title}")
        for name in found.unflagged:
            lab.say(f"not flagged: {name}: {found.hosts[name].faults}")
        for example in found.tally.examples:
            lab.say(f"invented: {example}")
    held = checks(found)
    plain: dict[str, Any] = {"figures": figures(found), "checks": held, "machine": machine}
    rows = [*figures(found).items(), *((claim, "holds" if right else "FAILS") for claim, right in held.items())]
    title = f"Market of {len(found.hosts)} portals, seed {options.seed}"
    lab.report(plain, title, ("", "found"), rows, as_json=options.json)
    if not all(held.values()):
        sys.stderr.write("marsad test market: not every claim holds\n")
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
