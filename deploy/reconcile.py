"""Reconciliation: does every sighting of an archive stand where it must, and every cell hold what it should.

Each figure is read back from the topics, the markers or the store; the cells are compared with three recounts that
share no code with the engine: the pure functions over the file, SQL over the stored vacancies, and the file's
columns.
"""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deploy import columns
from deploy.markers import Readback
from deploy.recount import Cells, Recount, differing, digest, fingerprints, missing
from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from store import Store
from streams.aggregate import NOTHING, Amount, Cell

_CELLS = """
SELECT block, grain, isco, region, toUnixTimestamp(start), opened, closed, openings
FROM market_counts FINAL
WHERE generation = %(generation)s AND (opened != 0 OR closed != 0 OR openings != 0)
"""

_RECOUNT = """
SELECT block, isco, region, toUnixTimestamp({moment}) AS at, count(), sum(ifNull(openings, 0))
FROM (
    SELECT block, isco, opened_at, close_at, openings, arrayJoin(arrayConcat(['MA'], regions)) AS region
    FROM vacancies FINAL
    WHERE generation = %(generation)s AND live = 1 AND counted = 1
)
GROUP BY block, isco, region, at
"""

_UNMERGED = """
SELECT ad_sources[1], ad_ids[1], toString(toDate(opened_at)), toString(toDate(close_at))
FROM vacancies FINAL
WHERE generation = %(generation)s AND live = 1 AND ad_count = 1
"""

_TOTALS = """
SELECT
    (SELECT count() FROM ads FINAL WHERE generation = %(generation)s AND live = 1),
    (SELECT count() FROM vacancies FINAL WHERE generation = %(generation)s AND live = 1),
    (SELECT sum(ad_count - 1) FROM vacancies FINAL WHERE generation = %(generation)s AND live = 1)
"""

_REJECTS = "SELECT reason, count() FROM rejects FINAL WHERE generation = %(generation)s GROUP BY reason"


@dataclass(frozen=True)
class FromTopics:
    """What the topics and markers say; `raw` are the raw records (see `recount.fingerprints`)."""

    raw: NDArray[np.uint64]
    sightings: int
    unchanged: int
    updated: int
    new: int
    rejected: Mapping[str, int]
    rejected_in_topic: Mapping[str, int]


@dataclass(frozen=True)
class FromStore:
    """What the store says."""

    ads: int
    vacancies: int
    merged_ads: int
    rejected: Mapping[str, int]
    cells: Cells
    cells_by_sql: Cells
    unmerged: list[dict[str, str]]


@dataclass
class Report:
    """What `--report` writes; `checks` names each equality and whether it holds."""

    sightings: int
    unchanged: int
    updated: int
    new: int
    rejected: Mapping[str, int]
    ads: int
    vacancies: int
    merged_ads: int
    cells: int
    cells_that_differ: int
    seconds: float
    peak_rss_mb: Mapping[str, int]
    balanced: bool
    differ_from: Mapping[str, int] = field(default_factory=dict)
    checks: Mapping[str, bool] = field(default_factory=dict)

    def as_json(self) -> str:
        """One object, indented."""
        return json.dumps(asdict(self), indent=2)


async def from_topics(connection: KafkaConnection, namespace: Namespace) -> FromTopics:
    """Count the raw topic's records and the generation's rejects, and sum the tallies of the `ads` markers."""
    async with Readback(connection, namespace) as readback:
        raw = [digest(record.key, record.value) async for record in readback.records("postings-raw")]
        in_topic: Counter[str] = Counter()
        async for record in readback.records("postings-rejected"):
            rejected = json.loads(record.value)
            if rejected["stage"] == "ads" and rejected.get("generation") == namespace.generation:
                in_topic[rejected["reason"]] += 1
        markers = await readback.markers("ads")
    tallies: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for marker in markers.values():
        tallies.update({name: marker.notes[name] for name in ("unchanged", "updated", "new")})
        reasons.update(marker.notes["rejected"])
    return FromTopics(
        fingerprints(raw),
        len(raw),
        tallies["unchanged"],
        tallies["updated"],
        tallies["new"],
        dict(reasons),
        dict(in_topic),
    )


def from_store(store: Store, generation: str) -> FromStore:
    """Read the generation's rows and recount its vacancies by SQL."""
    bound = {"generation": generation}
    ads, vacancies, merged = (int(str(value or 0)) for value in store.query(_TOTALS, bound)[0])
    stored = {
        (str(block), Cell("minute" if grain == "minute" else "day", str(isco), str(region), int(str(start)))): Amount(
            int(str(opened)), int(str(closed)), int(str(openings))
        )
        for block, grain, isco, region, start, opened, closed, openings in store.query(_CELLS, bound)
    }
    return FromStore(
        ads=ads,
        vacancies=vacancies,
        merged_ads=merged,
        rejected={str(reason): int(str(count)) for reason, count in store.query(_REJECTS, bound)},
        cells=stored,
        cells_by_sql=_sql_recount(store, generation),
        unmerged=[
            dict(zip(("source", "id", "opened", "closed"), map(str, row), strict=True))
            for row in store.query(_UNMERGED, bound)
        ],
    )


def _sql_recount(store: Store, generation: str) -> Cells:
    cells: dict[tuple[str, Cell], Amount] = defaultdict(lambda: NOTHING)
    for grain, truncated in (("minute", "toStartOfMinute({})"), ("day", "toStartOfDay({}, 'UTC')")):
        for moment in ("opened_at", "close_at"):
            sql = _RECOUNT.format(moment=truncated.format(moment))
            for block, isco, region, at, count, openings in store.query(sql, {"generation": generation}):
                cell = Cell("minute" if grain == "minute" else "day", str(isco), str(region), int(str(at)))
                number = int(str(count))
                amount = Amount(number, 0, int(str(openings))) if moment == "opened_at" else Amount(closed=number)
                key = (str(block), cell)
                cells[key] = cells[key].plus(amount)
    return dict(cells)


def by_columns(archive: Path, unmerged: list[dict[str, str]]) -> int:
    """How many unmerged vacancies open or close on another day than the file's columns say."""
    lines = "".join(json.dumps(vacancy) + "\n" for vacancy in unmerged)
    answer = subprocess.run(  # noqa: S603 - our own script, by its own interpreter
        [sys.executable, "-I", str(columns.__file__), str(archive)],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(json.loads(answer.stdout)["differ"])


def judge(
    topics: FromTopics,
    stored: FromStore,
    offline: Recount,
    by_file: int,
    seconds: float,
    peak_rss_mb: Mapping[str, int],
) -> Report:
    """Put the figures side by side."""
    differ = {
        "pure functions over the file": differing(stored.cells, offline.cells),
        "SQL over the vacancies": differing(stored.cells, stored.cells_by_sql),
        "the file's columns": by_file,
    }
    rejected = sum(topics.rejected.values())
    checks = {
        "sightings = unchanged + updated + new + rejected": topics.sightings
        == topics.unchanged + topics.updated + topics.new + rejected,
        "every sighting of the file is in the raw topic": missing(offline.sightings, topics.raw) == 0,
        "rejects in the markers = in the topic": dict(topics.rejected) == dict(topics.rejected_in_topic),
        "rejects in the markers = in the store": dict(topics.rejected) == dict(stored.rejected),
        "new = ads in the store": topics.new == stored.ads,
        "ads = vacancies + merged ads": stored.ads == stored.vacancies + stored.merged_ads,
        "ads = recounted from the file": stored.ads == offline.ads,
        "vacancies = recounted from the file": stored.vacancies == offline.vacancies,
        **{f"cells = {name}": count == 0 for name, count in differ.items()},
    }
    return Report(
        sightings=topics.sightings,
        unchanged=topics.unchanged,
        updated=topics.updated,
        new=topics.new,
        rejected=topics.rejected,
        ads=stored.ads,
        vacancies=stored.vacancies,
        merged_ads=stored.merged_ads,
        cells=len(stored.cells),
        cells_that_differ=sum(differ.values()),
        seconds=round(seconds, 1),
        peak_rss_mb=peak_rss_mb,
        balanced=all(checks.values()),
        differ_from=differ,
        checks=checks,
    )
