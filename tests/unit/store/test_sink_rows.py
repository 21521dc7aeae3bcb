import base64
import re
from datetime import UTC, datetime

import msgspec
import pytest

from schemas.messages import Ad, AdRef, Count, Enrichment, Rejected, SourceStatus, Tick, Vacancy
from store.migrate import load
from streams.sink.rows import SAMPLE, TABLES, rows_of

AT = datetime(2026, 3, 1, 8, 30, 5, 250_000, tzinfo=UTC)


def as_dict(topic: str, message: msgspec.Struct, raw: str = "") -> dict[str, object]:
    """The one row of a message, by column."""
    (row,) = rows_of(topic, [msgspec.json.encode(message)], raw)
    return dict(zip(TABLES[topic].columns, row, strict=True))


def ad(**changes: object) -> Ad:
    """An ad with nothing but what it must have."""
    fields: dict[str, object] = {
        "generation": "g",
        "event": "upsert",
        "block": "offer:25",
        "source": "p",
        "id": "1",
        "side": "offer",
        "raw_partition": 2,
        "raw_offset": 70,
        "born": 9,
        "log_time": AT,
        "first_seen": AT,
        "last_seen": AT,
    }
    return msgspec.convert(fields | changes, Ad)


@pytest.mark.parametrize("topic", sorted(TABLES))
def test_columns_are_those_of_the_table(topic: str) -> None:
    """The columns that a topic's rows name are the table's own, in its order, those added later included."""
    table = TABLES[topic]
    statements = [one.sql for migration in load() for one in migration.statements]
    sql = next(one for one in statements if one.startswith(f"CREATE TABLE IF NOT EXISTS {table.table} ("))
    names = re.findall(r"^    (\w+)", sql, re.MULTILINE)
    added = [found[1] for one in statements if (found := re.match(rf"ALTER TABLE {table.table} ADD COLUMN (\w+)", one))]
    assert list(table.columns) == names + added


def test_an_ads_version_is_its_raw_offset() -> None:
    """The raw offset orders the versions of an ad, and a removal from its block leaves it there, no longer live."""
    there = as_dict("postings-enriched", ad())
    gone = as_dict("postings-enriched", ad(event="moved", moved_to="offer:26", raw_offset=80))
    assert (there["version"], there["live"]) == (70, 1)
    assert (gone["version"], gone["live"], gone["moved_to"]) == (80, 0, "offer:26")
    assert there["block"] == gone["block"] == "offer:25"


def test_what_is_unknown_is_empty_or_null() -> None:
    """No fact is invented: unknown text is '', an unknown number or time NULL."""
    row = as_dict("postings-enriched", ad())
    assert (row["isco"], row["contract"], row["url"]) == ("", "", "")
    assert (row["salary_min"], row["openings"], row["close_at"], row["isced"]) == (None, None, None, None)


def test_facts_reach_their_columns() -> None:
    """What was read out of a posting stands in the column of its name."""
    row = as_dict("postings-enriched", ad(facts=Enrichment(isco="2512", regions=("MA-06",), salary_min=6000, isced=6)))
    assert (row["isco"], row["regions"], row["salary_min"], row["isced"]) == ("2512", ("MA-06",), 6000, 6)


def test_a_tick_has_no_row() -> None:
    """A record that only moves the log clock is no ad."""
    tick = Tick(generation="g", event="tick", raw_partition=0, log_time=AT)
    assert rows_of("postings-enriched", [msgspec.json.encode(tick)]) == []


def test_a_foreign_message_is_a_defect() -> None:
    """A message that is none of the topic's stops the sink: skipping it would lose a fact silently."""
    with pytest.raises(msgspec.ValidationError):
        rows_of("market-counts", [b'{"generation":"g"}'])


def test_a_vacancys_ads_are_parallel_arrays() -> None:
    """Sources, identifiers and addresses of the ads stand at the same places of three arrays."""
    vacancy = Vacancy(
        generation="g",
        id="v",
        version=3,
        event="merged",
        block="b",
        side="offer",
        opened_at=AT,
        close_at=AT,
        close_reason="imputed",
        event_time=AT,
        ingest_time=AT,
        live=False,
        successor="w",
        ads=(AdRef("p", "1"), AdRef("q", "2", "https://q.example/2")),
        ad_count=2,
    )
    row = as_dict("vacancies", vacancy)
    assert (row["ad_sources"], row["ad_ids"], row["ad_urls"]) == (("p", "q"), ("1", "2"), ("", "https://q.example/2"))
    assert (row["live"], row["successor"], row["ad_count"]) == (0, "w", 2)


def test_a_cell_keeps_its_version_and_revision() -> None:
    """A cell's version orders its states in the store."""
    count = Count("g", "b", "offer", "25", "MA", "minute", AT, 3, 1, 4, version=12, revision=2)
    row = as_dict("market-counts", count)
    assert (row["version"], row["revision"], row["opened"], row["closed"], row["openings"]) == (12, 2, 3, 1, 4)


def test_a_status_is_ordered_within_a_second() -> None:
    """Two states of one source in one second keep their order, and belong to the raw namespace."""
    row = as_dict("source-status", SourceStatus("p", AT, "ok"), raw="archive")
    assert row["version"] == 1_772_353_805_250_000
    assert row["raw"] == "archive"


def test_a_reject_keeps_readable_first_bytes() -> None:
    """The sample is at most its limit, and bytes that are no text are replaced, not refused."""
    data = b"\xff\x00" + b"x" * 5_000
    rejected = Rejected(
        stage="ads",
        reason="malformed",
        at=AT,
        data=base64.b64encode(data).decode(),
        length=len(data),
        sha256="0" * 64,
        topic="postings-raw",
        partition=1,
        offset=5,
    )
    row = as_dict("postings-rejected", rejected)
    assert str(row["sample"]).startswith("\ufffd\x00xxx")
    assert len(str(row["sample"])) == SAMPLE
    assert (row["length"], row["offset"]) == (5_002, 5)
