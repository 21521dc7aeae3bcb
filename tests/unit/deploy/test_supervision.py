import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import EX_CONFIG, EX_MOVED
from deploy.supervision import Ended, Held, Policy, Running, Waiting, after_exit, after_start

POLICY = Policy(first_pause=0.5, longest_pause=30.0, healthy_after=60.0)


def test_the_pause_doubles_with_each_failure_in_a_row() -> None:
    """A child that dies at once waits 0.5, 1, 2, 4, … seconds, and never more than the longest pause."""
    now, state = 0.0, Running(since=0.0)
    pauses = []
    for _ in range(9):
        waiting = after_exit(state, 1, now, POLICY, stopping=False)
        assert isinstance(waiting, Waiting)
        pauses.append(waiting.until - now)
        now = waiting.until
        state = after_start(waiting, now)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_child_that_lived_starts_the_row_anew() -> None:
    """After a minute of life, the next failure counts as the first."""
    waiting = after_exit(Running(since=100.0, failures=7), -9, 160.0, POLICY, stopping=False)
    assert waiting == Waiting(until=160.5, failures=1)


@pytest.mark.parametrize("stopping", [True, False])
def test_a_refusal_holds_the_child(stopping: bool) -> None:  # noqa: FBT001
    """Exit code 78 leaves the child stopped for an operator, even while everything is being stopped."""
    assert after_exit(Running(since=0.0), EX_CONFIG, 5.0, POLICY, stopping=stopping) == Held()


def test_a_resumed_child_has_no_failures() -> None:
    """What an operator resumes begins anew."""
    assert after_start(Held(), 9.0) == Running(since=9.0, failures=0)


def test_a_process_that_goes_over_to_another_generation_starts_at_once() -> None:
    """Exit code 79 is no failure: no pause, and the row of failures begins anew."""
    gone_over = after_exit(Running(since=0.0, failures=7), EX_MOVED, 5.0, POLICY, stopping=False)
    assert gone_over == Waiting(until=5.0, failures=0)


@given(code=st.integers(-64, 255).filter(lambda code: code != EX_CONFIG), lived=st.floats(0, 1e6))
def test_nothing_is_restarted_while_stopping(code: int, lived: float) -> None:
    """While everything is being stopped, no exit code starts a child again."""
    assert after_exit(Running(since=0.0), code, lived, POLICY, stopping=True) == Ended()


@given(failures=st.integers(0, 10_000), lived=st.floats(0, 1e6), code=st.integers(-64, 77))
def test_the_pause_is_bounded(failures: int, lived: float, code: int) -> None:
    """However often a child failed, it is started again after no more than the longest pause."""
    waiting = after_exit(Running(since=0.0, failures=failures), code, lived, POLICY, stopping=False)
    assert isinstance(waiting, Waiting)
    assert 0.0 <= waiting.until - lived <= POLICY.longest_pause + 1e-6
