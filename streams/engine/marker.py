"""The marker: the record that closes every flush and says exactly how far the stage's state has come."""

from typing import Any

import msgspec

KEY = b"\x00marker"
"""Key of the marker among a changelog's state rows; no stage may use a key that begins with a zero byte."""


class Position(msgspec.Struct, frozen=True):
    """How far one input partition is folded: `next` is the first offset that is not, `identity` the topic's."""

    next: int
    identity: str


class Marker(msgspec.Struct, frozen=True):
    """State and outputs up to `positions` are committed; `sequence` counts flushes, `notes` are the stage's own."""

    generation: str
    stage: str
    partition: int
    sequence: int
    positions: dict[str, Position]
    notes: dict[str, Any]
    v: int = 1

    def encode(self) -> bytes:
        """As it stands in the changelog."""
        return msgspec.json.encode(self)


_decoder = msgspec.json.Decoder(Marker)


def decode(value: bytes) -> Marker:
    """Read a marker. Raises ValueError for one that this version does not know."""
    marker = _decoder.decode(value)
    if marker.v != 1:
        raise ValueError(
            f"marker version {marker.v} is newer than this worker: run the worker that wrote it, or a later one"
        )
    return marker
