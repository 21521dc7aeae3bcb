"""Real-shaped postings for the benchmarks: those of the simulated market, in three languages, with duplicates.

The market is a pure function of a seed, so that a count of postings can be made anew for a recount.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from zlib import crc32

import msgspec

from deploy.market.world import Ad, Market
from schemas.messages import Posting, Side

BEGIN = 1_767_225_600
RATE = 600.0
"""New vacancies and requests a minute of event time."""


class SteadyMarket(Market):
    """A market that is always busy, and in which nothing is planted."""

    spikes = ()

    def intensity(self, at: int) -> float:  # noqa: ARG002 - it does not depend on the hour
        """All of the rate, always."""
        return 1.0


def postings(count: int, seed: int) -> Iterator[Posting]:
    """The first `count` sightings, by vacancy; a tenth are seen again a day later."""
    return islice(_sightings(seed), count)


def records(count: int, seed: int, partitions: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Partition, key and value of each sighting, as producers write it."""
    encode = msgspec.json.Encoder().encode
    for posting in postings(count, seed):
        key = f"{posting.source}\t{posting.id}".encode()
        yield crc32(key) % partitions, key, encode(posting)


def _sightings(seed: int) -> Iterator[Posting]:
    market = SteadyMarket(seed, BEGIN, rate=RATE)
    minute = BEGIN
    number = 0
    while True:
        for vacancy in market.born(minute, minute + 60):
            for ad in vacancy.ads:
                yield sighting(ad, vacancy.side, ad.appears)
                number += 1
                if number % 10 == 0:
                    yield sighting(ad, vacancy.side, ad.appears + 86_400)
        minute += 60


def sighting(ad: Ad, side: Side, at: int) -> Posting:
    """The ad as its portal shows it at a moment."""
    offer = side == "offer"
    return Posting(
        source=ad.portal,
        id=ad.source_id,
        side=side,
        observed_at=datetime.fromtimestamp(at, UTC),
        url=f"https://{ad.portal}.example/{ad.source_id}" if offer else None,
        title=ad.title,
        company=ad.company or None if offer else None,
        city=ad.city,
        description=ad.text,
        salary_raw=ad.salary or None,
        contract_raw=ad.contract or None,
        experience_raw=ad.experience or None,
    )
