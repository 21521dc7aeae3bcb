"""A market made up from a seed: vacancies with their openings and closings, and every cell counted from them by hand.

The counting here is a plain loop of its own, so that it can judge the SQL and the board; it shares no code with either.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec

from dashboard.names import read_names
from schemas.messages import AdRef, Alert, Count, Rejected, SourceStatus, Vacancy
from store import Store
from streams.sink.rows import TABLES, rows_of

REGIONS = [f"MA-{n:02d}" for n in range(1, 13)]
WEIGHTS = [11, 6, 10, 17, 5, 28, 11, 2, 6, 1, 1, 0.4]
SIDES = ("offer", "seeker")
DAY = timedelta(days=1)


@dataclass
class Sample:
    """What was made up: messages by contract topic, the older states of some cells apart."""

    generation: str
    now: datetime
    vacancies: list[Vacancy]
    counts: list[Count]
    older: list[Count]
    alerts: list[Alert] = field(default_factory=list)
    statuses: list[SourceStatus] = field(default_factory=list)
    rejects: list[Rejected] = field(default_factory=list)

    def messages(self) -> dict[str, list[bytes]]:
        """Encoded messages by contract topic, the newest states only."""
        return {
            "vacancies": [msgspec.json.encode(one) for one in self.vacancies],
            "market-counts": [msgspec.json.encode(one) for one in self.counts],
            "market-alerts": [msgspec.json.encode(one) for one in self.alerts],
            "source-status": [msgspec.json.encode(one) for one in self.statuses],
            "postings-rejected": [msgspec.json.encode(one) for one in self.rejects],
        }

    def stock(self, side: str, at: datetime, *, region: str = "MA", isco: str | None = None) -> int:
        """Recount: vacancies open at the minute of `at`, straight from their facts."""
        minute = at.replace(second=0, microsecond=0)
        return sum(
            floor(one.opened_at) <= minute < floor(one.close_at)
            for one in self.vacancies
            if in_market(one, side, region, isco)
        )

    def opened(self, side: str, since: datetime, at: datetime, *, region: str = "MA", isco: str | None = None) -> int:
        """Recount: vacancies first seen from `since` to the minute of `at`."""
        minute = at.replace(second=0, microsecond=0)
        return sum(
            since <= floor(one.opened_at) <= minute for one in self.vacancies if in_market(one, side, region, isco)
        )

    def closed(self, side: str, since: datetime, at: datetime, *, region: str = "MA") -> int:
        """Recount: vacancies that closed from `since` to the minute of `at`."""
        minute = at.replace(second=0, microsecond=0)
        return sum(
            since <= floor(one.close_at) <= minute for one in self.vacancies if in_market(one, side, region, None)
        )


def floor(moment: datetime) -> datetime:
    """The minute of a moment."""
    return moment.replace(second=0, microsecond=0)


def in_market(one: Vacancy, side: str, region: str, isco: str | None) -> bool:
    """Whether a vacancy counts in a cell of `side`, `region` and `isco` (None: any)."""
    return (
        one.live
        and one.counted
        and one.side == side
        and (region == "MA" or region in one.regions)
        and (isco is None or (one.isco or "") == isco)
    )


def make(
    seed: int, *, generation: str = "sample", now: datetime, vacancies: int = 2_000, days: int = 42, today: int = 0
) -> Sample:
    """Make up a market of `vacancies` over `days` before `now`, and `today` more of the day of `now`."""
    chance = random.Random(seed)
    codes = [code for code in read_names()["fr"].occupations if len(code) == 4]
    favourites = chance.sample(codes, 60)
    share = [1 / (rank + 2) for rank in range(60)]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Vacancy] = []
    for number in range(vacancies + today):
        side = "offer" if chance.random() < 0.55 else "seeker"
        if number < vacancies:
            opened = now - timedelta(seconds=chance.random() * days * 86_400)
        else:
            opened = midnight + (now - midnight) * chance.random()
        life = timedelta(days=42) if chance.random() < 0.5 else timedelta(seconds=chance.expovariate(1 / (9 * 86_400)))
        isco = chance.choices(favourites, share)[0]
        isco = chance.choices([isco, isco[:3], isco[:2], isco[:1], None], [72, 8, 6, 4, 10])[0]
        regions = tuple(sorted(set(chance.choices(REGIONS, WEIGHTS, k=chance.choices([0, 1, 2, 3], [8, 84, 6, 2])[0]))))
        ads = chance.choices([1, 2, 3, 4], [70, 18, 9, 3])[0]
        gone, abroad = chance.random() < 0.04, chance.random() < 0.03
        block = f"{side}:{(isco or '')[:2]}" if isco else f"{side}:-{chance.randrange(3)}"
        found.append(
            Vacancy(
                generation=generation,
                id=f"{block}/{number:07d}",
                version=number + 1,
                event="merged" if gone else "created",
                block=block,
                side=side,
                opened_at=opened,
                close_at=opened + life,
                close_reason=chance.choice(["removed", "deadline", "imputed"]),
                event_time=opened,
                ingest_time=min(opened + timedelta(seconds=2), now),
                live=not gone,
                counted=not abroad,
                isco=isco,
                isco_confidence=0.8 if isco else 0.0,
                regions=regions,
                scope="abroad" if abroad else "regional" if regions else "unknown",
                openings=chance.choice([None, 1, 2, 10]),
                title=f"Annonce {number}",
                ads=tuple(AdRef(f"portail-{part}", str(number)) for part in range(ads)),
                ad_count=ads,
                source="portail-0",
            )
        )
    counts, older = cells(found, generation, chance)
    sample = Sample(generation, now, found, counts, older)
    dress(sample, chance)
    return sample


def cells(found: list[Vacancy], generation: str, chance: random.Random) -> tuple[list[Count], list[Count]]:
    """Count every cell of the vacancies; and older states of a third of them."""
    sums: defaultdict[tuple[str, str, str, str, str, datetime], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in found:
        if not (one.live and one.counted):
            continue
        for region in ("MA", *one.regions):
            for moment, column in ((one.opened_at, 0), (one.close_at, 1)):
                for grain, start in (
                    ("minute", floor(moment)),
                    ("day", moment.replace(hour=0, minute=0, second=0, microsecond=0)),
                ):
                    cell = sums[one.block, one.side, one.isco or "", region, grain, start]
                    cell[column] += 1
                    if column == 0:
                        cell[2] += one.openings or 0
    counts: list[Count] = []
    older: list[Count] = []
    for version, ((block, side, isco, region, grain, start), figures) in enumerate(sums.items(), start=10):
        final = Count(generation, block, side, isco, region, grain, start, *figures, version=version, revision=2)
        counts.append(final)
        if chance.random() < 0.3:
            older.append(
                msgspec.structs.replace(final, opened=final.opened + 5, closed=7, version=version - 5, revision=1)
            )
    return counts, older


def dress(sample: Sample, chance: random.Random) -> None:
    """Add alerts, source states and rejects."""
    codes = sorted({one.isco for one in sample.vacancies if one.isco and len(one.isco) == 4})
    hour = sample.now.replace(minute=0, second=0, microsecond=0)
    for number, (event, ago, window) in enumerate(
        [("started", 0, "hour"), ("started", 2, "hour"), ("ended", 5, "hour"), ("withdrawn", 6, "hour")]
    ):
        start = hour - timedelta(hours=ago)
        sample.alerts.append(
            Alert(
                generation=sample.generation,
                id=f"spike-{number}",
                version=10 + number,
                event=event,
                side=SIDES[number % 2],
                isco=chance.choice(codes),
                region=chance.choice(["MA", *REGIONS]),
                window=window,
                start=start,
                count=40 + number * 7,
                expected=11.5,
                limit=29.0,
                event_time=start + timedelta(minutes=12),
                flagged=("portail-3",) if number == 1 else (),
            )
        )
    states = ["ok", "ok", "ok", "degraded", "ok", "silent"]
    for number, state in enumerate(states):
        sample.statuses.append(
            SourceStatus(
                source=f"portail-{number}",
                at=sample.now - timedelta(seconds=7 * number),
                state=state,
                kind=["rss", "sitemap", "api", "drop"][number % 4],
                seen=1_000 + number,
                expected=1_010.5,
                published=900,
                rejected=number,
                last_success=sample.now - timedelta(seconds=9 + 60 * number * number),
                filled=None if state == "silent" else 0.9,
                drifted=("city",) if state == "degraded" else (),
            )
        )
    for number in range(12):
        data = f"broken {number}".encode()
        sample.rejects.append(
            Rejected(
                stage="ads" if number % 2 else "producers",
                reason=["malformed", "no_title", "future_date"][number % 3],
                at=sample.now - timedelta(minutes=number),
                data="YnJva2Vu",
                length=len(data),
                sha256=sha256(data).hexdigest(),
                generation=sample.generation if number % 2 else "",
                source="portail-1",
                topic="postings-raw" if number % 2 else "",
                partition=0 if number % 2 else -1,
                offset=number if number % 2 else -1,
            )
        )


def pour(store: Store, messages: dict[str, list[bytes]], raw: str = "") -> None:
    """Insert messages as the sink would."""
    for topic, values in messages.items():
        store.insert(TABLES[topic].table, TABLES[topic].columns, rows_of(topic, values, raw))


def utc(text: str) -> datetime:
    """A time from its ISO form, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
