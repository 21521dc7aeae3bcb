"""Keeps the board and feeds the hub: a snapshot of the store, then every record from where the sink stood before it.

The order is what makes it exact (docs/design: the live stream): first the sink group's committed offsets, then the
snapshot, then the records from those offsets on. Whatever the sink wrote in between is read twice, and absolute cells
make that harmless. A record of a day before today changes a sum that only the store has: it is summed again once the
sink is past that record, and until then the board keeps back what came with it or after it. A new day, or a dependency
that was lost, begins again from the store; without Kafka the board is read from the store every few seconds.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from dashboard.facts import BoardLoaded, LiveInterrupted, LiveRecords
from dashboard.indicators import Indicators, Source, Spike
from dashboard.live.board import Board, Figures
from dashboard.live.fetch import WORKER_TOPICS, KafkaAwayError, KafkaReader, LiveRecord
from dashboard.live.hub import Event, Hub
from dashboard.reach import Reach, Scope
from dashboard.windows import moment_of
from schemas.connections import KafkaConnection
from schemas.messages import Alert, Count
from schemas.topics import Namespace
from store import StoreError

POLL_MS = 250
MOST_RECORDS = 1_000
"""Records taken at once: half of what a client may be behind, so that one that keeps up need never begin again."""

FIGURES_EVERY = 0.5
"""Seconds between two publications of figures at least: faster than an eye that reads a number."""

SOURCES_EVERY, INTENSITY_EVERY, RESUM_EVERY, STORE_ONLY_EVERY = 5.0, 60.0, 1.0, 5.0
"""Seconds between two reads of the store for what is not in the live topics."""

BEHIND_EVERY = 2.0
"""Seconds between two looks at how far the stages and the sink are behind."""

CATCHING_UP_RECORDS, CATCHING_UP_SECONDS = 5_000, 5.0
"""The wall says that it catches up when that many postings are not counted yet, or figures waited that long to show."""

WAIT_AFTER_LOSS = 3.0
SPIKES_KEPT = timedelta(hours=24)


@dataclass
class _Beside:
    """What the wall shows beside the cells, and when it was last read."""

    intensity: dict[str, float] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    reach: Reach = field(default_factory=lambda: Reach(()))
    alerts: dict[str, Spike] = field(default_factory=dict)
    catching_up: int = 0
    data_as_of: datetime | None = None
    sources_read: float = float("-inf")
    intensity_read: float = float("-inf")
    reach_read: float = float("-inf")


@dataclass
class _Due:
    """When the sums of earlier days, and how far the others are behind, are to be read again."""

    resum_at: float = 0.0
    look_at: float = 0.0


class LiveAgent:
    """Runs the live feed of one generation into `hub`; `run` returns only when it is cancelled.

    `kafka` None reads the store alone. `age()` tells health how long ago the feed last heard from its source.
    """

    def __init__(
        self,
        *,
        indicators: Indicators,
        kafka: KafkaConnection | None,
        namespace: Namespace,
        regions: Sequence[str],
        hub: Hub,
        clock: Callable[[], datetime],
        observe: Callable[[object], None],
    ) -> None:
        self._indicators = indicators
        self._kafka = kafka
        self._namespace = namespace
        self._regions = regions
        self._hub = hub
        self._clock = clock
        self._observe = observe
        self._beside = _Beside()
        self._heard: float | None = None
        self.reason = "starting"

    def flagged(self, scope: Scope) -> list[str]:
        """The sources that feed what is asked and are not well, as last read: it is not to be taken for the market."""
        unwell = (source.source for source in self._beside.sources if source.state != "ok")
        return sorted(source for source in unwell if self._beside.reach.feeds(source, scope))

    def age(self) -> float | None:
        """Seconds since the feed last heard from Kafka (or the store, without Kafka); None before the first time."""
        return None if self._heard is None else time.monotonic() - self._heard

    async def run(self) -> None:
        """Feed the hub until cancelled."""
        while True:
            try:
                if self._kafka is None:
                    await self._watch_store()
                else:
                    async with KafkaReader(self._kafka, self._namespace) as reader:
                        while True:
                            await self._day(reader)
            except (KafkaAwayError, StoreError) as error:
                self.reason = str(error)
                self._observe(LiveInterrupted(self.reason, WAIT_AFTER_LOSS))
                self._beside.catching_up = 0  # nobody knows
                with suppress(StoreError):  # the store may still answer: the wall goes on, more slowly
                    self._publish(await self._load())
                await asyncio.sleep(WAIT_AFTER_LOSS)

    async def _watch_store(self) -> None:
        while True:
            self._publish(await self._load())
            self._alive()
            await asyncio.sleep(STORE_ONLY_EVERY)

    async def _day(self, reader: KafkaReader) -> None:
        """Follow the records of one UTC day."""
        positions = await reader.committed("sink")
        board = await self._load()
        await reader.follow(positions)
        self._publish(board)
        moved, published, due = False, time.monotonic(), _Due()
        errand: asyncio.Task[bool] | None = None
        try:
            while board.covers(self._clock()):
                for topic, run in await reader.records(POLL_MS, MOST_RECORDS):
                    self._observe(LiveRecords(topic, len(run)))
                    if topic == "market-alerts":
                        moved |= self._take_alerts(run)
                    else:
                        moved |= self._take_counts(board, run)
                self._alive()
                await asyncio.sleep(0)  # the clients' turn: what has been fetched comes without a wait
                moved |= board.advance(self._clock())
                now = time.monotonic()
                # Reads of the store take a while: records do not wait for them.
                if errand is not None and errand.done():
                    moved |= errand.result()
                    errand = None
                if errand is None:
                    errand = asyncio.create_task(self._errands(reader, board, due, now))
                if moved and now - published >= FIGURES_EVERY:
                    self._publish(board)
                    moved, published = False, now
        finally:
            if errand is not None:
                errand.cancel()
                await asyncio.gather(errand, return_exceptions=True)

    async def _errands(self, reader: KafkaReader, board: Board, due: _Due, now: float) -> bool:
        """Read what is due of the store and of Kafka; says if a figure moved."""
        moved = False
        if now >= due.resum_at:
            due.resum_at = now + RESUM_EVERY
            moved = await self._settle(reader, board, now)
        if now >= due.look_at:
            due.look_at = now + BEHIND_EVERY
            behind = await _behind(reader, waiting=board.waited(now) > CATCHING_UP_SECONDS)
            moved, self._beside.catching_up = moved or behind != self._beside.catching_up, behind
        return await self._read_beside(now) or moved

    async def _settle(self, reader: KafkaReader, board: Board, now: float) -> bool:
        """Sum the earlier days again if the sink has come past what some cells wait for; says if it had."""
        goal = board.goal(now)
        if goal is None:
            return False
        done = (await reader.committed("sink")).get("market-counts", {}).get(0, 0)
        if done <= goal:
            return False
        board.settle(done, await asyncio.to_thread(self._indicators.before, moment_of(board.day)))
        return True

    async def _load(self) -> Board:
        began, now = time.monotonic(), self._clock()
        # In this order: what the sink writes in between may then add to the earlier days, never be missing from them.
        cells = await asyncio.to_thread(self._indicators.minute_cells, now)
        before = await asyncio.to_thread(self._indicators.before, now)
        board = Board(now, before, cells)
        alerts = await asyncio.to_thread(self._indicators.alerts, now, since=now - SPIKES_KEPT)
        self._beside.alerts = {spike.id: spike for spike in alerts.alerts}
        self._beside.data_as_of = await asyncio.to_thread(self._indicators.data_as_of)
        self._beside.sources_read = self._beside.intensity_read = self._beside.reach_read = float("-inf")
        await self._read_beside(time.monotonic())
        self._observe(BoardLoaded(len(board), time.monotonic() - began))
        return board

    async def _read_beside(self, now: float) -> bool:
        beside, moment = self._beside, self._clock()
        moved = False
        if now - beside.sources_read >= SOURCES_EVERY:
            answer = await asyncio.to_thread(self._indicators.sources, moment, rejects_since=moment)
            moved, beside.sources, beside.sources_read = answer.sources != beside.sources, answer.sources, now
        if any(one.state != "ok" for one in beside.sources) and now - beside.reach_read >= INTENSITY_EVERY:
            beside.reach, beside.reach_read = await asyncio.to_thread(self._indicators.reach), now
        if now - beside.intensity_read >= INTENSITY_EVERY:
            ratios = await asyncio.to_thread(self._indicators.intensity, moment)
            moved, beside.intensity, beside.intensity_read = moved or ratios != beside.intensity, ratios, now
        return moved

    def _take_counts(self, board: Board, run: Sequence[LiveRecord]) -> bool:
        """Give a run of cells to the board, and on to who listens for them; says if a figure moved."""
        if self._hub.wanted("market-counts"):
            for record in run:
                self._hub.publish(Event("market-counts", record.value.decode(), f"market-counts:{record.offset}"))
        moved = board.take(((record.offset, _count(record.value)) for record in run), time.monotonic())
        newest = datetime.fromtimestamp(run[-1].timestamp / 1000, UTC)
        if self._beside.data_as_of is None or newest > self._beside.data_as_of:
            self._beside.data_as_of = newest
            moved = True
        return moved

    def _take_alerts(self, run: Sequence[LiveRecord]) -> bool:
        moved = False
        for record in run:
            alert = _alert(record.value)
            known = self._beside.alerts.get(alert.id)
            if known is None or alert.version > known.version:
                self._beside.alerts[alert.id] = msgspec.convert(alert, Spike, from_attributes=True)
                moved = True
            self._hub.publish(Event("market-alerts", record.value.decode(), f"market-alerts:{record.offset}"))
        return moved

    def _alive(self) -> None:
        self._heard = time.monotonic()
        self.reason = ""

    def _publish(self, board: Board) -> None:
        self._hub.snapshot = lambda: _encode(self._figures(board))
        if self._hub.wanted("figures"):
            self._hub.publish(Event("figures", self._hub.snapshot()))

    def _figures(self, board: Board) -> Figures:
        oldest = self._clock() - SPIKES_KEPT
        spikes = [
            spike
            for spike in self._beside.alerts.values()
            if spike.event != "withdrawn" and (spike.event == "started" or spike.event_time >= oldest)
        ]
        spikes.sort(key=lambda spike: (spike.event == "started", spike.event_time), reverse=True)
        return board.figures(
            generation=self._namespace.generation,
            regions=self._regions,
            data_as_of=self._beside.data_as_of,
            intensity=self._beside.intensity,
            alerts=spikes[:20],
            sources=self._beside.sources,
            catching_up=self._beside.catching_up,
        )


async def _behind(reader: KafkaReader, *, waiting: bool) -> int:
    """Count the records that keep the figures from being those of now; 0 where they are few and none waits long."""
    postings = sum(lag.behind for lag in await reader.lags("streams", WORKER_TOPICS))
    cells = sum(lag.behind for lag in await reader.lags("sink", ("market-counts",))) if waiting else 0
    return postings + cells if waiting or postings > CATCHING_UP_RECORDS else 0


_count = msgspec.json.Decoder(Count).decode
_alert = msgspec.json.Decoder(Alert).decode


def _encode(figures: Figures) -> str:
    return msgspec.json.encode(figures).decode()
