"""What was found at an address, and the source file that reads it. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from producers import sources
from producers.shape import FIELDS, Reject
from producers.sources import MB, Pick, Source
from schemas.messages import Posting

SHOWN = 5
"""Items that a finding shows."""

CORE = (("title",), ("city", "region_raw"), ("date_raw",))
"""What a source must tell of most ads to be worth following: what, where, when."""

LEAST = 0.7
"""The share of the sampled ads that must have a title, and a place or a date."""


@dataclass(frozen=True)
class Finding:
    """A source that was found, what it gave for the sampled items, where each field stands, what no field takes."""

    source: Source
    items: Sequence[Posting | Reject]
    mapped: Mapping[str, str]
    unmapped: Sequence[str] = field(default_factory=tuple)
    note: str = ""

    @property
    def postings(self) -> list[Posting]:
        """The items that are postings."""
        return [item for item in self.items if isinstance(item, Posting)]

    def share(self, *fields: str) -> float:
        """The share of the items that have one of `fields`."""
        had = sum(any(getattr(posting, name) for name in fields) for posting in self.postings)
        return had / len(self.items) if self.items else 0.0

    @property
    def worth(self) -> float:
        """How much of titles, places and dates it tells: 0 to 3."""
        return sum(self.share(*fields) for fields in CORE)

    @property
    def useful(self) -> bool:
        """Whether it tells enough to be followed."""
        return self.share("title") >= LEAST and max(self.share("city", "region_raw"), self.share("date_raw")) >= LEAST

    @property
    def lacking(self) -> list[str]:
        """Which of title, place and date most items do not have."""
        return [
            name for name, fields in zip(("title", "place", "date"), CORE, strict=True) if self.share(*fields) < LEAST
        ]

    def shown(self) -> list[dict[str, str]]:
        """The first items, by field."""
        return [
            {name: str(text)[:300] for name in FIELDS if (text := getattr(posting, name))}
            for posting in self.postings[:SHOWN]
        ]


def place(pick: Pick) -> str:
    """Return a pick in words for a reader."""
    parts = [f"{pick.css}@{pick.attr}" if pick.attr else pick.css]
    parts += [f"after `{pick.label}`"] if pick.label else []
    parts += [f"part {pick.part} by `{pick.split}`"] if pick.split else []
    parts += [f"matching `{pick.pattern}`"] if pick.pattern else []
    return " ".join(part for part in parts if part)


def written(pick: Pick) -> str | Pick:
    """Return a pick as a file writes it: the short form where that says all."""
    plain = not (pick.label or pick.split or pick.pattern)
    if plain and "@" not in pick.css and pick.css:
        return f"{pick.css}@{pick.attr}" if pick.attr else pick.css
    if plain and pick.attr and not pick.css:
        return f"@{pick.attr}"
    return pick


def name_of(url: str) -> str:
    """Return a source's name from its address: the host, and the port where there is one."""
    host = urlsplit(url).netloc.rpartition("@")[2].lower().removeprefix("www.")
    return re.sub(r"[^a-z0-9.-]+", "-", host).strip(".-")[:64] or "portal"


def to_toml(source: Source) -> str:
    """Return the file of a source: what is not as by default. It reads back as the same source."""
    defaults = {one.name: one.default for one in msgspec.structs.fields(type(source))}
    head = [f'kind = "{sources.kind(source)}"']
    tables: list[str] = []
    for name in source.__struct_fields__:
        value = getattr(source, name)
        default = [] if name == "mapping" and not value else defaults[name]
        if value == default or (name == "mapping" and not value) or (name == "max_bytes" and value == 64 * MB):
            continue
        if name == "mapping":
            rows = [f"{field_} = {_value(place_)}" for field_, place_ in value.items()]
            tables.append("\n".join(["", "[mapping]", *rows]))
        elif isinstance(value, msgspec.Struct):
            tables.append("\n".join(["", f"[{name}]", *(f"{key} = {_value(one)}" for key, one in _stated(value))]))
        else:
            head.append(f"{name} = {_value(value)}")
    text = "\n".join([*head, *tables]) + "\n"
    if sources.parse("proposed.toml", text) != source:
        raise AssertionError(f"the file does not say what was found:\n{text}")
    return text


def _stated(struct: msgspec.Struct) -> list[tuple[str, object]]:
    defaults = {one.name: one.default for one in msgspec.structs.fields(type(struct))}
    return [(name, value) for name in struct.__struct_fields__ if (value := getattr(struct, name)) != defaults[name]]


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
        case tuple() | list():
            return f"[{', '.join(_value(part) for part in value)}]"
        case msgspec.Struct():
            return "{ " + ", ".join(f"{name} = {_value(part)}" for name, part in _stated(value)) + " }"
    raise TypeError(type(value).__name__)
