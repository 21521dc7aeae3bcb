"""Who may push: keys with their secrets, scopes and quotas, as a TOML file states them. Pure but for `read`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from producers.sources import Name
from schemas.messages import Side

Count = Annotated[int, msgspec.Meta(ge=1)]


class KeysError(ValueError):
    """A file of keys that cannot be used: the message names the file and the field, and never a secret."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key: its `id` is sent, its `secret` (at least 32 characters) signs and is never sent.

    `sources` are the sources in whose name it may push, the first where a posting names none; `sides` what it may push.
    `requests_per_minute` and `postings_per_day` are its quotas, of each process.
    """

    id: Name
    secret: Annotated[str, msgspec.Meta(min_length=32)]
    sources: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    sides: Annotated[tuple[Side, ...], msgspec.Meta(min_length=1)] = ("offer",)
    requests_per_minute: Count = 120
    postings_per_day: Count = 200_000

    def __repr__(self) -> str:
        return f"Key({self.id})"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: tuple[Key, ...]


def parse(name: str, text: str) -> Mapping[str, Key]:
    """Return the keys of a file's text by id. Raises KeysError."""
    try:
        found = msgspec.toml.decode(text, type=_File).key
    except msgspec.ValidationError as error:
        raise KeysError(f"{name}: {error}") from None
    except msgspec.DecodeError as error:
        # The parser may quote the line that it cannot read, and the line may be a secret.
        line = re.search(r"line \d+", str(error))
        raise KeysError(f"{name}: not TOML{f' ({line[0]})' if line else ''}") from None
    keys = {key.id: key for key in found}
    if len(keys) < len(found):
        raise KeysError(f"{name}: id: two keys have the same")
    return keys


def read(path: Path) -> Mapping[str, Key]:
    """Return the keys of a file. Raises KeysError, also for a file that others than its owner's group may read."""
    try:
        if path.stat().st_mode & 0o007:
            raise KeysError(f"{path}: everybody may read or write it: chmod 640, for it holds secrets")
        return parse(str(path), path.read_text("utf-8"))
    except (OSError, UnicodeError) as error:
        raise KeysError(f"{path}: cannot be read: {type(error).__name__}") from None
