"""A message of a topic as a row of its table. Pure: bytes in, tuples out; the tables are `schemas/tables/*.sql`.

Every row is the whole state of its key at a version, so that writing it again, or an older one after it, changes no
answer. What is unknown is '' in a text column and NULL elsewhere; times outside what a DateTime holds (1970–2106) are
held at its ends.
"""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from schemas.messages import Ad, Alert, Count, Rejected, SourceStatus, Tick, Vacancy
from streams.versions import known

Row = tuple[object, ...]

SAMPLE = 1000
"""Bytes of a rejected record that its row keeps; the topic keeps them all."""

_SAMPLE_BASE64 = -(-SAMPLE // 3) * 4


@dataclass(frozen=True)
class TableOf:
    """Where the messages of a topic go: `row(message, raw)` has a value for each of `columns`, in order."""

    table: str
    columns: tuple[str, ...]
    decode: Callable[[bytes], Any]
    row: Callable[[Any, str], Row]


def micros(moment: datetime) -> int:
    """Microseconds since 1970, never below 0: the version of records that are ordered by time."""
    return max(round(moment.timestamp() * 1_000_000), 0)


def ad_row(ad: Ad, _raw: str) -> Row:
    """Row of `ads`. A removal from a block (`moved`) keeps its key there and is no longer live."""
    facts = ad.facts
    return (
        ad.generation,
        ad.block,
        ad.source,
        ad.id,
        ad.born,
        ad.raw_offset,
        int(ad.event == "upsert"),
        ad.moved_to or "",
        ad.side,
        ad.raw_partition,
        ad.raw_offset,
        ad.log_time,
        ad.first_seen,
        ad.last_seen,
        ad.removed_at,
        ad.close_at,
        ad.close_reason or "",
        ad.url or "",
        ad.title or "",
        ad.company or "",
        facts.lang or "",
        facts.isco or "",
        facts.isco_confidence,
        facts.isco_best or "",
        facts.isco_p,
        facts.isco_also,
        facts.regions,
        facts.scope,
        facts.contract or "",
        facts.isced,
        facts.experience_min,
        facts.experience_max,
        facts.salary_min,
        facts.salary_max,
        facts.salary_basis or "",
        facts.openings,
        facts.sector_isic or "",
        facts.skills,
        facts.remote or "",
        facts.languages,
        facts.published_on or "",
        facts.deadline_on or "",
        ad.taxonomy,
    )


def vacancy_row(vacancy: Vacancy, _raw: str) -> Row:
    """Row of `vacancies`."""
    return (
        vacancy.generation,
        vacancy.id,
        vacancy.version,
        vacancy.event,
        int(vacancy.live),
        int(vacancy.counted),
        vacancy.successor or "",
        vacancy.block,
        vacancy.side,
        vacancy.opened_at,
        vacancy.close_at,
        vacancy.close_reason,
        vacancy.event_time,
        vacancy.ingest_time,
        vacancy.isco or "",
        vacancy.isco_confidence,
        vacancy.regions,
        vacancy.scope,
        vacancy.openings,
        vacancy.title or "",
        vacancy.company or "",
        vacancy.contract or "",
        vacancy.salary_min,
        vacancy.salary_max,
        vacancy.sector_isic or "",
        tuple(ad.source for ad in vacancy.ads),
        tuple(ad.id for ad in vacancy.ads),
        tuple(ad.url or "" for ad in vacancy.ads),
        vacancy.ad_count,
        vacancy.merged_because,
        vacancy.source,
        vacancy.taxonomy,
    )


def count_row(count: Count, _raw: str) -> Row:
    """Row of `market_counts`."""
    return (
        count.generation,
        count.grain,
        count.region,
        count.start,
        count.side,
        count.isco,
        count.block,
        count.opened,
        count.closed,
        count.openings,
        count.version,
        count.revision,
    )


def alert_row(alert: Alert, _raw: str) -> Row:
    """Row of `market_alerts`."""
    return (
        alert.generation,
        alert.id,
        alert.version,
        alert.event,
        alert.side,
        alert.isco,
        alert.region,
        alert.window,
        alert.start,
        alert.count,
        alert.expected,
        alert.limit,
        alert.event_time,
        alert.flagged,
    )


def status_row(status: SourceStatus, raw: str) -> Row:
    """Row of `source_status` in raw namespace `raw`."""
    return (
        raw,
        status.source,
        micros(status.at),
        status.at,
        status.state,
        status.kind,
        status.seen,
        status.expected,
        status.published,
        status.rejected,
        status.last_success,
        status.message,
        status.filled,
        status.drifted,
    )


def reject_row(rejected: Rejected, raw: str) -> Row:
    """Row of `rejects` in raw namespace `raw`: the first bytes only, readable whatever they were."""
    sample = b64decode(rejected.data[:_SAMPLE_BASE64])[:SAMPLE]
    return (
        raw,
        rejected.generation,
        rejected.stage,
        rejected.source,
        rejected.topic,
        rejected.partition,
        rejected.offset,
        rejected.sha256,
        micros(rejected.at),
        rejected.at,
        rejected.reason,
        rejected.detail,
        rejected.length,
        int(rejected.truncated),
        sample.decode("utf-8", "replace"),
    )


ADS = TableOf(
    "ads",
    (
        "generation",
        "block",
        "source",
        "id",
        "born",
        "version",
        "live",
        "moved_to",
        "side",
        "raw_partition",
        "raw_offset",
        "log_time",
        "first_seen",
        "last_seen",
        "removed_at",
        "close_at",
        "close_reason",
        "url",
        "title",
        "company",
        "lang",
        "isco",
        "isco_confidence",
        "isco_best",
        "isco_p",
        "isco_also",
        "regions",
        "scope",
        "contract",
        "isced",
        "experience_min",
        "experience_max",
        "salary_min",
        "salary_max",
        "salary_basis",
        "openings",
        "sector_isic",
        "skills",
        "remote",
        "languages",
        "published_on",
        "deadline_on",
        "taxonomy",
    ),
    msgspec.json.Decoder(Ad).decode,
    ad_row,
)

VACANCIES = TableOf(
    "vacancies",
    (
        "generation",
        "id",
        "version",
        "event",
        "live",
        "counted",
        "successor",
        "block",
        "side",
        "opened_at",
        "close_at",
        "close_reason",
        "event_time",
        "ingest_time",
        "isco",
        "isco_confidence",
        "regions",
        "scope",
        "openings",
        "title",
        "company",
        "contract",
        "salary_min",
        "salary_max",
        "sector_isic",
        "ad_sources",
        "ad_ids",
        "ad_urls",
        "ad_count",
        "merged_because",
        "source",
        "taxonomy",
    ),
    msgspec.json.Decoder(Vacancy).decode,
    vacancy_row,
)

COUNTS = TableOf(
    "market_counts",
    (
        "generation",
        "grain",
        "region",
        "start",
        "side",
        "isco",
        "block",
        "opened",
        "closed",
        "openings",
        "version",
        "revision",
    ),
    msgspec.json.Decoder(Count).decode,
    count_row,
)

ALERTS = TableOf(
    "market_alerts",
    (
        "generation",
        "id",
        "version",
        "event",
        "side",
        "isco",
        "region",
        "window",
        "start",
        "count",
        "expected",
        "limit",
        "event_time",
        "flagged",
    ),
    msgspec.json.Decoder(Alert).decode,
    alert_row,
)

SOURCES = TableOf(
    "source_status",
    (
        "raw",
        "source",
        "version",
        "at",
        "state",
        "kind",
        "seen",
        "expected",
        "published",
        "rejected",
        "last_success",
        "message",
        "filled",
        "drifted",
    ),
    msgspec.json.Decoder(SourceStatus).decode,
    status_row,
)

REJECTS = TableOf(
    "rejects",
    (
        "raw",
        "generation",
        "stage",
        "source",
        "topic",
        "partition",
        "offset",
        "sha256",
        "version",
        "at",
        "reason",
        "detail",
        "length",
        "truncated",
        "sample",
    ),
    msgspec.json.Decoder(Rejected).decode,
    reject_row,
)

TABLES: Mapping[str, TableOf] = {
    "postings-enriched": ADS,
    "vacancies": VACANCIES,
    "market-counts": COUNTS,
    "market-alerts": ALERTS,
    "source-status": SOURCES,
    "postings-rejected": REJECTS,
}
"""The topics that the sink reads, by contract name."""

_tick = msgspec.json.Decoder(Tick)


def rows_of(topic: str, values: Iterable[bytes], raw: str = "") -> list[Row]:
    """Rows of contract topic `topic`, in order; `raw` names the raw namespace of topics that generations share.

    Records that only move the log clock have no row. Raises KeyError for a topic without a table, and
    msgspec.ValidationError for a message that is none of its topic: our own stages wrote it, so it is a defect; and
    Unreadable for one of a later schema version.
    """
    table = TABLES[topic]
    rows: list[Row] = []
    for value in values:
        try:
            message = table.decode(value)
        except msgspec.ValidationError:
            if _is_tick(value):
                continue
            raise
        rows.append(table.row(known(message), raw))
    return rows


def _is_tick(value: bytes) -> bool:
    try:
        _tick.decode(value)
    except msgspec.ValidationError:
        return False
    return True
