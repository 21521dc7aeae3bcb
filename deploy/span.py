"""Which part of the raw topic a rebuild reads, and whether it is still there. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.errors import TopicError
from deploy.topics import Rebuild


@dataclass(frozen=True)
class RawPartition:
    """A partition of postings-raw: its offsets [first, end), and when what is left of it began (None: empty).

    `since` and `until` are the first offsets logged at or after the moments asked for; its end where none was.
    """

    first: int
    end: int
    began: datetime | None
    since: int
    until: int


def span(
    partitions: Sequence[RawPartition], since: datetime | None, until: datetime | None, *, archive: bool = False
) -> Rebuild:
    """The offsets that hold what was logged from `since` (None: from the beginning) until `until` (None: on and on).

    Raises TopicError where the raw topic does not reach back that far, which would rebuild another history.
    """
    for number, partition in enumerate(partitions):
        if partition.first == 0:
            continue
        began = partition.began
        if since is None or began is None or began > since:
            left = "nothing is left of it" if began is None else f"it begins at {began:%Y-%m-%dT%H:%M:%SZ}"
            way_out = "" if began is None else "; a later `--from` rebuilds from there"
            raise TopicError(
                f"the raw topic no longer reaches back so far: records before offset {partition.first} of partition "
                f"{number} were deleted, and {left}{way_out}"
            )
    return Rebuild(
        begins=tuple(partition.first if since is None else partition.since for partition in partitions),
        ends=() if until is None else tuple(max(partition.until, partition.since) for partition in partitions),
        since=since,
        until=until,
        archive=archive,
    )
