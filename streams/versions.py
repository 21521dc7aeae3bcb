"""Messages of our own stages come in the version that this code knows, or stop the worker."""

from typing import Protocol, TypeVar

from streams.engine.errors import Unreadable

KNOWN = 1
"""The schema version of every message so far (`schemas/json/*/v1.json`)."""


class Versioned(Protocol):
    """A message with a schema version."""

    @property
    def v(self) -> int: ...  # noqa: D102


Message = TypeVar("Message", bound=Versioned)


def known(message: Message) -> Message:
    """Return `message`. Raises Unreadable for one from the future, whose fields may mean something else."""
    if message.v != KNOWN:
        raise Unreadable(
            f"a message {type(message).__name__} of schema version {message.v} was written by a newer Marsad: run that"
            " version, or a later one"
        )
    return message
