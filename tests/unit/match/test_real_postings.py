"""What matching does to real postings and to pairs that people judged; deselected where they are absent."""

import gzip
import json
import random
from collections import defaultdict
from itertools import chain, combinations, product
from pathlib import Path

import pytest

from schemas.messages import Enrichment, Posting, Signature
from streams import offline
from streams.block import block_of
from streams.enrich.enricher import Enricher
from streams.evaluate import pairs
from streams.evaluate.figures import Bootstrap
from streams.evaluate.labelled import rows_of
from streams.match.pairs import outline, same_vacancy
from tests.unit.match.finding import finds

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    """Load the enricher once."""
    return Enricher.load()


def test_judged_pairs_are_matched_as_judged(shared_data: Path, enricher: Enricher) -> None:
    """Of the development pairs hardly any is joined wrongly, six of seven are found, and blocks split few."""
    rows = rows_of((shared_data / "pairs_dev.ndjson").read_bytes().splitlines())
    report = pairs.measure(rows, enricher, enricher.taxonomy, Bootstrap(resamples=10))
    assert (report.value("precision") or 0) >= 0.95
    assert (report.value("recall") or 0) >= 0.85
    assert (report.value("F1") or 0) >= 0.9
    assert (report.value("lost by blocking") or 0) <= 0.03


def test_french_and_arabic_notices_are_matched_as_judged(shared_data: Path, enricher: Enricher) -> None:
    """No notice is joined to another's translation; three of five find their own."""
    rows = rows_of((shared_data / "pairs_fr_ar_dev.ndjson").read_bytes().splitlines())
    report = pairs.measure_fr_ar(rows, enricher, enricher.taxonomy, Bootstrap(resamples=10))
    assert (report.value("precision") or 0) >= 0.95
    assert (report.value("recall") or 0) >= 0.6
    assert (report.value("lost by blocking") or 0) <= 0.1


def test_the_index_parts_no_pair_that_the_test_joins(shared_data: Path, enricher: Enricher) -> None:
    """All pairs of a block that have one outline, or two languages, compared without the index."""
    alike: dict[tuple[str, str], set[Signature]] = defaultdict(set)
    notices: dict[str, tuple[set[Signature], set[Signature]]] = defaultdict(lambda: (set(), set()))
    with gzip.open(shared_data / "postings_dev.ndjson.gz") as file:
        for line in offline.read(file):
            if isinstance(line.posting, Posting):
                facts, signature = enricher(line.posting)
                block = block_of(line.posting.side, facts)
                alike[block, outline(signature.title)].add(signature)
                if signature.concepts:
                    notices[block][signature.arabic].add(signature)
    pairs_of = chain(*(combinations(ads, 2) for ads in alike.values()), *(product(*two) for two in notices.values()))
    joined = [pair for pair in pairs_of if same_vacancy(*pair)]
    assert len(joined) > 200
    assert [(a, b) for a, b in joined if not finds(a, b)] == []


def test_the_order_of_the_postings_changes_no_vacancy(shared_data: Path, enricher: Enricher) -> None:
    """All postings in two other orders give the same vacancy to every line."""
    with gzip.open(shared_data / "postings_dev.ndjson.gz") as file:
        lines = list(file)
    remembered: dict[str, tuple[Enrichment, Signature]] = {}

    def once(posting: Posting) -> tuple[Enrichment, Signature]:
        name = repr(posting)
        if name not in remembered:
            remembered[name] = enricher(posting)
        return remembered[name]

    own = dict(zip(lines, offline.match(lines, once), strict=True))
    for seed in (1, 2):
        order = list(lines)
        random.Random(seed).shuffle(order)
        for line, row in zip(order, offline.match(order, once), strict=True):
            assert row.get("vacancy_id") == own[line].get("vacancy_id")
            assert row.get("merged_because") == own[line].get("merged_because")


def test_no_employer_merges_two_towns(shared_data: Path, enricher: Enricher) -> None:
    """One job of one employer in two towns is two vacancies, whatever their texts share: all such pairs of a fifth."""
    with gzip.open(shared_data / "postings_dev.ndjson.gz") as file:
        rows = [row for k, row in enumerate(map(json.loads, file)) if k % 5 == 0 and row.get("title")]
    towns = ("Rabat", "Oujda")
    moved = [
        {**row, "source": f"{row['source']}{k}", "source_id": f"{n}-{town}", "title": "Chargé de portefeuille",
         "city": town, "region_raw": town, "url": None}
        for n, row in enumerate(rows)
        if row.get("company")
        for k, town in enumerate(towns)
    ]  # fmt: skip
    found = list(offline.match([json.dumps(row).encode() for row in moved], enricher))
    by_vacancy: dict[str, set[str]] = {}
    for row in found:
        by_vacancy.setdefault(row["vacancy_id"], set()).add(row["city"])
    assert len(found) > 1_000
    assert all(len(cities) == 1 for cities in by_vacancy.values())
