"""What of a reading is news: new and changed ads, one sighting an event day, removals. Pure.

A removal that a source states is a fact. One that a listing implies is believed when the listing is: a sweep of
under 0.8 of the usual count is not, until three agree over a day. Between two pages of one sweep an ad can slip
(another was removed meanwhile), so a listing of several pages must leave it out twice.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median

import msgspec

from producers.checkpoint import Checkpoint, Known, Low, Page
from producers.listing import Batch, Sweep
from producers.shape import Reject
from schemas.messages import Posting

SHARE = 0.8
AGREEING = 3
AGREEMENT = timedelta(days=1)
REMEMBERED = 12
FORGOTTEN = timedelta(days=60)
"""How long an ad that is no longer shown is remembered: the lifetime of the streams' own memory of an ad."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Changes:
    """What to publish of a batch, and what is then known."""

    postings: tuple[Posting, ...]
    rejects: tuple[Reject, ...]
    known: Mapping[str, Known]
    rejected: Mapping[str, str]
    ids: tuple[str, ...]
    """Ads that the batch shows, those among its rejects that could be told apart included."""
    unknowable: bool
    """Nothing but rejects, and none that tells which ad it is."""


def content_hash(posting: Posting) -> str:
    """Return a hash of what the posting says, whenever it was seen."""
    content = msgspec.json.encode(msgspec.structs.replace(posting, observed_at=_EPOCH))
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def changes(checkpoint: Checkpoint, items: Iterable[Posting | Reject], today: str, *, last_wins: bool) -> Changes:
    """Return the news in `items`.

    `last_wins`: they are one view of the source, so of two items of one id the later counts. Else they are events
    in order, and each counts. A reject is told once, not at each poll.
    """
    postings: list[Posting] = []
    rejects: list[Reject] = []
    known: dict[str, Known] = {}
    rejected: dict[str, str] = {}
    found = list(items)
    if last_wins:
        last = {item.id: index for index, item in enumerate(found) if isinstance(item, Posting)}
        found = [item for index, item in enumerate(found) if not isinstance(item, Posting) or last[item.id] == index]
    for item in found:
        if isinstance(item, Reject):
            told = item.measured()
            if told.sha256 not in checkpoint.rejected and told.sha256 not in rejected:
                rejects.append(told)
            rejected[told.sha256] = today
            continue
        before = known.get(item.id) or checkpoint.items.get(item.id)
        now = Known(
            hash="" if item.event == "removed" else content_hash(item),
            day=item.observed_at.date().isoformat(),
            side=item.side,
        )
        told_already = before is not None and before.hash == now.hash and (before.day == now.day or now.hash == "")
        if not told_already:
            postings.append(item)
        known[item.id] = now
    shown = (item.id for item in found if isinstance(item, Reject) or item.event == "seen")
    ids = tuple(dict.fromkeys(identity for identity in shown if identity))
    return Changes(
        tuple(postings), tuple(rejects), known, rejected, ids, unknowable=bool(rejected) and not known and not ids
    )


def settle(checkpoint: Checkpoint, batch: Batch, news: Changes, *, keep_ids: bool) -> None:
    """Note in `checkpoint` that the news of `batch` is acknowledged."""
    checkpoint.items.update(news.known)
    checkpoint.rejected.update(news.rejected)
    page = batch.page
    if keep_ids:
        before = checkpoint.pages.get(batch.name, Page()).ids
        if batch.unchanged or (news.unknowable and not batch.more):
            ids = before
        elif batch.more:
            # Told apart once, at the end: to do it at each batch takes time with the square of a file's rows.
            ids = (*before, *news.ids) if batch.items else tuple(dict.fromkeys(before))
        else:
            ids = news.ids
        page = msgspec.structs.replace(page, ids=ids)
    checkpoint.pages[batch.name] = page


@dataclass(frozen=True)
class Verdict:
    """What a sweep means. `seen` ads stood in it, `expected` are usual (None before the first sweep)."""

    seen: int
    expected: float | None
    believed: bool
    removed: tuple[Posting, ...] = ()
    missing: Mapping[str, Known] = field(default_factory=dict)
    counts: tuple[int, ...] = ()
    low: tuple[Low, ...] = ()


def usual(checkpoint: Checkpoint) -> float | None:
    """How many ads a sweep usually shows; None before the first."""
    return float(median(checkpoint.counts)) if checkpoint.counts else None


def judge(checkpoint: Checkpoint, sweep: Sweep, *, source: str, now: datetime) -> Verdict:
    """Which ads are gone after `sweep`, and whether it is to be believed. A sweep with trouble removes nothing."""
    shown = {identity for name in sweep.pages if name in checkpoint.pages for identity in checkpoint.pages[name].ids}
    seen = len(shown)
    expected = usual(checkpoint)
    if not sweep.complete:
        return Verdict(seen, expected, believed=False, counts=checkpoint.counts, low=checkpoint.low)
    counts = (*checkpoint.counts, seen)[-REMEMBERED:]
    if expected and seen < SHARE * expected:
        low = (*checkpoint.low, Low(now.isoformat(), seen))
        if not _agree(low, now):
            return Verdict(seen, expected, believed=False, counts=checkpoint.counts, low=_kept(low))
        counts, expected = (seen,), float(seen)
    if not sweep.full:
        return Verdict(seen, expected, believed=True, counts=counts)
    removed: list[Posting] = []
    missing: dict[str, Known] = {}
    for identity, known in checkpoint.items.items():
        if not known.hash:
            continue
        if identity in shown:
            if known.missing_since:
                missing[identity] = msgspec.structs.replace(known, missing_since="")
        elif sweep.atomic or known.missing_since:
            since = datetime.fromisoformat(known.missing_since) if known.missing_since else now
            removed.append(Posting(source=source, id=identity, side=known.side, observed_at=since, event="removed"))
        else:
            missing[identity] = msgspec.structs.replace(known, missing_since=now.isoformat())
    return Verdict(seen, expected, True, tuple(removed), missing, counts)


def _agree(low: tuple[Low, ...], now: datetime) -> bool:
    """Whether at least three low sweeps over a day show about as many ads."""
    around = [sweep for sweep in low if abs(sweep.seen - low[-1].seen) <= max(2, 0.1 * low[-1].seen)]
    return len(around) >= AGREEING and now - datetime.fromisoformat(around[0].at) >= AGREEMENT


def _kept(low: tuple[Low, ...]) -> tuple[Low, ...]:
    """Return the first low sweep and the latest ones: enough to know how long they agree."""
    return low if len(low) <= REMEMBERED else (low[0], *low[-REMEMBERED + 1 :])


def conclude(checkpoint: Checkpoint, sweep: Sweep, verdict: Verdict, now: datetime) -> None:
    """Note in `checkpoint` that the removals of `verdict` are acknowledged, and forget what is long past."""
    for gone in verdict.removed:
        checkpoint.items.pop(gone.id, None)
    checkpoint.items.update(verdict.missing)
    checkpoint.counts, checkpoint.low = verdict.counts, verdict.low
    if not sweep.complete:
        return
    checkpoint.last_success = now
    horizon = (now - FORGOTTEN).date().isoformat()
    for sha256 in [sha256 for sha256, day in checkpoint.rejected.items() if day < horizon]:
        del checkpoint.rejected[sha256]
    if sweep.full:
        for name in [name for name in checkpoint.pages if name not in sweep.pages]:
            del checkpoint.pages[name]
    past = [
        identity
        for identity, known in checkpoint.items.items()
        if known.day < horizon and not (sweep.full and known.hash)
    ]
    for identity in past:
        del checkpoint.items[identity]
