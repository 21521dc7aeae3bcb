"""What a run prints: checks, and the closing table."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One claim, whether it held, and the figures."""

    claim: str
    held: bool
    figures: str = ""


def table(drawn: Mapping[str, int], seen: Mapping[str, int], effects: Mapping[str, str]) -> Iterator[str]:
    """The closing table: per fault how often it was injected and how often its effect was observed."""
    width = max(map(len, drawn), default=5)
    yield f"{'fault':<{width}}  injected  observed  effect"
    for name, count in sorted(drawn.items()):
        yield f"{name:<{width}}  {count:>8}  {seen.get(name, 0):>8}  {effects[name]}"


def say(line: str) -> None:
    """Print a line now."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
