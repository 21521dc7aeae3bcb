"""Stage `market`: match and aggregate. Reads `postings-enriched` by block, writes vacancies and absolute counts.

Within a block, an ad that changes re-clusters what it touches: its old vacancy and those of the ads that it now
matches. The difference between the vacancies before and after is emitted, and the cells move by the difference of
contributions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.messages import Ad, AdRef, Count, Signature, Tick, Vacancy, VacancyEvent
from schemas.topics import Namespace
from streams.aggregate import DAY, Amount, Cell, difference
from streams.engine.stage import Output, Record, State
from streams.match import rows as keys_of
from streams.match.cluster import KeysOf, SamePair, components, overlaps
from streams.match.keys import Keys
from streams.match.rows import CellRow, Rows
from streams.match.vacancies import AdRow, VacancyRow, ad_row, event_of, vacancy_of
from streams.versions import known

SHOWN_ADS = 50
"""A vacancy's record lists at most so many of its ads; `ad_count` counts all."""

SWEPT = 8
"""Rows that a sweep looks at for each record: more than one record can add (a vacancy, its minute cells)."""

_encode = msgspec.json.Encoder().encode
_decode_ad = msgspec.json.Decoder(Ad).decode
_decode_tick = msgspec.json.Decoder(Tick).decode


@dataclass(frozen=True)
class MarketOptions:
    """What is fixed for a generation.

    `lifetime` (seconds of log time, None for an archive) bounds which ads may meet and how long their rows are kept;
    `minute_lifetime` freezes minute cells that far behind the log clock, which runs once all `raw_partitions` were
    heard.
    """

    namespace: Namespace
    raw_partitions: int
    taxonomy: str
    lifetime: int | None = 60 * DAY
    minute_lifetime: int | None = 92 * DAY


class _Change(msgspec.Struct, frozen=True, gc=False):
    """One version of an ad, with its row key, those of its index entries, and when it came.

    Its offset is the version of all that it changes, `clock` the log clock.
    """

    ad: Ad
    key: bytes
    index: Keys
    version: int
    partition: int
    clock: int


class MarketStage:
    """The fold of `market`. `same` is symmetric; two signatures that it joins find each other by `keys`."""

    name = "market"

    def __init__(self, options: MarketOptions, same: SamePair, keys: KeysOf) -> None:
        self._options = options
        self._same = same
        self._keys = keys
        topic = options.namespace.topic
        self.inputs = (topic("postings-enriched"),)
        self._vacancies = topic("vacancies")
        self._counts = topic("market-counts")

    def fold(self, state: State, run: Sequence[Record]) -> list[Output]:
        """Fold a run of ad versions; a cell is emitted once a run, a vacancy at each of its changes."""
        rows = Rows(state)
        clocks: dict[str, int] = dict(state.notes.get("clocks", {}))
        changes = list(self._read(run, clocks))
        rows.expect([change.key for change in changes], [change.index for change in changes])
        outputs: list[Output] = []
        for change in changes:
            self._apply(rows, change, outputs)
        state.notes["clocks"] = clocks
        outputs.extend(
            Output(self._counts, 0, _count_key(block, cell), _encode(self._count(block, cell, row, version)))
            for block, cell, row, version in rows.write_cells()
        )
        self._sweep(state, rows, self._clock(clocks), SWEPT * len(run))
        rows.write()
        return outputs

    def _read(self, run: Sequence[Record], clocks: dict[str, int]) -> Iterator[_Change]:
        """The ad versions of a run; moves `clocks`."""
        for record in run:
            if record.key is None:
                tick = known(_decode_tick(record.value or b""))
                clocks[str(tick.raw_partition)] = int(tick.log_time.timestamp())
                continue
            ad = known(_decode_ad(record.value or b""))
            raw = str(ad.raw_partition)
            clocks[raw] = max(clocks.get(raw, 0), int(ad.log_time.timestamp()))
            key = keys_of.ad_key(ad.block, ad.source, ad.id, ad.born)
            index = keys_of.index_keys(ad.block, self._keys(ad.signature))
            yield _Change(ad, key, index, record.offset, record.partition, self._clock(clocks))

    def _clock(self, clocks: Mapping[str, int]) -> int:
        return min(clocks.values()) if len(clocks) == self._options.raw_partitions else 0

    def _apply(self, rows: Rows, change: _Change, outputs: list[Output]) -> None:
        """Fold one ad version: what it touches, re-clustered."""
        ad, key = change.ad, change.key
        old = rows.ad(key)
        if old is not None and old.raw_offset >= ad.raw_offset:
            return
        new = None if ad.event == "moved" else ad_row(ad, old)
        if old is None and new is None:
            return
        touched = set() if old is None else {old.vacancy}
        if new is not None:
            touched |= self._matching(rows, change, new)
        old_index = [] if old is None else self._index(change, old.signature)
        new_index = [] if new is None else change.index.entered
        if old_index != new_index:
            rows.unindex(key, [row for row in old_index if row not in new_index])
            rows.index(key, [row for row in new_index if row not in old_index])
        rows.put_ad(key, new)
        before = {
            vacancy_id: row for vacancy_id in sorted(touched) if (row := rows.vacancy(keys_of.vacancy_key(vacancy_id)))
        }
        after = self._cluster(rows, change, before)
        shown = change.key if old is not None and new is not None and old.url != new.url else None
        self._emit(rows, change, before, after, shown, outputs)

    def _index(self, change: _Change, signature: Signature) -> Sequence[bytes]:
        """Row keys of the index entries of a version of the changed ad."""
        block, same = change.ad.block, signature == change.ad.signature
        return (change.index if same else keys_of.index_keys(block, self._keys(signature))).entered

    def _matching(self, rows: Rows, change: _Change, new: AdRow) -> set[str]:
        """Vacancies that hold an ad which this one matches."""
        found: set[str] = set()
        lifetime, same, signature = self._options.lifetime, self._same, new.signature
        for other_key, other in rows.sharing(change.index):
            if other.vacancy in found or other_key == change.key:
                continue
            if same(signature, other.signature) and overlaps(new, other, lifetime):
                found.add(other.vacancy)
        return found

    def _cluster(self, rows: Rows, change: _Change, before: Mapping[str, VacancyRow]) -> dict[str, VacancyRow]:
        """The vacancies of the touched ads as they are now."""
        keys = sorted({change.key}.union(*(row.members for row in before.values()))) if before else [change.key]
        members = [(key, row) for key in keys if (row := rows.ad(key)) is not None]
        after: dict[str, VacancyRow] = {}
        if not members:
            return after
        ads = [row for _, row in members]
        for indices, because in components(ads, self._same, self._keys, self._options.lifetime):
            component = [members[i] for i in indices]
            vacancy_id, vacancy = vacancy_of(change.ad.block, component, because)
            after[vacancy_id] = vacancy
            for key, row in component:
                if row.vacancy != vacancy_id:
                    rows.put_ad(key, msgspec.structs.replace(row, vacancy=vacancy_id))
        return after

    def _emit(
        self,
        rows: Rows,
        change: _Change,
        before: Mapping[str, VacancyRow],
        after: Mapping[str, VacancyRow],
        shown: bytes | None,
        outputs: list[Output],
    ) -> None:
        """Write and send what differs (or shows the ad `shown`); vanished vacancies name their successor."""
        home = {member: vacancy_id for vacancy_id, row in after.items() for member in row.members} if before else {}
        for vacancy_id, old in before.items():
            if vacancy_id not in after:
                successor = next((home[member] for member in old.members if member in home), None)
                if successor is not None:
                    outputs.append(self._vacancy(rows, change, vacancy_id, old, "merged", successor=successor))
                else:
                    away = f"{change.ad.moved_to}/{change.ad.source}/{change.ad.id}"
                    outputs.append(self._vacancy(rows, change, vacancy_id, old, "moved", successor=away))
                rows.put_vacancy(keys_of.vacancy_key(vacancy_id), None)
                self._move_cells(rows, change, old.cells(), {})
        was_home = {member for row in before.values() for member in row.members}
        for vacancy_id, new in after.items():
            was = before.get(vacancy_id)
            if was == new and shown not in new.members:
                continue
            rows.put_vacancy(keys_of.vacancy_key(vacancy_id), new)
            if was is not None:
                event = event_of(was, new)
            else:
                event = "split" if len(after) > 1 and was_home.issuperset(new.members) else "created"
            outputs.append(self._vacancy(rows, change, vacancy_id, new, event))
            self._move_cells(rows, change, {} if was is None else was.cells(), new.cells())

    def _move_cells(self, rows: Rows, change: _Change, before: dict[Cell, Amount], after: dict[Cell, Amount]) -> None:
        amounts = difference(before, after)
        if self._options.minute_lifetime is not None:
            frozen = change.clock - self._options.minute_lifetime
            amounts = {
                cell: amount for cell, amount in amounts.items() if cell.grain != "minute" or cell.start >= frozen
            }
        rows.add(change.ad.block, amounts, change.version)

    def _vacancy(
        self,
        rows: Rows,
        change: _Change,
        vacancy_id: str,
        row: VacancyRow,
        event: VacancyEvent,
        *,
        successor: str | None = None,
    ) -> Output:
        ad, live = change.ad, successor is None
        shown = [rows.ad(member) for member in row.members[:SHOWN_ADS]] if live else []
        message = Vacancy(
            generation=self._options.namespace.generation,
            id=vacancy_id,
            version=change.version,
            event=event,
            block=ad.block,
            side=ad.side,
            opened_at=_utc(row.opened),
            close_at=_utc(row.close),
            close_reason=row.close_reason,
            event_time=max(ad.last_seen, ad.removed_at or ad.first_seen),
            ingest_time=ad.log_time,
            live=live,
            counted=row.scope != "abroad",
            successor=successor,
            isco=row.isco,
            isco_confidence=row.isco_confidence,
            regions=row.regions,
            scope=row.scope,
            openings=row.openings,
            title=row.title,
            company=row.company,
            contract=row.contract,
            salary_min=row.salary_min,
            salary_max=row.salary_max,
            sector_isic=row.sector_isic,
            ads=tuple(AdRef(a.source, a.id, a.url) for a in shown if a is not None),
            ad_count=len(row.members) if live else 0,
            merged_because=row.because,
            source=ad.source,
            taxonomy=self._options.taxonomy,
        )
        return Output(self._vacancies, change.partition, vacancy_id.encode(), _encode(message))

    def _count(self, block: str, cell: Cell, row: CellRow, version: int) -> Count:
        return Count(
            generation=self._options.namespace.generation,
            block=block,
            side="offer" if block.startswith("offer:") else "seeker",
            isco=cell.isco,
            region=cell.region,
            grain=cell.grain,
            start=_utc(cell.start),
            opened=row.opened,
            closed=row.closed,
            openings=row.openings,
            version=version,
            revision=row.revision,
        )

    def _sweep(self, state: State, rows: Rows, clock: int, limit: int) -> None:
        """Delete what has left the matching window, a few rows a run, one pass over the state a day of log time."""
        lifetime, notes = self._options.lifetime, state.notes
        if lifetime is None or clock // DAY <= notes.get("swept_day", 0):
            return
        found = state.after(bytes.fromhex(notes.get("sweep", "")) or keys_of.SWEPT_FROM, limit)
        for key, _ in found:
            if key.startswith(keys_of.VACANCY):
                # An ad's last forwarding may be a day before its last sighting, and its closing a day before that.
                self._evict(rows, key, clock - lifetime - 2 * DAY)
            elif key.startswith(keys_of.MINUTE) and self._frozen(keys_of.cell_start(key), clock):
                state.delete(key)
        if len(found) < limit:
            notes["swept_day"], notes["sweep"] = clock // DAY, ""
        else:
            notes["sweep"] = found[-1][0].hex()

    def _evict(self, rows: Rows, key: bytes, before: int) -> None:
        """Forget a vacancy all of whose ads are past their lifetime; its cells stay as they are."""
        vacancy = rows.vacancy(key)
        if vacancy is None:
            return
        ads = {member: row for member in vacancy.members if (row := rows.ad(member)) is not None}
        if any(ad.log >= before for ad in ads.values()):
            return
        block = key[1:].split(b"/", 1)[0].decode()
        for member, ad in ads.items():
            rows.unindex(member, keys_of.index_keys(block, self._keys(ad.signature)).entered)
            rows.put_ad(member, None)
        rows.put_vacancy(key, None)

    def _frozen(self, start: int, clock: int) -> bool:
        lifetime = self._options.minute_lifetime
        return lifetime is not None and start < clock - lifetime

    def verdict(self, _notes: Mapping[str, Any]) -> str | None:
        """Nothing in its input makes this stage refuse to go on."""
        return None

    def resume(self, notes: dict[str, Any]) -> None:
        """Nothing to clear."""


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _count_key(block: str, cell: Cell) -> bytes:
    return f"{cell.grain}\t{block}\t{cell.isco}\t{cell.region}\t{cell.start}".encode()
