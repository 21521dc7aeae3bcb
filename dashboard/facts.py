"""What the dashboard does, as typed facts for an injected observer; metrics and log lines are made elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RequestAnswered:
    """A request to the route `route` (its pattern, never a raw path) was answered with `status` after `seconds`."""

    route: str
    status: int
    seconds: float


@dataclass(frozen=True)
class RequestFailed:
    """A request raised what nobody expected: a defect; the client got a 500 without details."""

    route: str
    error: str


@dataclass(frozen=True)
class ClientsConnected:
    """How many clients listen to `/stream` now."""

    clients: int


@dataclass(frozen=True)
class ClientDropped:
    """A client was too slow: it was told to begin again."""

    waiting: int


@dataclass(frozen=True)
class BoardLoaded:
    """The live board was read from the store."""

    cells: int
    seconds: float


@dataclass(frozen=True)
class LiveRecords:
    """Records of the live topics were applied."""

    topic: str
    records: int


@dataclass(frozen=True)
class LiveInterrupted:
    """The live feed lost a dependency and will begin again from the store in `wait` seconds."""

    reason: str
    wait: float
