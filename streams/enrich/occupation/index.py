"""The lexicon's titles as stems, and how rare each stem is: what `coder` asks by and `rating` compares with."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from streams.enrich.occupation import words as titles
from streams.enrich.occupation.lexicon import Entry
from streams.enrich.text import words

SOFT = frozenset(titles.stem(word) for word in titles.NOISE)
"""Stems that are noise in most titles, though a lexicon title may need them."""


class Known(NamedTuple):
    """A lexicon title: its group, as it is written, its stems in order, and the one that it turns on."""

    code: str
    title: str
    stems: tuple[str, ...]
    head: str


class Index(NamedTuple):
    """Titles by code, each bag of stems once a group.

    `rarity`: logarithm of how few minor groups have a stem. `openers`: stems that French and Arabic titles turn on,
    `closers`: those of English ones.
    """

    titles: tuple[Known, ...]
    rarity: dict[str, float]
    openers: frozenset[str]
    closers: frozenset[str]


def index(entries: Iterable[Entry]) -> Index:
    """Compile entries; a title of the file of decisions silences the others that differ from it by soft stems only."""
    found: dict[tuple[str, frozenset[str]], Known] = {}
    openers: set[str] = set()
    closers: set[str] = set()
    decided: set[frozenset[str]] = set()
    for entry in sorted(entries, key=lambda entry: not entry.decides):
        run, head = _stems(entry)
        bag = frozenset(run)
        if entry.decides:
            decided.add(bag - SOFT)
        elif bag - SOFT in decided:
            continue
        if run:
            found.setdefault((entry.isco, bag), Known(entry.isco, entry.title, run, head))
            (closers if entry.lang == "en" else openers).add(head)
    known = sorted(found.values(), key=lambda title: (title.code, title.stems, title.head))
    spread: dict[str, set[str]] = defaultdict(set)
    for title in known:
        for one in title.stems:
            spread[one].add(title.code[:3])
    return Index(
        tuple(known),
        {one: math.log(180 / (len(groups) + 0.5)) for one, groups in spread.items()},
        frozenset(openers),
        frozenset(closers),
    )


def _stems(entry: Entry) -> tuple[tuple[str, ...], str]:
    """Return a lexicon title's stems and the one that it turns on."""
    folded = titles.normal(entry.title)
    run = _unnumbered(folded)
    if not run:
        return (), ""
    if entry.lang != "en":
        return run, run[0]
    lead = _unnumbered(re.split(r" (?:of|for|in|to|and|with|at) |[,(-]", folded)[0])
    return run, lead[-1] if lead else run[-1]


def _unnumbered(folded: str) -> tuple[str, ...]:
    """Return the stems of a folded title but for its numbers."""
    return titles.stems(word for word in words(folded) if not word.isdigit())
