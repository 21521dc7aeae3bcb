"""Draw merges and near misses to judge: `PYTHONPATH=. python tests/labelled/merges.py ../shared/data > pairs.ndjson`.

All of `postings_dev` goes through one `match`. Drawn by a seed: 200 pairs of ads that became one vacancy, and 100 that
did not, though both were open at one time, name one employer and share half of the title's words. A reader sees both
ads whole, shuffled, without what was decided, which stands in a last field, `joined`.
"""

import gzip
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from streams import offline
from streams.enrich.enricher import Enricher
from streams.enrich.text import tokens

Row = dict[str, Any]

SEED = 20_261_125
MERGES, NEAR_MISSES = 200, 100
SHOWN = (
    "source", "title", "company", "company_slug", "city", "region_raw", "contract_raw", "salary_raw",
    "experience_raw", "date_raw", "seen_first", "seen_last", "url", "description",
)  # fmt: skip


def draw(rows: Sequence[Row]) -> list[Row]:
    """Return the pairs to judge, of rows as `match` gives them."""
    rng = random.Random(SEED)
    ads = {(row["source"], offline._identity(row)): row for row in rows if "error" not in row}
    vacancies: dict[str, list[Row]] = defaultdict(list)
    for _, row in sorted(ads.items()):
        vacancies[row["vacancy_id"]].append(row)
    joined = [rng.choice(list(combinations(found, 2))) for found in vacancies.values() if len(found) > 1]
    rest = [pair for found in vacancies.values() for pair in combinations(found, 2) if pair not in joined]
    pairs = rng.sample(joined, min(MERGES, len(joined)))
    pairs += rng.sample(rest, min(MERGES - len(pairs), len(rest)))
    near = list(_near_misses(list(ads.values())))
    drawn = [(pair, True) for pair in pairs] + [(pair, False) for pair in rng.sample(near, NEAR_MISSES)]
    rng.shuffle(drawn)
    return [{"a": _shown(a), "b": _shown(b), "joined": found} for (a, b), found in drawn]


def _near_misses(ads: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    by_employer: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in ads:
        if row.get("company"):
            by_employer[tokens(row["company"])[:1]].append(row)
    for found in by_employer.values():
        for a, b in combinations(found[:80], 2):
            mine, yours = set(tokens(a["title"])), set(tokens(b["title"]))
            close = 2 * len(mine & yours) >= max(len(mine), len(yours))
            if close and a["vacancy_id"] != b["vacancy_id"] and abs(_day(a) - _day(b)) <= 42:
                yield a, b


def _day(row: Row) -> int:
    return int(offline._time(row["seen_first"]).timestamp()) // 86_400


def _shown(row: Row) -> Row:
    return {name: row[name] for name in SHOWN if row.get(name)}


if __name__ == "__main__":
    with gzip.open(Path(sys.argv[1]) / "postings_dev.ndjson.gz") as lines:
        for pair in draw(list(offline.match(lines, Enricher.load()))):
            sys.stdout.write(json.dumps(pair, ensure_ascii=False) + "\n")
