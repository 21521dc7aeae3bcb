"""What `marsad bench replay` tells of the way."""

import pytest

from tests.benchmarks.market import Sample
from tests.benchmarks.replay import summary


def _way(slower: float) -> list[Sample]:
    """Twenty thousand postings: `ads` ahead and done at two thirds of the time; the second half costs more."""
    found = []
    cpu = ads_cpu = market_cpu = 0.0
    ads = market = 0
    for second in range(301):
        found.append(Sample(second, ads, market, 400 + min(second, 50), cpu, ads_cpu, market_cpu, second / 10))
        more_ads, more_market = (100, 50) if second < 200 else (0, 100)
        ads_cost = 0.004 * (slower if ads >= 10_000 else 1)
        market_cost = 0.002 * (slower if market >= 10_000 else 1)
        ads_cpu, market_cpu = ads_cpu + more_ads * ads_cost, market_cpu + more_market * market_cost
        cpu += more_ads * (ads_cost + 0.001) + more_market * (market_cost + 0.001)
        ads, market = ads + more_ads, market + more_market
    return found


@pytest.mark.parametrize("slower", [1.0, 2.0])
def test_the_stages_lead_does_not_count_as_pace(slower: float) -> None:
    """By time the end, which `market` has to itself, is twice as fast; by processor time a posting it is not."""
    found = summary(_way(slower))
    assert found["last_to_first"] == pytest.approx(2.0)
    assert found["ads_first_fifth"] == found["ads_last_fifth"] == pytest.approx(100)
    assert found["first_fifth_cpu_us"] == pytest.approx(8_000)
    assert found["last_to_first_of_cpu"] == pytest.approx(8 / (6 * slower + 2))


def test_flat_memory_is_told_by_a_number() -> None:
    """It grows in the first fifth here and no more."""
    assert summary(_way(1.0))["flat"] == 1.0


def test_a_way_of_one_sample_has_no_parts() -> None:
    """Zeros and no ratios, instead of a failure."""
    found = summary([Sample(1.0, 10, 10, 400, 1.0, 0.4, 0.3, 0.5)])
    assert (found["first_fifth"], found["last_to_first"], found["last_to_first_of_cpu"]) == (0.0, None, None)
