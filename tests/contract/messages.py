"""The examples beside the JSON Schemas, and the structs that say the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from deploy.topics import Generation, Identity, Pointer
from schemas.messages import (
    Ad,
    Alert,
    CheckpointRow,
    Count,
    Heartbeat,
    Posting,
    PushAnswer,
    Rejected,
    SourceStatus,
    Tick,
    UniquePosting,
    Vacancy,
)
from schemas.topics import topics
from schemas.validation import FOLDER, versions
from streams.engine.marker import Marker

STRUCTS: Mapping[str, Mapping[str, type[msgspec.Struct]]] = {
    "posting": {"": Posting},
    "heartbeat": {"": Heartbeat},
    "unique": {"": UniquePosting},
    "ad": {"": Ad},
    "tick": {"": Tick},
    "vacancy": {"": Vacancy},
    "count": {"": Count},
    "alert": {"": Alert},
    "source-status": {"": SourceStatus},
    "rejected": {"": Rejected},
    "push-answer": {"": PushAnswer},
    "checkpoint": {"": CheckpointRow},
    "engine": {"": Marker},
    "registry": {"identity": Identity, "generation": Generation, "pointer": Pointer},
}
"""Structs of each message by the definition that describes them in its schema ("": the schema itself)."""

Outcome = Literal["pass", "fail"]


@dataclass(frozen=True)
class Example:
    """One example: `name` of a failing one is its kind of fault and what is at fault, joined by an underscore."""

    message: str
    version: int
    outcome: Outcome
    name: str
    text: bytes

    @property
    def value(self) -> Any:  # noqa: ANN401 - a JSON value
        """Its JSON value."""
        return json.loads(self.text)

    def __str__(self) -> str:
        return f"{self.message}/v{self.version}/{self.outcome}/{self.name}"


def examples(outcome: Outcome) -> list[Example]:
    """Every example of that outcome."""
    return [
        Example(message, version, outcome, path.stem, path.read_bytes())
        for message, known in versions().items()
        for version in known
        for path in sorted((FOLDER / message / f"v{version}" / outcome).glob("*.json"))
    ]


def schemas_in_use() -> set[tuple[str, int]]:
    """Every message and version that a topic names."""
    found: set[tuple[str, int]] = set()
    for topic in topics().values():
        found.add((topic.message, topic.version))
        if topic.clock:
            found.add((topic.clock, versions()[topic.clock][-1]))
    return found


def decode(message: str, text: bytes) -> msgspec.Struct:
    """Decode into the message's struct. Raises msgspec.DecodeError where none of its structs takes it."""
    refused: msgspec.DecodeError | None = None
    for struct in STRUCTS[message].values():
        try:
            return msgspec.json.decode(text, type=struct)
        except msgspec.DecodeError as error:
            refused = error
    assert refused is not None
    raise refused
