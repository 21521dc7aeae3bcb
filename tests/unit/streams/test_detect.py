from hypothesis import given
from hypothesis import strategies as st

from streams.detect import SECONDS, WEEK, DetectOptions, baseline, spikes

OPTIONS = DetectOptions()
HOUR = SECONDS["hour"]
NOW = 60 * WEEK


def _spikes(counts: dict[int, int], hours: int = 12) -> list[tuple[int, int]]:
    windows = [NOW + n * HOUR for n in range(hours)]
    found = spikes(lambda start: counts.get(start, 4), windows, "hour", NOW - 10 * WEEK, OPTIONS)
    return [((spike.start - NOW) // HOUR, (spike.last - NOW) // HOUR) for spike in found]


def test_a_steady_series_has_no_spike() -> None:
    """Counts at their baseline raise nothing."""
    assert _spikes({}) == []


def test_an_hour_far_above_its_baseline_is_a_spike_and_only_that_hour() -> None:
    """A count well above the limit is found, and ends when counts fall back."""
    assert _spikes({NOW + 3 * HOUR: 60}) == [(3, 3)]


def test_a_spike_goes_on_while_counts_hold_half_way() -> None:
    """Hysteresis: an hour below the limit but above half-way continues a spike and would not begin one."""
    limit = baseline([4] * 6, "hour", OPTIONS)
    assert limit is not None
    half = int(limit.mean + 0.7 * (limit.limit - limit.mean))
    assert _spikes({NOW + HOUR: 60, NOW + 2 * HOUR: half}) == [(1, 2)]
    assert _spikes({NOW + 2 * HOUR: half}) == []


def test_without_enough_history_nothing_is_a_spike() -> None:
    """Fewer baseline weeks than required give no verdict."""
    assert baseline([0, 0], "hour", OPTIONS) is None


@given(st.lists(st.integers(0, 500), min_size=3, max_size=8))
def test_the_limit_is_above_the_mean_and_the_minimum(past: list[int]) -> None:
    """No baseline puts its limit below its mean or below the minimum count."""
    found = baseline(past, "hour", OPTIONS)
    assert found is not None
    assert found.limit > found.mean
    assert found.limit >= OPTIONS.least("hour")
