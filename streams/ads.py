"""Stage `ads`: decode, deduplicate, enrich. Reads `postings-raw`, writes unique and enriched ads and rejects."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from schemas.messages import Ad, Enrichment, Heartbeat, Posting, Rejected, Signature, Tick, UniquePosting
from schemas.topics import Namespace
from streams import dedupe
from streams.block import block_of, partition_of
from streams.decode import Reject, decode, of_a_seeker
from streams.dedupe import DAY, Known, Outcome
from streams.engine.stage import Output, Record, State
from streams.enrich.dates import LOCAL

KEPT_BYTES = 8 << 20
KEPT_HEAD = 1 << 20
SURGE_WINDOW = 1000
SURGE_SHARE = 0.5

Facts = tuple[Enrichment, Signature]
Enrich = Callable[[Posting], Facts]
Redate = Callable[[Posting, Enrichment, Signature], Facts]


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """State row of one ad: what is known, the day last forwarded, the ad as last emitted, and how it told its age."""

    known: Known
    forwarded_log: int
    ad: msgspec.Raw
    told: int = -1


_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_unpack_row = msgspec.msgpack.Decoder(_Row).decode
_unpack_ad = msgspec.msgpack.Decoder(Ad).decode


@dataclass(frozen=True)
class AdsOptions:
    """What is fixed for a generation. `lifetime` is in seconds of log time, None to keep every ad (an archive)."""

    namespace: Namespace
    enriched_partitions: int
    taxonomy: str
    lifetime: int | None = 60 * DAY


class AdsStage:
    """The fold of `ads`. `enrich` is pure: the same posting gives the same facts and signature for a whole generation.

    `redate` gives the same for a later sighting with the same content, from the facts of the one before.
    """

    name = "ads"

    def __init__(self, options: AdsOptions, enrich: Enrich, redate: Redate) -> None:
        self._options = options
        self._enrich = enrich
        self._redate = redate
        topic = options.namespace.topic
        self.inputs = (topic("postings-raw"),)
        self._unique = topic("postings-unique")
        self._enriched = topic("postings-enriched")
        self._rejected = topic("postings-rejected")

    def fold(self, state: State, run: Sequence[Record]) -> list[Output]:
        """Fold a run of sightings."""
        tallies = _Tallies(state.notes)
        state.prefetch({record.key for record in run if record.key})
        outputs: list[Output] = []
        for record in run:
            log = max(record.timestamp // 1000, tallies.clock)
            tallies.clock = log
            posting = decode(record.value, datetime.fromtimestamp(record.timestamp / 1000, UTC))
            if isinstance(posting, Heartbeat):
                outputs.extend(self._ticks(record.partition, log))
                continue
            verdict = posting if isinstance(posting, Reject) else self._sight(state, record, posting, log, outputs)
            if isinstance(verdict, Reject):
                outputs.append(self._reject(record, verdict, log))
                tallies.reject(verdict.reason)
            else:
                tallies.count(verdict)
        self._sweep(state, tallies.clock, 2 * len(run))
        tallies.write(state.notes)
        state.notes["taxonomy"] = self._options.taxonomy
        return outputs

    def _sight(
        self, state: State, record: Record, posting: Posting, log: int, outputs: list[Output]
    ) -> Outcome | Reject:
        key = f"{posting.source}\t{posting.id}".encode()
        if record.key != key:  # the key chooses the partition: under another one the ad would be counted in two
            return Reject("wrong_key", "the key must be source and id, joined by a tab", posting.source)
        value = state.get(key)
        row = None if value is None else _unpack_row(value)
        if row is not None and dedupe.expired(row.known, log, self._options.lifetime):
            row = None
        before = None if row is None else _unpack_ad(row.ad)
        if row is None or before is None:
            if posting.event == "removed":
                return Reject("removal_of_unknown", "", posting.source)
            known = dedupe.first_sight(posting, log, record.offset)
            outcome: Outcome = "new"
        else:
            known, outcome = dedupe.sight(row.known, posting, log)
        if row is not None and before is not None and not _forward(row, known, outcome, log):
            state.put(key, _pack(_Row(known, row.forwarded_log, row.ad, row.told)))
            return outcome
        told = -1 if row is None else row.told
        if before is None or row is None or (known.observed, known.hash) != (row.known.observed, row.known.hash):
            told = dedupe.told(posting)
            if before is not None and row is not None and (known.hash, told) == (row.known.hash, row.told):
                # Its dates are read anew though its content is the same: "encore 3 jours" means another day each day.
                facts, signature = self._redate(posting, before.facts, before.signature)
            else:
                facts, signature = self._enrich(posting)
            described = _describe(posting, facts, signature)
        else:
            described = before
        ad = self._stamp(described, known, record, log)
        if before is not None and before.block != ad.block:
            withdrawn = msgspec.structs.replace(
                before,
                event="moved",
                moved_to=ad.block,
                raw_offset=record.offset,
                log_time=ad.log_time,
            )
            outputs.append(self._enriched_output(withdrawn))
        outputs.append(self._enriched_output(ad))
        if outcome != "unchanged":
            unique = UniquePosting(
                self._options.namespace.generation, outcome, record.partition, record.offset, ad.first_seen, posting
            )
            outputs.append(Output(self._unique, record.partition, key, _encode(unique)))
        state.put(key, _pack(_Row(known, log, msgspec.Raw(_pack(ad)), told)))
        return outcome

    def _stamp(self, described: Ad, known: Known, record: Record, log: int) -> Ad:
        """The ad at this version: its description with the times that are known now."""
        deadline = described.facts.deadline_on
        day = None if deadline is None else int(datetime.fromisoformat(deadline).replace(tzinfo=UTC).timestamp())
        close, reason = dedupe.closing(known, day)
        return msgspec.structs.replace(
            described,
            generation=self._options.namespace.generation,
            event="upsert",
            moved_to=None,
            block=block_of(described.side, described.facts),
            raw_partition=record.partition,
            raw_offset=record.offset,
            born=known.born,
            log_time=_utc(log),
            first_seen=_utc(known.first),
            last_seen=_utc(known.last_day),
            removed_at=_utc(known.removed) if known.gone else None,
            close_at=_utc(close),
            close_reason=reason,
            taxonomy=self._options.taxonomy,
        )

    def _enriched_output(self, ad: Ad) -> Output:
        key = f"{ad.block}\t{ad.source}\t{ad.id}".encode()
        return Output(self._enriched, partition_of(ad.block, self._options.enriched_partitions), key, _encode(ad))

    def _ticks(self, raw_partition: int, log: int) -> list[Output]:
        tick = _encode(Tick(self._options.namespace.generation, "tick", raw_partition, _utc(log)))
        return [Output(self._enriched, p, None, tick) for p in range(self._options.enriched_partitions)]

    def _reject(self, record: Record, reject: Reject, log: int) -> Output:
        value = record.value or b""
        kept = value if len(value) <= KEPT_BYTES else value[:KEPT_HEAD]
        if of_a_seeker(value):
            kept = b""
        rejected = Rejected(
            stage=self.name,
            reason=reject.reason,
            at=_utc(log),
            data=b64encode(kept).decode(),
            length=len(value),
            sha256=sha256(value).hexdigest(),
            generation=self._options.namespace.generation,
            detail=reject.detail[:500],
            source=reject.source,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            truncated=len(kept) < len(value),
        )
        key = f"{self.name}\t{record.topic}\t{record.partition}\t{record.offset}".encode()
        return Output(self._rejected, 0, key, _encode(rejected))

    def _sweep(self, state: State, clock: int, limit: int) -> None:
        """Delete rows of expired ads, a few a run, one pass over the state a day of log time."""
        lifetime, notes = self._options.lifetime, state.notes
        if lifetime is None or clock // DAY <= notes.get("swept_day", 0):
            return
        cursor = bytes.fromhex(notes.get("sweep", ""))
        rows = state.after(cursor, limit)
        for key, _ in rows:
            value = state.get(key)
            if value is not None and dedupe.expired(_unpack_row(value).known, clock, lifetime):
                state.delete(key)
        if len(rows) < limit:
            notes["swept_day"], notes["sweep"] = clock // DAY, ""
        else:
            notes["sweep"] = rows[-1][0].hex()

    def verdict(self, notes: Mapping[str, Any]) -> str | None:
        """More than half of the last thousand rejected, or other tables than those the generation began with."""
        was = notes.get("taxonomy", self._options.taxonomy)
        if was != self._options.taxonomy:
            return (
                f"generation {self._options.namespace.generation} began with tables {was}, and these are"
                f" {self._options.taxonomy}: the same ad would read otherwise before and after. `marsad replay`"
                " rebuilds from the raw topic and switches over (an archive: another MARSAD_GENERATION)"
            )
        recent = int(notes.get("recent", "0"), 16)
        bad = recent.bit_count()
        if notes.get("judged", 0) < SURGE_WINDOW or bad <= SURGE_SHARE * SURGE_WINDOW:
            return None
        worst = max(notes["rejected"], key=notes["rejected"].get)
        return (
            f"{bad} of the last {SURGE_WINDOW} records were rejected, most often as {worst}; nothing is lost."
            " Look at `marsad status` and the topic postings-rejected, then run `marsad resume`"
        )

    def resume(self, notes: dict[str, Any]) -> None:
        """Judge anew from here on."""
        notes["judged"], notes["recent"] = 0, "0"


def _forward(row: _Row, known: Known, outcome: Outcome, log: int) -> bool:
    """Whether a re-sighting says anything new downstream.

    Content, removal, first sight, or a later day (of either clock, or of the portal's: "ten days left").
    """
    return (
        outcome == "updated"
        or known.first != row.known.first
        or known.gone != row.known.gone
        or known.last_day != row.known.last_day
        or _read_on(known) != _read_on(row.known)
        or log // DAY > row.forwarded_log // DAY
    )


def _read_on(known: Known) -> int:
    """The local day from which relative dates of the ad are told."""
    return (known.observed + int(LOCAL.total_seconds())) // DAY


def _describe(posting: Posting, facts: Enrichment, signature: Signature) -> Ad:
    """The part of an ad that its content fixes; times are stamped later."""
    never = datetime.fromtimestamp(0, UTC)
    return Ad(
        generation="",
        event="upsert",
        block="",
        source=posting.source,
        id=posting.id,
        side=posting.side,
        raw_partition=0,
        raw_offset=0,
        born=0,
        log_time=never,
        first_seen=never,
        last_seen=never,
        url=posting.url,
        title=posting.title,
        company=posting.company,
        facts=facts,
        signature=signature,
    )


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class _Tallies:
    """Counts of a partition since its generation began, kept in the notes."""

    def __init__(self, notes: Mapping[str, Any]) -> None:
        self.clock: int = notes.get("clock", 0)
        self._outcomes: dict[str, int] = {name: notes.get(name, 0) for name in ("new", "updated", "unchanged")}
        self._rejected: dict[str, int] = dict(notes.get("rejected", {}))
        self._judged: int = notes.get("judged", 0)
        self._recent = int(notes.get("recent", "0"), 16)

    def count(self, outcome: Outcome) -> None:
        self._outcomes[outcome] += 1
        self._judge(bad=False)

    def reject(self, reason: str) -> None:
        self._rejected[reason] = self._rejected.get(reason, 0) + 1
        self._judge(bad=True)

    def _judge(self, *, bad: bool) -> None:
        self._judged += 1
        self._recent = (self._recent << 1 | bad) & _WINDOW_MASK

    def write(self, notes: dict[str, Any]) -> None:
        notes.update(self._outcomes)
        notes["rejected"] = self._rejected
        notes["clock"] = self.clock
        notes["judged"] = self._judged
        notes["recent"] = f"{self._recent:x}"


_WINDOW_MASK = (1 << SURGE_WINDOW) - 1
