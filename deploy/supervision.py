"""What to do with a child process: pure decisions over exit codes and times; `deploy.supervisor` carries them out."""

from dataclasses import dataclass

from deploy.errors import EX_CONFIG, EX_MOVED


@dataclass(frozen=True)
class Policy:
    """How fast a child that dies is started again.

    The pause doubles from `first_pause` to `longest_pause` seconds with each failure in a row; a child that lived for
    `healthy_after` seconds starts the row anew.
    """

    first_pause: float = 0.5
    longest_pause: float = 30.0
    healthy_after: float = 60.0

    def pause(self, failures: int) -> float:
        """Seconds to wait before the start that follows the `failures`-th failure in a row (1 is the first)."""
        return min(self.longest_pause, self.first_pause * 2.0 ** min(failures - 1, 30))


@dataclass(frozen=True)
class Running:
    """Alive since `since`, after `failures` failures in a row."""

    since: float
    failures: int = 0


@dataclass(frozen=True)
class Waiting:
    """Dead; started again at `until`."""

    until: float
    failures: int


@dataclass(frozen=True)
class Held:
    """It refused to go on: left stopped until somebody resumes it."""


@dataclass(frozen=True)
class Ended:
    """Dead, and not to be started again: everything is being stopped."""


State = Running | Waiting | Held | Ended


def after_exit(child: Running, code: int, now: float, policy: Policy, *, stopping: bool) -> Waiting | Held | Ended:
    """Decide what follows the end of `child` at `now` with exit `code` (negative: a signal's number)."""
    if code == EX_CONFIG:
        return Held()
    if stopping:
        return Ended()
    if code == EX_MOVED:
        return Waiting(until=now, failures=0)
    failures = 1 if now - child.since >= policy.healthy_after else child.failures + 1
    return Waiting(until=now + policy.pause(failures), failures=failures)


def after_start(before: Waiting | Held, now: float) -> Running:
    """Say how the child stands once it is started again: a resumed one begins with no failures."""
    return Running(since=now, failures=before.failures if isinstance(before, Waiting) else 0)


@dataclass(frozen=True)
class Stop:
    """Times, in seconds from the order to stop, that leave all of it under 10 s.

    The upper tier is asked at once and killed at `upper_kill`; the broker, which the upper tier needs to its last
    commit, is asked when that tier has ended and killed at `broker_kill`.
    """

    upper_kill: float = 6.0
    broker_kill: float = 9.0
