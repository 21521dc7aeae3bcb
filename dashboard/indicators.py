"""Typed readers of the indicators: SQL files of `dashboard/queries` over a Store, and the arithmetic on their rows.

Every answer carries `as_of` (the instant that it speaks of, UTC) and `generation`. Readers block: call them in a
thread. They raise what Store raises.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, cast

import msgspec
from msgspec.structs import replace

from dashboard.names import Names
from dashboard.parameters import UNSTATED, CountsRequest
from dashboard.reach import Reach
from dashboard.windows import PERIOD_DAYS, epoch, instant, moment_of
from schemas.messages import NATION
from schemas.topics import Namespace
from store import Row, Store

QUERIES = Path(__file__).parent / "queries"

LEAST_EACH_SIDE = 30
"""A ratio of two flows is shown only with this many on each side (suppression rule of Data Emploi)."""

Revision = tuple[int, int]
"""Sums of the cells' revisions, of the nation: day cells before today, minute cells of today. Equal: the same cells."""


class SideTotals(msgspec.Struct, frozen=True):
    """The nation's totals of one side at an instant. `ads_per_vacancy` is null without an open vacancy."""

    stock: int = 0
    opened_today: int = 0
    closed_today: int = 0
    openings_today: int = 0
    opened_hour: int = 0
    closed_hour: int = 0
    ads_per_vacancy: float | None = None


class Summary(msgspec.Struct, frozen=True):
    """Answer of `/summary`."""

    as_of: datetime
    generation: str
    data_as_of: datetime | None
    revision: Revision
    offer: SideTotals
    seeker: SideTotals


class Window(msgspec.Struct, frozen=True, omit_defaults=False):
    """One window of `/counts`, of one side."""

    start: datetime
    side: str
    opened: int
    closed: int
    openings: int
    revision: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `/counts`: windows that hold anything, in order; what lies after `as_of` are closings to come."""

    as_of: datetime
    generation: str
    grain: str
    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    region: str
    isco: str
    windows: list[Window]


class Occupation(msgspec.Struct, frozen=True):
    """One occupation of a ranking: ISCO-08 code, its name in the language asked for, stock and new vacancies."""

    isco: str
    name: str
    stock: int
    opened: int


class TopOccupations(msgspec.Struct, frozen=True):
    """Answer of `/occupations/top`. `coded_share`: vacancies in stock coded to `digits` or finer, of all in stock."""

    as_of: datetime
    generation: str
    side: str
    region: str
    by: str
    digits: int
    opened_since: datetime
    coded_share: float | None
    occupations: list[Occupation]


class RegionSide(msgspec.Struct, frozen=True):
    """One region's figures of one side; `opened_period` over the days since `opened_since`."""

    stock: int = 0
    opened_today: int = 0
    closed_today: int = 0
    opened_period: int = 0


class Region(msgspec.Struct, frozen=True):
    """One region, or the nation (MA). `tension` is null under 30 new vacancies on either side (`suppressed`)."""

    region: str
    name: str
    offer: RegionSide
    seeker: RegionSide
    tension: float | None
    suppressed: bool


class Regions(msgspec.Struct, frozen=True):
    """Answer of `/regions`. `mismatch` compares the regional shares of stocks: 0 alike, 1 apart; null without any."""

    as_of: datetime
    generation: str
    opened_since: datetime
    nation: Region
    regions: list[Region]
    mismatch: float | None


class Spike(msgspec.Struct, frozen=True):
    """An alert as it stands."""

    id: str
    version: int
    event: str
    side: str
    isco: str
    region: str
    window: str
    start: datetime
    count: int
    expected: float
    limit: float
    event_time: datetime
    flagged: list[str] = []


class Alerts(msgspec.Struct, frozen=True):
    """Answer of `/alerts`, newest first."""

    as_of: datetime
    generation: str
    alerts: list[Spike]


class Source(msgspec.Struct, frozen=True):
    """A source's latest status. `filled` is the share of its usual fields that were filled, `drifted` those it lost."""

    source: str
    kind: str
    state: str
    at: datetime
    last_success: datetime | None
    seen: int
    expected: float | None
    published: int
    rejected: int
    message: str
    filled: float | None = None
    drifted: list[str] = []


class Rejects(msgspec.Struct, frozen=True):
    """Records that could not be used, of one stage, source and reason."""

    stage: str
    source: str
    reason: str
    rejected: int


class Sources(msgspec.Struct, frozen=True):
    """Answer of `/sources`; `rejects` of the last 24 hours."""

    as_of: datetime
    generation: str
    sources: list[Source]
    rejects: list[Rejects]


class Before(msgspec.Struct, frozen=True):
    """What stood when the day began: of a side and region; of the nation by `isco` as published."""

    side: str
    region: str
    isco: str
    stock: int
    opened_since: int
    revision: int


class MinuteCell(msgspec.Struct, frozen=True):
    """An absolute minute cell; `start` in epoch seconds."""

    side: str
    isco: str
    region: str
    block: str
    start: int
    opened: int
    closed: int
    version: int
    revision: int


def tension(offers: int, seekers: int) -> float | None:
    """Flow ratio of two new counts, or None where either is too small to say."""
    if min(offers, seekers) < LEAST_EACH_SIDE:
        return None
    return round(offers / seekers, 4)


def mismatch(offers: Sequence[int], seekers: Sequence[int]) -> float | None:
    """Dissimilarity (Duncan) of two distributions over the same regions, 0 to 1; None where either is empty."""
    all_offers, all_seekers = sum(offers), sum(seekers)
    if all_offers <= 0 or all_seekers <= 0:
        return None
    pairs = zip(offers, seekers, strict=True)
    return round(sum(abs(o / all_offers - s / all_seekers) for o, s in pairs) / 2, 4)


def top(
    rows: Iterable[tuple[str, int, int]], *, digits: int, by: Literal["stock", "opened"], limit: int
) -> list[tuple[str, int, int]]:
    """Roll (code, stock, opened) up to `digits` and rank: largest first, ties by code; coarser codes are left out."""
    stocks: dict[str, int] = {}
    flows: dict[str, int] = {}
    for code, stock, opened in rows:
        if len(code) >= digits:
            group = code[:digits]
            stocks[group] = stocks.get(group, 0) + stock
            flows[group] = flows.get(group, 0) + opened
    ranked = stocks if by == "stock" else flows
    order = sorted(ranked, key=lambda code: (-ranked[code], code))
    return [(code, stocks[code], flows[code]) for code in order if ranked[code] > 0][:limit]


def coded_share(rows: Iterable[tuple[str, int, int]], digits: int) -> float | None:
    """Share of the stock whose code has `digits` or more; None without stock."""
    listed = list(rows)
    whole = sum(stock for _, stock, _ in listed)
    return round(sum(stock for code, stock, _ in listed if len(code) >= digits) / whole, 4) if whole > 0 else None


class Indicators:
    """The readers, over one generation of one store. The SQL is read once, here."""

    def __init__(self, store: Store, namespace: Namespace, queries: Path = QUERIES) -> None:
        self._store = store
        self._namespace = namespace
        self._sql = {path.stem: path.read_text("utf-8") for path in sorted(queries.glob("*.sql"))}

    def summary(self, at: datetime) -> Summary:
        """Total each side at `at`."""
        place = instant(at)
        rows = {row[0]: [_int(value) for value in row[1:]] for row in self._rows("summary", place.parameters())}
        ratios = self.intensity(at)
        empty = [0] * 8

        def side(name: str) -> SideTotals:
            return replace(SideTotals(*rows.get(name, empty)[:6]), ads_per_vacancy=ratios.get(name))

        return Summary(
            as_of=at,
            generation=self._namespace.generation,
            data_as_of=self.data_as_of(),
            revision=(sum(row[6] for row in rows.values()), sum(row[7] for row in rows.values())),
            offer=side("offer"),
            seeker=side("seeker"),
        )

    def intensity(self, at: datetime) -> dict[str, float]:
        """Ads per open vacancy at `at`, by side; a side without an open vacancy is absent."""
        minute_end = epoch(instant(at).minute) + 60
        rows = self._rows("intensity", {"minute_end": minute_end})
        return {str(side): round(_int(ads) / _int(vacancies), 4) for side, vacancies, ads in rows if vacancies}

    def reach(self) -> Reach:
        """What each source has ever fed."""
        return Reach(self._rows("reach", {}))  # type: ignore[arg-type]

    def data_as_of(self) -> datetime | None:
        """Ingest time of the newest change that the store has; None for an empty store."""
        versions, newest = self._rows("freshness", {})[0]
        return cast(datetime, newest) if versions else None

    def counts(self, request: CountsRequest, now: datetime) -> Counts:
        """Windows of the cells that `request` names."""
        parameters = {
            "grain": "day" if request.grain in {"day", "week"} else "minute",
            "step": request.step,
            "anchor": request.anchor,
            "from": request.since,
            "to": request.until,
            "side": request.side,
            "region": request.region,
            "isco": request.isco,
            "unstated": request.unstated,
        }
        windows = [
            Window(moment_of(_int(start)), str(side), *(_int(value) for value in figures))
            for start, side, *figures in self._rows("counts", parameters)
        ]
        return Counts(
            as_of=now,
            generation=self._namespace.generation,
            grain=request.grain,
            since=request.since,
            until=request.until,
            region=request.region,
            isco=UNSTATED if request.unstated else request.isco,
            windows=windows,
        )

    def occupations(  # noqa: PLR0913 - one argument a parameter of the resource
        self,
        at: datetime,
        *,
        side: str,
        region: str = NATION,
        by: Literal["stock", "opened"] = "stock",
        digits: int = 4,
        limit: int = 10,
        days: int = PERIOD_DAYS,
        names: Names,
    ) -> TopOccupations:
        """Occupations of `side` in `region` with the largest stock, or the most new vacancies in the last `days`."""
        place = instant(at)
        parameters = place.parameters() | {"since": place.days_back(days), "side": side, "region": region}
        rows = [(str(code), _int(stock), _int(opened)) for code, stock, opened in self._rows("occupations", parameters)]
        ranking = top(rows, digits=digits, by=by, limit=limit)
        return TopOccupations(
            at,
            self._namespace.generation,
            side,
            region,
            by,
            digits,
            place.days_back(days),
            coded_share(rows, digits),
            [Occupation(code, names.occupation(code), stock, opened) for code, stock, opened in ranking],
        )

    def regions(self, at: datetime, *, codes: Sequence[str], names: Names, days: int = PERIOD_DAYS) -> Regions:
        """Compare the regions `codes` and the nation at `at`; flows of the last `days`."""
        place = instant(at)
        parameters = place.parameters() | {"since": place.days_back(days)}
        found = {
            (str(region), str(side)): RegionSide(*(_int(value) for value in figures))
            for region, side, *figures in self._rows("regions", parameters)
        }

        def region(code: str) -> Region:
            offer, seeker = found.get((code, "offer"), RegionSide()), found.get((code, "seeker"), RegionSide())
            ratio = tension(offer.opened_period, seeker.opened_period)
            return Region(code, names.region(code), offer, seeker, ratio, suppressed=ratio is None)

        listed = [region(code) for code in codes]
        return Regions(
            at,
            self._namespace.generation,
            place.days_back(days),
            region(NATION),
            listed,
            mismatch([one.offer.stock for one in listed], [one.seeker.stock for one in listed]),
        )

    def alerts(self, now: datetime, *, since: datetime, event: str = "", limit: int = 100) -> Alerts:
        """Alerts whose latest event is at or after `since`, newest first; `event` '' leaves out the withdrawn."""
        rows = self._rows("alerts", {"since": since, "event": event, "limit": limit})
        return Alerts(now, self._namespace.generation, [Spike(*row) for row in rows])  # type: ignore[arg-type]

    def sources(self, now: datetime, *, rejects_since: datetime) -> Sources:
        """Latest status of each source, and what was rejected since."""
        sources = [Source(*row) for row in self._rows("sources", {})]  # type: ignore[arg-type]
        rejects = [Rejects(*row) for row in self._rows("rejects", {"since": rejects_since})]  # type: ignore[arg-type]
        return Sources(now, self._namespace.generation, sources, rejects)

    def before(self, at: datetime) -> list[Before]:
        """Sum up what the day of `at` began with."""
        place = instant(at)
        parameters = {"today": place.today, "since": place.days_back(PERIOD_DAYS)}
        return [Before(*row) for row in self._rows("board_before", parameters)]  # type: ignore[arg-type]

    def minute_cells(self, at: datetime) -> list[MinuteCell]:
        """Minute cells of the day of `at`, and of the hour before it."""
        place = instant(at)
        hour_before = moment_of(epoch(place.today) - 3600)
        rows = self._rows("board_cells", {"since": hour_before, "tomorrow": place.tomorrow})
        return [MinuteCell(*row) for row in rows]  # type: ignore[arg-type]

    def _rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        ours = {"generation": self._namespace.generation, "raw": self._namespace.raw}
        return self._store.query(self._sql[name], ours | dict(parameters))


def _int(value: object) -> int:
    return int(cast(int, value))
