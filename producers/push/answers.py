"""The answers that were given, by idempotency key: a fold over their topic, the same in every process. Pure.

The log decides between two requests of one key: the first claim that is neither answered nor expired holds it.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec

from schemas.messages import PushAnswer

KEPT = timedelta(hours=24)
CLAIMED = timedelta(seconds=30)
"""How long a claim holds without an answer: its process has died, or Kafka is away."""


def entry_of(key: str, token: str) -> str:
    """Return the name of an entry: the API key's id and the SHA-256 of `token`, an idempotency key or a signature."""
    return f"{key}\t{hashlib.sha256(token.encode()).hexdigest()}"


def record_key(answer: PushAnswer) -> bytes:
    """Return the key of an answer's record: a claim never displaces an answer when the topic is compacted."""
    return (f"{answer.entry}\t{answer.holder}" if answer.state == "claimed" else answer.entry).encode()


class Answers:
    """What the topic has told so far."""

    def __init__(self) -> None:
        self._entries: dict[str, PushAnswer] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def apply(self, record: bytes, value: bytes | None) -> None:
        """Fold one record; a claim's record without value gives the claim up. Raises msgspec.MsgspecError."""
        if value is None:
            entry, _, holder = record.decode().rpartition("\t")
            held = self._entries.get(entry)
            if held is not None and held.state == "claimed" and held.holder == holder:
                del self._entries[entry]
            return
        told = msgspec.json.decode(value, type=PushAnswer)
        held = self._entries.get(told.entry)
        if held is None or not holds(held, told.at) or (held.state == "claimed" and held.holder == told.holder):
            self._entries[told.entry] = told

    def get(self, entry: str, now: datetime) -> PushAnswer | None:
        """Return the claim or answer that holds now, if any."""
        held = self._entries.get(entry)
        return held if held is not None and holds(held, now) else None

    def forget(self, now: datetime) -> None:
        """Drop what no longer holds."""
        self._entries = {name: held for name, held in self._entries.items() if holds(held, now)}


def holds(held: PushAnswer, now: datetime) -> bool:
    """Whether a claim or an answer is still in force."""
    return now - held.at < (CLAIMED if held.state == "claimed" else KEPT)
