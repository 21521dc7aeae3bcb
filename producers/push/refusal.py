"""Why a push is refused, as problem details (RFC 9457). Pure."""

from dataclasses import dataclass
from typing import Literal

import msgspec

Problem = Literal[
    "unsigned",
    "unknown-key",
    "bad-timestamp",
    "bad-signature",
    "replayed",
    "too-large",
    "unsupported-type",
    "unsupported-encoding",
    "unknown-schema",
    "no-posting",
    "side-not-allowed",
    "bad-idempotency-key",
    "idempotency-key-reused",
    "in-progress",
    "over-quota",
    "kafka-away",
]
"""The closed list of refusals: the last part of a problem's `type`."""

_STATUS: dict[Problem, int] = {
    "unsigned": 401,
    "unknown-key": 401,
    "bad-timestamp": 401,
    "bad-signature": 401,
    "replayed": 401,
    "too-large": 413,
    "unsupported-type": 415,
    "unsupported-encoding": 415,
    "unknown-schema": 400,
    "no-posting": 400,
    "side-not-allowed": 403,
    "bad-idempotency-key": 400,
    "idempotency-key-reused": 422,
    "in-progress": 409,
    "over-quota": 429,
    "kafka-away": 503,
}
_TITLE: dict[Problem, str] = {
    "unsigned": "The request is not signed",
    "unknown-key": "The key or the signature is not valid",
    "bad-timestamp": "The timestamp is not within 300 seconds of now",
    "bad-signature": "The key or the signature is not valid",
    "replayed": "This request was taken before",
    "too-large": "The body is too large",
    "unsupported-type": "The content type is neither application/json nor application/x-ndjson",
    "unsupported-encoding": "The body must not be compressed",
    "unknown-schema": "The schema is not known",
    "no-posting": "Nothing in the body is a posting",
    "side-not-allowed": "The key may not push this side",
    "bad-idempotency-key": "The Idempotency-Key is not 1 to 255 printable characters",
    "idempotency-key-reused": "The Idempotency-Key was used with another body",
    "in-progress": "A request with this Idempotency-Key is under way",
    "over-quota": "The key's quota is used up",
    "kafka-away": "Nothing can be taken now",
}


@dataclass(frozen=True)
class Refusal:
    """A refusal; `retry_after` in seconds where waiting helps. `detail` never repeats what was sent."""

    problem: Problem
    detail: str = ""
    retry_after: int | None = None

    @property
    def status(self) -> int:
        """HTTP status."""
        return _STATUS[self.problem]

    def fields(self) -> dict[str, object]:
        """Members of the problem details."""
        told: dict[str, object] = {
            # One type for an unknown key and a wrong signature: who guesses keys learns nothing.
            "type": f"https://marsad.invalid/problems/{_PUBLIC.get(self.problem, self.problem)}",
            "title": _TITLE[self.problem],
            "status": self.status,
        }
        return told | ({"detail": self.detail} if self.detail else {})

    def body(self) -> bytes:
        """The problem details as JSON."""
        return msgspec.json.encode(self.fields())


_PUBLIC: dict[Problem, str] = {"unknown-key": "bad-signature"}
