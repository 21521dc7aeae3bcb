"""The tables, the sink's rows and the messages hold together."""

import re
from collections.abc import Mapping
from datetime import datetime

import pytest

from schemas.topics import topics
from store.migrate import load
from streams.sink.rows import TABLES, rows_of
from tests.contract.messages import examples

TYPES: Mapping[str, tuple[type, ...]] = {
    "String": (str,),
    "UInt": (int,),
    "Int": (int,),
    "Float": (float, int),
    "DateTime": (datetime,),
    "Array": (tuple, list),
}
"""What a row may hold in a column, by the beginning of the column's type."""


def tables() -> dict[str, list[tuple[str, str]]]:
    """Columns (name, type) of each table that the SQL makes, in order, those added later last."""
    found: dict[str, list[tuple[str, str]]] = {}
    for migration in load():
        for statement in migration.statements:
            created = re.match(r"CREATE TABLE IF NOT EXISTS (\w+) \(\n(.*?)\n\) ENGINE", statement.sql, re.DOTALL)
            if created:
                found[created[1]] = re.findall(r"^    (\w+) +(.+?),?$", created[2], re.MULTILINE)
            if added := re.fullmatch(r"ALTER TABLE (\w+) ADD COLUMN (\w+) (\S+)", statement.sql):
                found[added[1]].append((added[2], added[3]))
    return found


def rows(topic: str) -> list[dict[str, object]]:
    """Rows of the passing examples of a topic's message, by column."""
    values = [one.text for one in examples("pass") if one.message == topics()[topic].message]
    return [dict(zip(TABLES[topic].columns, row, strict=True)) for row in rows_of(topic, values, raw="archive")]


def test_every_table_has_a_topic_and_every_stored_topic_a_table() -> None:
    """No table stands without a topic that fills it, but for the store's own; and no two topics share one."""
    filled = [table.table for table in TABLES.values()]
    assert sorted([*filled, "generations"]) == sorted(tables())
    assert len(set(filled)) == len(filled)


@pytest.mark.parametrize("topic", sorted(TABLES))
def test_rows_have_the_columns_of_their_table(topic: str) -> None:
    """Names and order of the sink's columns are those of the SQL."""
    assert list(TABLES[topic].columns) == [name for name, _ in tables()[TABLES[topic].table]]


@pytest.mark.parametrize("topic", sorted(TABLES))
def test_every_column_is_filled(topic: str) -> None:
    """Each column holds something for some example: none is created and forgotten."""
    found = rows(topic)
    assert [column for column in TABLES[topic].columns if not any(row[column] for row in found)] == []


@pytest.mark.parametrize("topic", sorted(TABLES))
def test_values_fit_their_columns(topic: str) -> None:
    """Each value is of its column's type; only a nullable column holds none; times know their zone."""
    kinds = dict(tables()[TABLES[topic].table])
    for row in rows(topic):
        for column, value in row.items():
            nullable = re.fullmatch(r"Nullable\((.+)\)", kinds[column])
            kind = re.match("[A-Z][A-Za-z]*", nullable[1] if nullable else kinds[column])
            assert kind
            if value is None:
                assert nullable, column
                continue
            assert isinstance(value, TYPES[kind[0].rstrip("0123456789")]), column
            assert kind[0] != "UInt" or (isinstance(value, int) and value >= 0), column
            assert not isinstance(value, datetime) or value.tzinfo is not None, column


def test_a_tick_has_no_row() -> None:
    """Records that only move the log clock reach no table."""
    ticks = [one.text for one in examples("pass") if one.message == "tick"]
    assert rows_of("postings-enriched", ticks) == []
