"""Labels that items share: `Ville : Rabat`, `Publié le 04/05/2026`, a line `Contrat` above its value. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

from producers.detect.words import date_in, named, names, tokens

LONGEST = 40
"""Characters of a label."""

_LABELLED = re.compile(rf"([^:：]{{2,{LONGEST}}}?)\s*[:：]")


def labels(items: Sequence[Sequence[str]]) -> list[str]:
    """Return the labels that lines of at least half of the items begin with, or that are lines of their own."""
    counted: Counter[str] = Counter()
    for shown in items:
        counted.update(
            {label for line in shown for label in (*_before_colon(line), *_alone(line), *_before_date(line))}
        )
    return [label for label, count in counted.most_common(LONGEST) if count >= 0.5 * len(items)]


def shared(values: Sequence[str | None]) -> bool:
    """Whether most values begin with one label and a colon."""
    filled = [text for text in values if text]
    heads = Counter(head for text in filled for head in _before_colon(text))
    count = heads.most_common(1)[0][1] if heads else 0
    return count > 1 and count >= 0.6 * len(filled)


def is_label(text: str) -> bool:
    """Whether `text` is what a field is called."""
    return any(named(field, (text,)) >= 0.85 for field in names())


def _before_colon(line: str) -> list[str]:
    found = _LABELLED.match(line)
    return [found[1].strip()] if found else []


def _alone(line: str) -> list[str]:
    return [line] if len(line) <= LONGEST and is_label(line) else []


def _before_date(line: str) -> list[str]:
    pattern = date_in(line)
    found = re.search(pattern, line) if pattern else None
    head = line[: found.start()].strip(" :،,") if found else ""
    return [head] if 2 <= len(head) <= LONGEST and tokens(head) else []
