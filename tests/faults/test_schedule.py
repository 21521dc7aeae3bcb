from collections import Counter

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.schedule import FULL_MINUTES, draw


@pytest.mark.parametrize("seed", [0, 1, 17])
def test_the_same_seed_gives_the_same_schedule(seed: int) -> None:
    """A schedule is a function of its seed and length: a failure can be run again."""
    assert draw(seed, FULL_MINUTES) == draw(seed, FULL_MINUTES)
    assert draw(seed, FULL_MINUTES) != draw(seed + 1, FULL_MINUTES)


@pytest.mark.parametrize("first", range(0, 60, 7))
def test_ten_seeds_draw_every_fault_twice(first: int) -> None:
    """Whichever ten seeds in a row are run, no fault of the catalogue is drawn less than twice."""
    drawn = Counter(name for seed in range(first, first + 10) for name in draw(seed, FULL_MINUTES).faults)
    assert {fault.name: drawn[fault.name] for fault in FAULTS if drawn[fault.name] < 2} == {}


def test_faults_have_names_of_their_own() -> None:
    """The closing table has one line a fault."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("seed", range(20))
def test_a_short_schedule_keeps_its_time(seed: int) -> None:
    """A schedule of three quarters of a minute has a fault and does not last two."""
    schedule = draw(seed, 0.75)
    cost = {fault.name: fault.seconds - fault.waits * (1 - schedule.scale) for fault in FAULTS}
    assert schedule.faults
    assert sum(cost[name] for name in schedule.faults) <= 60
