"""What producers tell the one who observes them: a typed fact each; metrics and log lines are made elsewhere."""

from dataclasses import dataclass
from typing import Literal

from producers.shape import Reason
from schemas.messages import SourceState


@dataclass(frozen=True)
class RequestAnswered:
    """A source's host answered: HTTP `status`, `size` of the body in bytes, after `seconds`."""

    source: str
    status: int
    size: int
    seconds: float


@dataclass(frozen=True)
class RequestRetried:
    """A request failed in a way that may pass and is tried again."""

    source: str
    cause: str


@dataclass(frozen=True)
class PostingsPublished:
    """Kafka acknowledged `records` sightings of a source in the raw topic."""

    source: str
    records: int


@dataclass(frozen=True)
class ItemsRejected:
    """Kafka acknowledged `items` of a source as rejected for `reason`."""

    source: str
    reason: Reason
    items: int


@dataclass(frozen=True)
class SourcePolled:
    """A poll ended: `seen` items stood in the listing, where `expected` are usual."""

    source: str
    kind: str
    state: SourceState
    seen: int
    expected: float | None
    seconds: float
    message: str = ""


@dataclass(frozen=True)
class SourceChanged:
    """A source file appeared, changed or went, or is wrong (`problem` names file and field)."""

    file_or_source: str
    change: Literal["started", "reset", "restarted", "stopped", "wrong"]
    problem: str = ""


@dataclass(frozen=True)
class KafkaUnavailable:
    """The brokers do not answer, or the topics are not there; tried again after `seconds`."""

    bootstrap: str
    cause: str
    seconds: float


@dataclass(frozen=True)
class CheckpointDiscarded:
    """A checkpoint could not be read: it was put aside and everything is delivered again."""

    path: str
    cause: str


@dataclass(frozen=True)
class ArchiveDelivered:
    """An archive's sightings up to `delivered` are acknowledged; `done` once that is all of them."""

    source: str
    delivered: int
    done: bool


@dataclass(frozen=True)
class PushAnswered:
    """A push was answered with HTTP `status` after `seconds`."""

    status: int
    seconds: float


@dataclass(frozen=True)
class HostsAssigned:
    """The group gave this process `partitions` of the `of` partitions of hosts."""

    partitions: int
    of: int


@dataclass(frozen=True)
class HostsLost:
    """Another process has taken over a partition of hosts: its sources are no longer followed here."""

    partition: int


@dataclass(frozen=True)
class RowDiscarded:
    """A row of the checkpoints' topic could not be read; what it told is delivered again."""

    partition: int
    offset: int
    cause: str
