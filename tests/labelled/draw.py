"""Draw the second set: 300 postings for two readers, none of which is in the development sets.

`python tests/labelled/draw.py ../shared/data > rows.ndjson`: a row a line, with its number `k` and its `hash`. All
Arabic titles up to 75, 75 titles with a word that often misleads (a frame, a trainee, several jobs), and the rest at
random, shuffled, so that the readers meet them mixed.
"""

import gzip
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streams.evaluate.labelled import row_hash

Row = dict[str, Any]

SEED = 20_261_125
ROWS, ARABIC, TRAPS = 300, 75, 75

_ARABIC = re.compile("[\u0600-\u06ff]")
_TRAP = re.compile(
    r"avis|candidature|recrut|offre|emploi|poste|stage|profil|plusieurs|divers|concours|urgent|cherche|travail|job"
    r"|opportunit|h/f et|/.+/",
    re.IGNORECASE,
)


def draw(data: Path) -> list[Row]:
    """Return the drawn postings, in the order in which they are read."""
    addresses, texts = _used(data)
    fresh: list[Row] = []
    with gzip.open(data / "postings_dev.ndjson.gz") as lines:
        for row in map(json.loads, lines):
            text = _text(row.get("title"), row.get("company"))
            if not text[0] or text in texts or not addresses.isdisjoint(_addresses(row)):
                continue
            texts.add(text)
            fresh.append(row)
    arabic = [row for row in fresh if _ARABIC.search(row["title"])]
    latin = [row for row in fresh if not _ARABIC.search(row["title"])]
    rng = random.Random(SEED)
    chosen = rng.sample(arabic, min(ARABIC, len(arabic)))
    chosen += rng.sample([row for row in latin if _TRAP.search(row["title"])], TRAPS)
    taken = {row_hash(row) for row in chosen}
    chosen += rng.sample([row for row in latin if row_hash(row) not in taken], ROWS - len(chosen))
    rng.shuffle(chosen)
    return chosen


def _used(data: Path) -> tuple[set[object], set[tuple[str, str]]]:
    """Return addresses, and titles with employers, of the development sets."""
    addresses: set[object] = set()
    texts: set[tuple[str, str]] = set()
    ads = [*_rows(data / "occupations_dev.ndjson")]
    ads += [pair[side] for pair in _rows(data / "pairs_dev.ndjson") for side in "ab"]
    for row in ads:
        addresses.update(_addresses(row))
        texts.add(_text(row.get("title"), row.get("company")))
    for notice in _rows(data / "pairs_fr_ar_dev.ndjson"):
        addresses.add(("emploi-public", notice["uuid"]))
        texts.update(_text(notice[f"title_{lang}"], notice[f"employer_{lang}"]) for lang in ("fr", "ar"))
    return addresses, texts


def _addresses(row: Row) -> set[object]:
    named = {(row.get("source"), str(row["source_id"]))} if row.get("source_id") else set()
    return named | ({row["url"]} if row.get("url") else set())


def _text(title: str | None, employer: str | None) -> tuple[str, str]:
    return (title or "").strip().lower(), (employer or "").strip().lower()


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    for k, row in enumerate(draw(Path(sys.argv[1]))):
        sys.stdout.write(json.dumps({"hash": row_hash(row), "k": k, **row}, ensure_ascii=False) + "\n")
