"""One source followed: read at its own pace, and what is news written with what is then known, in one transaction.

What a source does, however badly, is its own status. What another process has taken over is left at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from producers import health, novelty, status
from producers.archive import Sighting
from producers.checkpoint import Checkpoint, Page
from producers.connect import parts
from producers.facts import PostingsPublished, SourceChanged, SourcePolled
from producers.file.fetch import drops
from producers.file.publish import feed
from producers.file.read import Unreadable
from producers.hosts.rows import Ledger
from producers.hosts.writer import Entry, Lost, Writer
from producers.listing import Batch, Sweep
from producers.novelty import Verdict
from producers.publish import Record, rejects_of, sightings_of, status_record
from producers.shape import Reject, sealed
from producers.sources import FileSource, Source, kind
from producers.web.failure import FetchFailed, Throttled
from producers.web.fetch import Clock, Web
from schemas.messages import Posting, SourceStatus

Observe = Callable[[object], None]


class Follower:
    """Follows one source for ever. While one of the files `paused` exists, it is asked for nothing.

    If the file `reset` exists at the beginning, what is known of the source is forgotten.
    """

    def __init__(  # noqa: PLR0913 (what to read, with what, where to)
        self,
        source: Source,
        *,
        writer: Writer,
        ledger: Ledger,
        web: Web,
        spool: Path,
        paused: Sequence[Path],
        reset: Path,
        observe: Observe,
        clock: Clock,
        key: bytes = b"",
    ) -> None:
        self._reset = reset
        self._key = key
        self._source = source
        self._writer = writer
        self._ledger = ledger
        self._memory: Checkpoint = ledger.checkpoint
        self._web = web
        self._spool = spool
        self._paused = paused
        self._observe = observe
        self._clock = clock

    async def run(self) -> None:
        """Poll until cancelled, or until another process has the source's host."""
        try:
            await self._forget()
            while True:
                await self._gate()
                started = self._clock()
                wait = self._source.interval
                try:
                    told = await self._poll(started)
                except Lost:
                    raise
                except Exception as failure:  # noqa: BLE001 (one source's surprise is its own status)
                    told = status.failed(self._source, self._memory, failure, at=self._clock())
                    if isinstance(failure, Throttled):
                        wait = max(wait, failure.seconds)
                await self._tell(told, started)
                await asyncio.sleep(wait)
        except Lost:
            return

    async def _forget(self) -> None:
        """Forget what is known, if that is asked for; the file goes once Kafka has forgotten it, too."""
        if self._reset.exists():
            self._ledger.forget()
            await self._writer.add(Entry(rows=self._ledger.changes()), flush=True)
            self._reset.unlink(missing_ok=True)
            self._observe(SourceChanged(self._source.name, "reset"))

    async def _tell(self, told: SourceStatus, started: datetime) -> None:
        record = ("source-status", status_record(told))
        await self._writer.add(Entry([record], self._ledger.changes()), flush=True)
        seconds = (self._clock() - started).total_seconds()
        name, form = self._source.name, kind(self._source)
        self._observe(SourcePolled(name, form, told.state, told.seen, told.expected, seconds, told.message))

    async def _gate(self) -> None:
        """Return once neither all sources nor this one is paused."""
        if not any(path.exists() for path in self._paused):
            return
        await self._tell(status.paused(self._source, self._memory, at=self._clock()), self._clock())
        while any(path.exists() for path in self._paused):  # noqa: ASYNC110 (another process makes and removes the file)
            await asyncio.sleep(0.5)

    async def _poll(self, now: datetime) -> SourceStatus:
        """Read the source once and deliver its news. Raises FetchFailed or Lost."""
        if isinstance(self._source, FileSource) and self._source.archive:
            return await self._deliver_archives(self._source, now)
        return await self._read(now)

    async def _deliver(self, postings: Sequence[Posting], rejects: Sequence[Reject], settle: Callable[[], None]) -> int:
        """Write postings and rejects with what `settle` then notes. Returns how many were too large for postings."""
        records, oversize = sightings_of(postings)
        refused, told = rejects_of([*rejects, *oversize], self._source.name, self._clock())
        settle()
        entry = Entry(
            [("postings-raw", record) for record in records] + [("postings-rejected", record) for record in refused],
            self._ledger.changes(),
            [PostingsPublished(self._source.name, len(records)), *told] if records else told,
        )
        await self._writer.add(entry)
        return len(oversize)

    async def _read(self, now: datetime) -> SourceStatus:
        source, memory = self._source, self._memory
        today = now.date().isoformat()
        lists = not isinstance(source, FileSource) or source.full
        private = source.side == "seeker"
        items = published = rejected = 0
        tally = health.Tally()
        health.believe(memory, now)
        reading = parts(source, memory=memory, web=self._web, spool=self._spool, clock=self._clock)
        async with aclosing(reading) as found:
            async for part in found:
                match part:
                    case Batch() if tally.holds(memory, part, now):
                        continue
                    case Batch():
                        await self._gate()
                        shown = [sealed(item, self._key, source=source.name, seekers=private) for item in part.items]
                        news = novelty.changes(memory, shown, today, last_wins=not isinstance(source, FileSource))

                        def settle(part: Batch = part, news: novelty.Changes = news) -> None:
                            novelty.settle(memory, part, news, keep_ids=lists)

                        oversize = await self._deliver(news.postings, news.rejects, settle)
                        tally.add(part.items)
                        items += len(part.items)
                        published += len(news.postings) - oversize
                        rejected += len(news.rejects) + oversize
                    case Sweep():
                        if tally.held:
                            trouble = part.trouble or f"{len(tally.held)} pages held back"
                            part = replace(part, complete=False, trouble=trouble)  # noqa: PLW2901 (it is that now)
                        verdict = novelty.judge(memory, part, source=source.name, now=now)
                        if not lists:
                            verdict = Verdict(seen=items, expected=None, believed=True)

                        share = health.parse_yield(memory, tally)
                        usual = health.expected(memory, now) if lists else None

                        def conclude(part: Sweep = part, verdict: Verdict = verdict) -> None:
                            novelty.conclude(memory, part, verdict, now)
                            health.note(memory, tally, complete=part.complete)
                            if lists and verdict.believed and part.complete:
                                health.count(memory, verdict.seen, now)

                        await self._deliver(verdict.removed, (), conclude)
                        return status.polled(
                            source,
                            memory,
                            verdict,
                            at=self._clock(),
                            published=published + len(verdict.removed),
                            rejected=rejected,
                            trouble=part.trouble,
                            filled=share,
                            usual=usual,
                        )
        raise AssertionError("a connector ends with its sweep")

    async def sightings(self, source: str, sightings: Sequence[Sighting]) -> None:
        """Take an archive's sightings as they are, and its rejects: a `producers.file.publish.Sink`."""
        records: list[Record] = [(one.key, one.value) for one in sightings if one.reject is None]
        rejects = [one.reject for one in sightings if one.reject]
        refused, told = rejects_of(rejects, source, self._clock())
        entry = Entry(
            [("postings-raw", record) for record in records] + [("postings-rejected", record) for record in refused],
            facts=[PostingsPublished(source, len(records)), *told],
        )
        await self._writer.add(entry)

    async def _deliver_archives(self, source: FileSource, now: datetime) -> SourceStatus:
        """Deliver what is left of each archive of a source."""
        memory = self._memory
        delivered = 0
        trouble = ""
        today = now.date().isoformat()
        async with aclosing(drops(source, memory=memory, web=self._web, spool=self._spool, today=today)) as found:
            async for drop in found:
                if isinstance(drop, FetchFailed):
                    trouble = str(drop)
                    continue
                if drop.page is None:
                    continue

                async def settle(page: Page, name: str = drop.name) -> None:
                    memory.pages[name] = page
                    await self._writer.add(Entry(rows=self._ledger.changes()))
                    await self._gate()

                try:
                    page = await feed(
                        drop.path,
                        drop.form,
                        source=source,
                        page=drop.page,
                        publisher=self,
                        settle=settle,
                        spool=self._spool,
                        rate=None,
                        key=self._key,
                        observe=self._observe,
                    )
                    delivered += page.line - drop.page.line
                except Unreadable as failure:
                    trouble = str(failure)
        memory.last_success = now
        verdict = Verdict(seen=delivered, expected=None, believed=True)
        return status.polled(
            source, memory, verdict, at=self._clock(), published=delivered, rejected=0, trouble=trouble
        )
