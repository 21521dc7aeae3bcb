"""Holds what Marsad found in the simulated market against its truth: `marsad market check`.

Reads the topics, as any subscriber may; the truth is the market's own (`deploy/market/truth.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from deploy.markers import Readback
from schemas.connections import KafkaConnection
from schemas.messages import Ad, Alert, Vacancy
from schemas.topics import Namespace
from streams.detect import SECONDS, WEEK, DetectOptions, baseline

AdName = tuple[str, str]

_read_ad = msgspec.json.Decoder(Ad).decode
_read_vacancy = msgspec.json.Decoder(Vacancy).decode
_read_alert = msgspec.json.Decoder(Alert).decode

CLEAR = 1.5
"""A planted spike stands clearly above its baseline when its true count is so many times the limit."""


@dataclass(frozen=True)
class Found:
    """What stands in the topics: ads by source and id, the live vacancies, the latest state of each alert."""

    ads: Mapping[AdName, Ad]
    vacancies: Sequence[Vacancy]
    alerts: Sequence[Alert]


@dataclass(frozen=True)
class Planted:
    """A planted spike: its true count and limit in its best hour, and whether an alert names its cell."""

    side: str
    isco: str
    region: str
    start: int
    count: int
    limit: float
    clear: bool
    found: bool


@dataclass(frozen=True)
class Verdict:
    """The figures. Shares are of the ads that are both true and found; pairs are of ads within one vacancy."""

    ads_true: int
    ads_found: int
    occupation_right: Mapping[int, float]
    published_right: float
    published_digits: float
    region_right: float
    pairs_true: int
    pairs_found: int
    pairs_right: int
    pair_precision: float | None
    pair_recall: float | None
    spikes: Sequence[Planted]
    alerts_elsewhere: Sequence[str]

    def plain(self) -> dict[str, Any]:
        """As JSON wants it."""
        return asdict(self)


async def found_in(connection: KafkaConnection, namespace: Namespace) -> Found:
    """Read the generation's topics to their ends."""
    ads: dict[AdName, Ad] = {}
    vacancies: dict[str, Vacancy] = {}
    alerts: dict[str, Alert] = {}
    async with Readback(connection, namespace) as readback:
        async for record in readback.records("postings-enriched"):
            if record.key is not None:
                ad = _read_ad(record.value)
                if ad.event == "upsert":
                    ads[ad.source, ad.id] = ad
        async for record in readback.records("vacancies"):
            vacancy = _read_vacancy(record.value)
            vacancies[vacancy.id] = vacancy
        async for record in readback.records("market-alerts"):
            alert = _read_alert(record.value)
            alerts[alert.id] = alert
    return Found(ads, [one for one in vacancies.values() if one.live], list(alerts.values()))


def check(truth: Iterable[Mapping[str, Any]], found: Found, options: DetectOptions) -> Verdict:
    """Compare. `truth` are the rows of `marsad market truth --past`."""
    rows = list(truth)
    vacancies = [row for row in rows if row["kind"] == "vacancy"]
    owner = {name: row for row in vacancies for name in _names(row)}
    both = [(owner[name], ad) for name, ad in found.ads.items() if name in owner]
    spikes = [row for row in rows if row["kind"] == "spike"]
    standing = [alert for alert in found.alerts if alert.event != "withdrawn"]
    groups = [[(ref.source, ref.id) for ref in one.ads] for one in found.vacancies]
    true_pairs = _pairs(map(_names, vacancies), set(found.ads))
    found_pairs = _pairs(groups, set(owner))
    right = len(true_pairs & found_pairs)
    told = [(row, ad.facts.isco) for row, ad in both if ad.facts.isco]
    return Verdict(
        ads_true=len(owner),
        ads_found=len(both),
        occupation_right={
            digits: _share([(ad.facts.isco_best or "")[:digits] == row["isco"][:digits] for row, ad in both])
            for digits in (1, 2, 3, 4)
        },
        published_right=_share([row["isco"].startswith(isco) for row, isco in told]),
        published_digits=round(sum(len(isco) for _, isco in told) / max(len(told), 1), 2),
        region_right=_share([ad.facts.regions == (row["region"],) for row, ad in both]),
        pairs_true=len(true_pairs),
        pairs_found=len(found_pairs),
        pairs_right=right,
        pair_precision=round(right / len(found_pairs), 4) if found_pairs else None,
        pair_recall=round(right / len(true_pairs), 4) if true_pairs else None,
        spikes=[_planted(spike, vacancies, standing, options) for spike in spikes],
        alerts_elsewhere=[
            f"{alert.id}: {alert.count} above {alert.limit}"
            for alert in standing
            if not any(_touches(spike, alert) for spike in spikes)
        ],
    )


def _names(row: Mapping[str, Any]) -> list[AdName]:
    return [(source, name) for source, name in row["ads"]]


def _share(right: Sequence[bool]) -> float:
    return round(sum(right) / len(right), 4) if right else 0.0


def _pairs(groups: Iterable[Sequence[AdName]], known: set[AdName]) -> set[tuple[AdName, AdName]]:
    pairs: set[tuple[AdName, AdName]] = set()
    for group in groups:
        members = sorted(name for name in group if name in known)
        pairs.update((a, b) for k, a in enumerate(members) for b in members[k + 1 :])
    return pairs


def _touches(spike: Mapping[str, Any], alert: Alert) -> bool:
    """Whether a planted spike adds to an alert's cell: its occupation at any digits, its region or the nation."""
    return (
        alert.side == spike["side"]
        and alert.region in {spike["region"], "MA"}
        and spike["isco"].startswith(alert.isco)
        and alert.start.timestamp() < spike["end"]
        and alert.event_time.timestamp() + SECONDS[alert.window] > spike["start"]
    )


def _planted(
    spike: Mapping[str, Any], vacancies: Sequence[Mapping[str, Any]], alerts: Sequence[Alert], options: DetectOptions
) -> Planted:
    """Judge a spike by its true counts, an hour at a time, in its own cell."""
    size = SECONDS["hour"]
    hours: Counter[int] = Counter()
    cell = (spike["side"], spike["isco"], spike["region"])
    for row in vacancies:
        if (row["side"], row["isco"], row["region"]) == cell:
            hours[row["opened"] - row["opened"] % size] += 1
    judged: dict[int, float] = defaultdict(float)
    for hour in range(spike["start"] - spike["start"] % size, spike["end"], size):
        base = baseline([hours[hour - n * WEEK] for n in range(1, options.weeks + 1)], "hour", options)
        if base is not None:
            judged[hour] = base.limit
    best = max(judged, key=lambda hour: hours[hour] / judged[hour])
    return Planted(
        side=spike["side"],
        isco=spike["isco"],
        region=spike["region"],
        start=spike["start"],
        count=hours[best],
        limit=round(judged[best], 1),
        clear=hours[best] >= CLEAR * judged[best],
        found=any(_touches(spike, alert) for alert in alerts),
    )
