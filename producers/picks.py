"""What a `Pick` keeps of the lines that stand at its place. Pure."""

import re
from collections.abc import Sequence

from producers.sources import Pick

LONGEST = 50_000
"""Characters of an element that are looked at: the time of a pattern is its author's affair, its text is not."""

_SPACES = re.compile(r"\s+")
_NEVER = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def even(text: str) -> str:
    """`text` in one line, its white space evened, without marks of direction."""
    return _SPACES.sub(" ", _NEVER.sub("", text[:LONGEST])).strip()


def kept(lines: Sequence[str], pick: Pick) -> str | None:
    """Return what `pick` keeps of `lines`: what follows its label, the part, the pattern; None when nothing is left."""
    text = after(lines, pick.label) if pick.label else even(" ".join(lines))
    if pick.split:
        parts = [part.strip() for part in text.split(pick.split)]
        text = parts[pick.part] if -len(parts) <= pick.part < len(parts) else ""
    if pick.pattern:
        found = re.search(pick.pattern, text)
        text = (found[1] or "" if found.re.groups else found[0]).strip() if found else ""
    return text or None


def after(lines: Sequence[str], label: str) -> str:
    """Return what follows `label` at the head of a line, or the line below where nothing does; empty when it is not."""
    wanted = label.casefold()
    for index, line in enumerate(lines):
        if line[: len(label)].casefold() != wanted or line[len(label) : len(label) + 1].isalnum():
            continue
        rest = line[len(label) :].lstrip(" :：.-–|").strip()
        if rest:
            return rest
        return lines[index + 1] if index + 1 < len(lines) else ""
    return ""
