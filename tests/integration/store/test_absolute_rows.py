import random
from datetime import UTC, datetime

import msgspec
import pytest

from dashboard.indicators import Indicators
from dashboard.names import read_names
from schemas.messages import Ad, Enrichment
from schemas.topics import Namespace
from store import Store
from streams.sink.rows import TABLES, rows_of
from streams.sink.writer import SinkWriter
from tests.integration.dashboard.sample_market import REGIONS, make, pour

NOW = datetime(2026, 3, 4, 14, 20, 30, tzinfo=UTC)
NAMES = read_names()["fr"]


def answers(store: Store) -> list[object]:
    """Every answer of the API, over one generation."""
    readers = Indicators(store, Namespace("sample"))
    return [
        readers.summary(NOW),
        readers.occupations(NOW, side="offer", names=NAMES),
        readers.occupations(NOW, side="seeker", by="opened", digits=2, region="MA-06", names=NAMES),
        readers.regions(NOW, codes=REGIONS, names=NAMES),
        readers.alerts(NOW, since=NOW.replace(day=1)),
        readers.sources(NOW, rejects_since=NOW.replace(day=1)),
        readers.before(NOW),
        sorted(msgspec.structs.astuple(cell) for cell in readers.minute_cells(NOW)),
    ]


async def test_repeated_and_late_records_change_no_answer(store: Store) -> None:
    """Any record inserted twice, and older states inserted after newer ones, leave every answer as it was."""
    sample = make(3, now=NOW, vacancies=600)
    messages = sample.messages()
    pour(store, messages)
    before = answers(store)
    writer = SinkWriter(store)
    for topic, values in messages.items():
        await writer.write(topic, random.Random(1).sample(values, len(values)))
    await writer.write("market-counts", [msgspec.json.encode(older) for older in sample.older])
    await writer.write(
        "vacancies",
        [
            msgspec.json.encode(msgspec.structs.replace(one, version=0, live=True, isco="9999"))
            for one in sample.vacancies
        ],
    )
    assert answers(store) == before


async def test_the_order_of_arrival_changes_no_answer(store: Store) -> None:
    """Older and newer states in any order, in batches of any size, give the answers of the newest alone."""
    chance = random.Random(7)
    sample = make(4, now=NOW, vacancies=400)
    mixed = [msgspec.json.encode(one) for one in [*sample.counts, *sample.older, *sample.older]]
    chance.shuffle(mixed)
    writer = SinkWriter(store)
    while mixed:
        size = chance.randrange(1, 900)
        await writer.write("market-counts", mixed[:size])
        mixed = mixed[size:]
    for topic in ("vacancies", "market-alerts", "source-status", "postings-rejected"):
        await writer.write(topic, sample.messages()[topic])
    shuffled = answers(store)
    store.command("OPTIMIZE TABLE market_counts FINAL")
    assert answers(store) == shuffled
    assert shuffled[0].offer.stock == sample.stock("offer", NOW)  # type: ignore[attr-defined]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_an_ad_that_moved_is_live_in_its_last_block_only(store: Store, order: tuple[int, ...]) -> None:
    """Created, edited and moved to another block, in whatever order the rows come, an ad is live once."""
    base = Ad(
        generation="g",
        event="upsert",
        block="offer:25",
        source="p",
        id="1",
        side="offer",
        raw_partition=0,
        raw_offset=10,
        born=10,
        log_time=NOW,
        first_seen=NOW,
        last_seen=NOW,
        facts=Enrichment(isco="2512"),
    )
    change = msgspec.structs.replace
    states = [
        base,
        change(base, event="moved", moved_to="offer:26", raw_offset=20),
        change(base, block="offer:26", raw_offset=20, facts=Enrichment(isco="2611")),
    ]
    table = TABLES["postings-enriched"]
    for place in order:
        store.insert(table.table, table.columns, rows_of("postings-enriched", [msgspec.json.encode(states[place])]))
    live = store.query("SELECT block, isco FROM ads FINAL WHERE generation = 'g' AND live = 1")
    assert live == [("offer:26", "2611")]


def test_generations_do_not_see_each_other(store: Store) -> None:
    """Two generations in one store, and two raw namespaces, are answered apart."""
    pour(store, make(5, now=NOW, vacancies=50).messages())
    pour(store, make(6, now=NOW, vacancies=80, generation="other").messages(), raw="archive")
    one, other = Indicators(store, Namespace("sample")), Indicators(store, Namespace("other", "archive"))
    assert one.summary(NOW).offer.stock == make(5, now=NOW, vacancies=50).stock("offer", NOW)
    assert other.summary(NOW).offer.stock == make(6, now=NOW, vacancies=80).stock("offer", NOW)
    assert sum(row.rejected for row in one.sources(NOW, rejects_since=NOW.replace(day=1)).rejects) == 12
