"""A raw topic of years for `replay`: the simulated market's ads day after day, in the order of their time.

Each day's births are a pure function of seed and day, so that processes can make them beside each other; what a
birthday's ads show later (their copies' delay, a second sighting) waits in a queue of a day or two.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import lru_cache
from itertools import count, islice
from multiprocessing import get_context
from typing import NamedTuple
from zlib import crc32

import msgspec

from tests.benchmarks.postings import SteadyMarket, sighting

BEGIN = 1_577_836_800
"""1 January 2020: five million sightings end long before now, and a broker refuses what lies ahead of its clock."""

DAY = 86_400
A_DAY = 5_000
"""New vacancies and requests a day; with copies and second sightings some 6,800 records, so two years are 5 million.

An assumption of order, not a count: of a labour force of some twelve million, one in seven who comes by a portal in a
year, as a vacancy or as a seeker, is 4,700 a day.
"""

AGAIN = 10
"""One ad of so many is seen a second time, a day later."""

Record = tuple[int, bytes, bytes, int]
"""Partition, key, value and time in milliseconds."""


class Flow(NamedTuple):
    """What the records are a function of; `a_day` are new vacancies and requests."""

    seed: int
    a_day: float
    partitions: int


def records(flow: Flow, size: int, processes: int = 1) -> Iterator[Record]:
    """The first `size` sightings by time; so many processes make them, which changes nothing in them."""
    with closing(_days(flow, processes)) as days:
        yield from islice(_in_order(days), size)


def born_on(flow: Flow, day: int) -> list[Record]:
    """All sightings, by ad, of the vacancies that open on a day; some lie on the next days."""
    encode = msgspec.json.Encoder().encode
    found: list[Record] = []
    number = day  # else no ad of a day of less than ten would be seen again
    begin = BEGIN + day * DAY
    for vacancy in _market(flow.seed, flow.a_day).born(begin, begin + DAY):
        for ad in vacancy.ads:
            key = f"{ad.portal}\t{ad.source_id}".encode()
            partition = crc32(key) % flow.partitions
            number += 1
            times = (ad.appears,) if number % AGAIN else (ad.appears, ad.appears + DAY)
            found += [(partition, key, encode(sighting(ad, vacancy.side, at)), 1000 * at) for at in times]
    return found


@lru_cache(1)
def _market(seed: int, a_day: float) -> SteadyMarket:
    return SteadyMarket(seed, BEGIN, rate=a_day * 60 / DAY)


def _days(flow: Flow, processes: int) -> Iterator[list[Record]]:
    """What is born day after day, without end; only a few days are made ahead."""
    if processes == 1:
        for day in count():
            yield born_on(flow, day)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        ahead = 2 * processes
        waiting = deque(pool.submit(born_on, flow, day) for day in range(ahead))
        for day in count(ahead):
            yield waiting.popleft().result()
            waiting.append(pool.submit(born_on, flow, day))


def _in_order(days: Iterable[list[Record]]) -> Iterator[Record]:
    """By time: once a day's births are known, nothing comes any more that would lie before its end."""
    pending: list[Record] = []
    for day, born in enumerate(days):
        pending = sorted(pending + born, key=_time)
        due = bisect_left(pending, 1000 * (BEGIN + (day + 1) * DAY), key=_time)
        yield from pending[:due]
        del pending[:due]


def _time(record: Record) -> int:
    return record[3]
