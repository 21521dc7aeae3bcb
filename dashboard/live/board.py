"""The wall's figures as a fold: what the store held, then every absolute cell as it comes, then the clock.

Pure: no I/O and no clock of its own. A cell replaces its earlier state, so a record that comes twice, or after a newer
one, changes nothing. Figures speak of the minute that the board was advanced to: a cell that lies ahead of it (a
closing to come) waits until the clock reaches its minute. The arithmetic is that of `dashboard/queries/summary.sql`
and `regions.sql`; a test holds the two together.

What the days before today sum up to comes from the store, as far as the sink is; today's cells come from Kafka, ahead
of it. The two make one figure only where they speak of one state: a closing of today whose opening, of an earlier day,
is still to be written would take from the stock what was never added, and while weeks of history come in the stock
would fall below zero. So today's cells that come with or after a record of an earlier day wait until the sink has
passed that record and the days were summed again.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from dashboard.indicators import Before, MinuteCell, Revision, Source, Spike, coded_share, tension, top
from dashboard.windows import DAY, HOUR, MINUTE, epoch, moment_of
from schemas.messages import NATION, Count

SIDES = ("offer", "seeker")

LINE_MINUTES = 60
OCCUPATIONS = 8
"""Occupations that the wall lists, a side."""

Group = tuple[str, str, str]
"""Side, region, and code as published ('' for all of them): what a figure sums over."""

Key = tuple[str, str, str, str, int]
"""Identity of a minute cell: side, code, region, block, start."""


class SideFigures(msgspec.Struct, frozen=True):
    """The nation's totals of a side."""

    stock: int
    opened_today: int
    closed_today: int
    opened_hour: int
    closed_hour: int
    ads_per_vacancy: float | None
    coded_share: float | None


class OccupationFigures(msgspec.Struct, frozen=True):
    """An occupation in the wall's ranking: code, stock, new today."""

    isco: str
    stock: int
    opened_today: int


class RegionFigures(msgspec.Struct, frozen=True):
    """A region's tile. `tension` (new offers / new seekers over seven days) is null under 30 on either side."""

    region: str
    offer: int
    seeker: int
    offer_today: int
    seeker_today: int
    tension: float | None


class Line(msgspec.Struct, frozen=True):
    """New vacancies a minute: the sixty minutes from `start` on, the last one still running."""

    start: datetime
    offer: list[int]
    seeker: list[int]


class Figures(msgspec.Struct, frozen=True):
    """Everything on the wall at `as_of`: absolute, so that the last one that arrived is the whole truth."""

    as_of: datetime
    generation: str
    data_as_of: datetime | None
    revision: Revision
    offer: SideFigures
    seeker: SideFigures
    nation: RegionFigures
    occupations: dict[str, list[OccupationFigures]]
    regions: list[RegionFigures]
    line: Line
    alerts: list[Spike]
    sources: list[Source]
    catching_up: int = 0
    """Records still to be counted or written where they are too many to call the figures those of now; else 0."""


@dataclass
class _Flow:
    opened: int = 0
    closed: int = 0

    def add(self, opened: int, closed: int) -> None:
        self.opened += opened
        self.closed += closed


@dataclass
class _Waiting:
    """Today's newest cells that came, from `since` on, with or after a record of an earlier day, the last at `past`."""

    since: float
    past: int = -1
    cells: dict[Key, MinuteCell] = field(default_factory=dict)

    def add(self, cell: MinuteCell) -> None:
        key = _key(cell)
        known = self.cells.get(key)
        if known is None or known.version < cell.version:
            self.cells[key] = cell


class Board:
    """The state behind the figures of one UTC day; the next day needs a new board, from the store."""

    def __init__(self, now: datetime, before: Iterable[Before], cells: Iterable[MinuteCell]) -> None:
        seconds = epoch(now)
        self.day = seconds - seconds % DAY
        self.minute = seconds - seconds % MINUTE
        self._since = self.day - HOUR
        self._cells: dict[Key, MinuteCell] = {}
        self._stock: Mapping[Group, int] = {}
        self._opened_before: Mapping[Group, int] = {}
        self._revision_before = 0
        self._today: defaultdict[Group, _Flow] = defaultdict(_Flow)
        self._ahead: defaultdict[int, defaultdict[Group, _Flow]] = defaultdict(lambda: defaultdict(_Flow))
        self._line: defaultdict[tuple[str, int], _Flow] = defaultdict(_Flow)
        self._revision_today = 0
        self._waiting: deque[_Waiting] = deque()
        self._stand_on(before)
        for cell in cells:
            self._replace(cell)

    def __len__(self) -> int:
        return len(self._cells)

    def covers(self, now: datetime) -> bool:
        """Whether `now` is in the board's day (or before it)."""
        return epoch(now) < self.day + DAY

    def settle(self, done: int, before: Iterable[Before]) -> None:
        """Take what the days before today sum up to, read after the sink had passed every offset below `done`.

        The cells that waited for that show from now on.
        """
        self._stand_on(before)
        while self._waiting and self._waiting[0].past < done:
            for cell in self._waiting.popleft().cells.values():
                self._replace(cell)

    def goal(self, at: float) -> int | None:
        """Offset of `market-counts` that the sink must pass before the next cells may show; None when none wait.

        What comes after `at` (seconds of a clock that never goes back) does not keep back what waits already.
        """
        if not self._waiting:
            return None
        if self._waiting[-1].past >= 0:
            self._waiting.append(_Waiting(at))
        return self._waiting[0].past

    def waited(self, at: float) -> float:
        """Seconds that what has waited longest has waited at `at`."""
        return at - self._waiting[0].since if self._waiting else 0.0

    def _stand_on(self, before: Iterable[Before]) -> None:
        stock: defaultdict[Group, int] = defaultdict(int)
        opened: defaultdict[Group, int] = defaultdict(int)
        revision = 0
        for row in before:
            groups: list[Group] = [(row.side, row.region, "")]
            if row.region == NATION:
                groups.append((row.side, "", row.isco))
                revision += row.revision
            for group in groups:
                stock[group] += row.stock
                opened[group] += row.opened_since
        self._stock, self._opened_before, self._revision_before = stock, opened, revision

    def take(self, run: Iterable[tuple[int, Count]], at: float) -> bool:
        """Take a run of records of `market-counts` that came at `at`, each with its offset; True if a figure moved."""
        cells: list[MinuteCell] = []
        past = -1
        for offset, count in run:
            start = epoch(count.start)
            if count.grain == "day":
                if start < self.day:
                    past = offset
            elif self._since < start < self.day + DAY:
                cells.append(_cell(count, start))
        if past >= 0:
            if not self._waiting:
                self._waiting.append(_Waiting(at))
            self._waiting[-1].past = past
        if self._waiting:
            for cell in cells:
                self._waiting[-1].add(cell)
            return False
        moved = [self._replace(cell) for cell in cells]
        return any(moved)

    def advance(self, now: datetime) -> bool:
        """Let the clock reach `now`, never backwards and never past the board's day; True when a minute went by."""
        last = min(epoch(now) - epoch(now) % MINUTE, self.day + DAY - MINUTE)
        if last <= self.minute:
            return False
        for minute in sorted(start for start in self._ahead if start <= last):
            for group, flow in self._ahead.pop(minute).items():
                self._today[group].add(flow.opened, flow.closed)
        self.minute = last
        return True

    def figures(
        self,
        *,
        generation: str,
        regions: Iterable[str],
        data_as_of: datetime | None = None,
        intensity: Mapping[str, float] | None = None,
        alerts: Iterable[Spike] = (),
        sources: Iterable[Source] = (),
        catching_up: int = 0,
    ) -> Figures:
        """Return everything on the wall at the board's minute."""
        ratios = intensity or {}
        first = self.minute - (LINE_MINUTES - 1) * MINUTE
        minutes = range(first, self.minute + 1, MINUTE)
        lines = {side: [self._line[side, minute] for minute in minutes] for side in SIDES}
        codes = {side: self._codes(side) for side in SIDES}

        def side(name: str) -> SideFigures:
            group = (name, NATION, "")
            return SideFigures(
                self._standing(group),
                self._today[group].opened,
                self._today[group].closed,
                sum(flow.opened for flow in lines[name]),
                sum(flow.closed for flow in lines[name]),
                ratios.get(name),
                coded_share(codes[name], 4),
            )

        return Figures(
            as_of=moment_of(self.minute),
            generation=generation,
            data_as_of=data_as_of,
            revision=(self._revision_before, self._revision_today),
            offer=side("offer"),
            seeker=side("seeker"),
            nation=self._region(NATION),
            occupations={
                name: [
                    OccupationFigures(*listed) for listed in top(codes[name], digits=4, by="stock", limit=OCCUPATIONS)
                ]
                for name in SIDES
            },
            regions=[self._region(code) for code in regions],
            line=Line(moment_of(first), *([flow.opened for flow in lines[name]] for name in SIDES)),
            alerts=list(alerts),
            sources=list(sources),
            catching_up=catching_up,
        )

    def _replace(self, cell: MinuteCell) -> bool:
        key = _key(cell)
        before = self._cells.get(key)
        if before is not None and before.version >= cell.version:
            return False
        self._cells[key] = cell
        opened = cell.opened - (before.opened if before else 0)
        closed = cell.closed - (before.closed if before else 0)
        if cell.region == NATION:
            self._line[cell.side, cell.start].add(opened, closed)
        if cell.start < self.day:
            return True
        if cell.region == NATION:
            self._revision_today += cell.revision - (before.revision if before else 0)
        flows = self._today if cell.start <= self.minute else self._ahead[cell.start]
        flows[cell.side, cell.region, ""].add(opened, closed)
        if cell.region == NATION:
            flows[cell.side, "", cell.isco].add(opened, closed)
        return True

    def _standing(self, group: Group) -> int:
        today = self._today[group]
        return self._stock.get(group, 0) + today.opened - today.closed

    def _codes(self, side: str) -> list[tuple[str, int, int]]:
        groups = {group for group in self._stock.keys() | self._today.keys() if group[:2] == (side, "")}
        return [(group[2], self._standing(group), self._today[group].opened) for group in groups]

    def _region(self, code: str) -> RegionFigures:
        offer, seeker = (("offer", code, ""), ("seeker", code, ""))
        period = [self._opened_before.get(group, 0) + self._today[group].opened for group in (offer, seeker)]
        return RegionFigures(
            code,
            self._standing(offer),
            self._standing(seeker),
            self._today[offer].opened,
            self._today[seeker].opened,
            tension(*period),
        )


def _key(cell: MinuteCell) -> Key:
    return cell.side, cell.isco, cell.region, cell.block, cell.start


def _cell(count: Count, start: int) -> MinuteCell:
    return MinuteCell(
        count.side,
        count.isco,
        count.region,
        count.block,
        start,
        count.opened,
        count.closed,
        count.version,
        count.revision,
    )
