"""The offline recount: the same cells from the archive file by the pure functions alone.

In plain loops, without the engine.

It shares with the streams what a fact means (decode, deduplicate, enrich, pair test, contributions) and nothing of
how they run: no state rows, no increments, no batches, no order.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from producers.archive import Sighting
from schemas.messages import Ad, Posting
from streams import dedupe
from streams.aggregate import NOTHING, Amount, Cell
from streams.block import block_of
from streams.decode import decode
from streams.dedupe import Known
from streams.enrich.enricher import Enricher
from streams.match.cluster import components
from streams.match.keys import keys
from streams.match.pairs import same_vacancy
from streams.match.vacancies import AdRow, ad_row, vacancy_of

Cells = dict[tuple[str, Cell], Amount]


@dataclass(frozen=True)
class Recount:
    """What an archive holds: its sightings (see `fingerprints`), ads, vacancies, and the cells that they fill."""

    sightings: NDArray[np.uint64]
    ads: int
    vacancies: int
    cells: Cells


def recount(sightings: Iterable[Sighting], enricher: Enricher, now: datetime) -> Recount:
    """Recount an archive; `now` stands for the log time, against which only "in the future" is judged."""
    seen: list[bytes] = []
    ads = _ads(_noted(sightings, seen), now)
    blocks: dict[str, list[tuple[bytes, AdRow]]] = defaultdict(list)
    for (source, ad_id), (known, posting) in ads.items():
        row, block = _row(known, posting, enricher)
        blocks[block].append((f"{source}\t{ad_id}".encode(), row))
    cells: dict[tuple[str, Cell], Amount] = defaultdict(lambda: NOTHING)
    vacancies = 0
    for block, members in blocks.items():
        for indices, because in components([row for _, row in members], same_vacancy, keys, None):
            _, vacancy = vacancy_of(block, [members[i] for i in indices], because)
            vacancies += 1
            for cell, amount in vacancy.cells().items():
                cells[block, cell] = cells[block, cell].plus(amount)
    return Recount(fingerprints(seen), len(ads), vacancies, dict(cells))


def digest(key: bytes | None, value: bytes | None) -> bytes:
    """Eight bytes that tell one raw record from another."""
    return blake2b((key or b"") + b"\x00" + (value or b""), digest_size=8).digest()


def fingerprints(digests: Iterable[bytes]) -> NDArray[np.uint64]:
    """Digests of records as sorted numbers: eight bytes a sighting, so that millions can be compared."""
    return np.sort(np.frombuffer(b"".join(digests), np.uint64))


def missing(wanted: NDArray[np.uint64], found: NDArray[np.uint64]) -> int:
    """How many of `wanted` are not in `found` as often as wanted; more is no harm, a crash may deliver twice."""
    values, counts = np.unique(wanted, return_counts=True)
    have = np.searchsorted(found, values, "right") - np.searchsorted(found, values, "left")
    return int(np.maximum(counts - have, 0).sum())


def _noted(sightings: Iterable[Sighting], seen: list[bytes]) -> Iterator[Sighting]:
    for sighting in sightings:
        if sighting.reject is None:
            seen.append(digest(sighting.key, sighting.value))
            yield sighting


def _ads(sightings: Iterable[Sighting], now: datetime) -> dict[tuple[str, str], tuple[Known, Posting]]:
    """Each ad's sightings folded, with the posting that its attributes are of."""
    ads: dict[tuple[str, str], tuple[Known, Posting]] = {}
    for sighting in sightings:
        posting = decode(sighting.value, now)
        if not isinstance(posting, Posting):
            continue
        key = (posting.source, posting.id)
        if key not in ads:
            if posting.event == "seen":
                ads[key] = (dedupe.first_sight(posting, 0, 0), posting)
            continue
        before, described = ads[key]
        known, _ = dedupe.sight(before, posting, 0)
        newer = (known.observed, known.hash) != (before.observed, before.hash)
        ads[key] = (known, posting if newer else described)
    return ads


def _row(known: Known, posting: Posting, enricher: Enricher) -> tuple[AdRow, str]:
    facts, signature = enricher(posting)
    deadline = facts.deadline_on
    day = None if deadline is None else int(datetime.fromisoformat(deadline).replace(tzinfo=UTC).timestamp())
    close, reason = dedupe.closing(known, day)
    block = block_of(posting.side, facts)
    moment = datetime.fromtimestamp(0, UTC)
    ad = Ad(
        generation="",
        event="upsert",
        block=block,
        source=posting.source,
        id=posting.id,
        side=posting.side,
        raw_partition=0,
        raw_offset=0,
        born=0,
        log_time=moment,
        first_seen=datetime.fromtimestamp(known.first, UTC),
        last_seen=datetime.fromtimestamp(known.last_day, UTC),
        close_at=datetime.fromtimestamp(close, UTC),
        close_reason=reason,
        url=posting.url,
        title=posting.title,
        company=posting.company,
        facts=facts,
        signature=signature,
    )
    return ad_row(ad, None), block


def differing(stored: Cells, recounted: Cells) -> int:
    """How many cells are not the same in both; a cell that one lacks is empty there."""
    return sum(stored.get(key, NOTHING) != recounted.get(key, NOTHING) for key in stored.keys() | recounted.keys())
