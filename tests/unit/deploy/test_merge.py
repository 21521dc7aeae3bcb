from dataclasses import dataclass

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from deploy.merge import Merge


@dataclass(frozen=True)
class _Record:
    timestamp: int
    number: int


logs = st.lists(st.lists(st.integers(0, 50), max_size=12), min_size=1, max_size=4)


@seed(41)
@settings(max_examples=200, deadline=None, database=None)
@given(logs, st.integers(1, 5), st.integers(1, 4))
def test_a_merge_keeps_each_sources_order_and_goes_by_log_time(times: list[list[int]], chunk: int, most: int) -> None:
    """However little is read at a time, every record comes once, in its source's order, and no clock runs ahead."""
    sources = {n: [_Record(time, k) for k, time in enumerate(log)] for n, log in enumerate(times)}
    merge: Merge[int, _Record] = Merge({n: len(log) for n, log in sources.items()})
    position = dict.fromkeys(sources, 0)
    taken: list[tuple[int, _Record]] = []
    while not (merge.at_ends and not any(merge.buffered(n) for n in sources)):
        for n, log in sources.items():
            merge.offer(n, log[position[n] : position[n] + chunk])
            position[n] = min(position[n] + chunk, len(log))
            merge.passed(n, position[n])
        while run := merge.take(most):
            taken += run
    for n, log in sources.items():
        assert [record for source, record in taken if source == n] == log
    clocks: dict[int, int] = dict.fromkeys(sources, 0)
    merged = []
    for n, record in taken:
        clocks[n] = max(clocks[n], record.timestamp)
        merged.append(clocks[n])
    assert merged == sorted(merged)


def test_a_source_that_is_behind_is_waited_for() -> None:
    """Nothing is taken while a source that has more may hold something earlier."""
    merge: Merge[str, _Record] = Merge({"a": 1, "b": 1})
    merge.offer("a", [_Record(5, 0)])
    assert merge.take(9) == []
    merge.offer("b", [_Record(3, 0)])
    assert [source for source, _ in merge.take(9)] == ["b"]
    merge.passed("b", 1)
    assert [source for source, _ in merge.take(9)] == ["a"]
