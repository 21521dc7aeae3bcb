"""Stage `detect`: the verdict on a window is a function of counts, not of the order or the runs in which they came."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from schemas.messages import Alert, Count, SourceStatus
from schemas.topics import Namespace
from streams.alerts import RECENT, DetectStage
from streams.detect import SECONDS, DetectOptions
from streams.engine.state import MemoryState
from tests.unit.streams.market_world import Raw

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
COUNTS, STATUS = "market-counts.g", "source-status"


@dataclass(frozen=True)
class _Cell:
    """A count of a series at a minute so many hours before now."""

    series: str
    hours: int
    minute: int
    opened: int


def _count(cell: _Cell) -> bytes:
    start = NOW - timedelta(hours=cell.hours) + timedelta(minutes=cell.minute)
    return msgspec.json.encode(
        Count("g", "offer:12", "offer", cell.series, "MA", "minute", start, cell.opened, 0, 0, version=0, revision=1)
    )


def _status(state: str) -> bytes:
    return msgspec.json.encode(SourceStatus("portal", NOW, state))  # type: ignore[arg-type]


def _fold(
    records: Sequence[tuple[str, bytes]], number: int, largest: int
) -> tuple[dict[str, tuple[str, int, tuple[str, ...]]], list[Alert], MemoryState]:
    """Standing alerts by id (event, count, flags), all alerts, and the state."""
    draw = random.Random(number)
    stage, state = DetectStage(Namespace("g"), DetectOptions(least_weeks=2)), MemoryState()
    offsets = {COUNTS: 0, STATUS: 0}
    raws = []
    for topic, value in records:
        raws.append(Raw(topic, 0, offsets[topic], 0, b"k", value))
        offsets[topic] += draw.choice([1, 1, 2])
    alerts: list[Alert] = []
    at = 0
    while at < len(raws):
        run = raws[at : at + draw.randint(1, largest)]
        at += len(run)
        alerts += [msgspec.json.decode(output.value or b"", type=Alert) for output in stage.fold(state, run)]
    standing = {a.id: (a.event, a.count, a.flagged) for a in alerts}
    return {name: row for name, row in standing.items() if row[0] != "withdrawn"}, alerts, state


cells = st.lists(
    st.builds(
        _Cell,
        series=st.sampled_from(["2111", "2512"]),
        hours=st.builds(
            lambda weeks, hours: weeks * 168 + hours, st.integers(0, 7), st.sampled_from([0, 1, 2, 3, 11, 13])
        ),
        minute=st.integers(0, 3),
        opened=st.sampled_from([1, 5, 9, 30, 80]),
    ),
    min_size=1,
    max_size=40,
)


def _in_some_order(found: list[_Cell], draw: random.Random) -> list[tuple[str, bytes]]:
    """Any order but that of one cell's versions: a cell has one writer."""
    versions: dict[tuple[str, int, int], list[_Cell]] = {}
    for cell in found:
        versions.setdefault((cell.series, cell.hours, cell.minute), []).append(cell)
    keys = [key for key, cells in versions.items() for _ in cells]
    draw.shuffle(keys)
    return [(COUNTS, _count(versions[key].pop(0))) for key in keys]


@seed(31)
@settings(max_examples=120, deadline=None, database=None)
@given(cells, st.integers(0, 2**20))
def test_verdicts_on_recent_windows_do_not_depend_on_the_order_of_counts(found: list[_Cell], number: int) -> None:
    """Late baselines, late beginnings of history and corrections lead to the same standing alerts."""
    draw = random.Random(number)
    one, _, state = _fold(_in_some_order(found, draw), number, 7)
    other, _, _ = _fold(_in_some_order(found, draw), number + 1, 3)
    hour = SECONDS["hour"]
    oldest = state.notes["clock"] // hour * hour - (RECENT["hour"] - 1) * hour
    recent = lambda standing: {n: row for n, row in standing.items() if int(n.rsplit("/", 1)[1]) >= oldest}  # noqa: E731
    assert recent(one) == recent(other)


@seed(32)
@settings(max_examples=100, deadline=None, database=None)
@given(cells, st.integers(0, 2**20))
def test_verdicts_do_not_depend_on_where_runs_end(found: list[_Cell], number: int) -> None:
    """The same records in runs of one or of many leave the same standing alerts, old windows among them."""
    records = _in_some_order(found, random.Random(number))
    one, _, first = _fold(records, number, 1)
    other, _, second = _fold(records, number, 50)
    assert one == other
    assert first.rows == second.rows


@seed(33)
@settings(max_examples=60, deadline=None, database=None)
@given(cells, st.lists(st.sampled_from(["ok", "silent", "blocked"]), max_size=6), st.integers(0, 2**20))
def test_later_alerts_have_greater_versions(found: list[_Cell], states: list[str], number: int) -> None:
    """Whatever topic moved last, no later state of an alert has a version that a store would take for older."""
    draw = random.Random(number)
    records = _in_some_order(found, draw)
    for state in states:
        records.insert(draw.randint(0, len(records)), (STATUS, _status(state)))
    _, alerts, _ = _fold(records, number, 5)
    last: dict[str, int] = {}
    for alert in alerts:
        assert alert.version >= last.get(alert.id, 0)
        last[alert.id] = alert.version


@pytest.mark.parametrize("spiked_first", [True, False])
def test_an_open_spike_carries_the_flags_of_sources_as_they_are(spiked_first: bool) -> None:  # noqa: FBT001
    """Source states and counts may come in either order: the standing alert names the source that is silent."""
    base = [(COUNTS, _count(_Cell("2111", 168 * week, 0, 4))) for week in range(7, 0, -1)]
    spike, silent = (COUNTS, _count(_Cell("2111", 0, 0, 80))), (STATUS, _status("silent"))
    order = [spike, silent] if spiked_first else [silent, spike]
    standing, _, _ = _fold([*base, *order], 1, 1)
    assert list(standing.values()) == [("started", 80, ("portal",))]
