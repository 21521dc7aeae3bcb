"""The topics as their files state them (`schemas/topics/*.toml`): listing that folder is the data-flow diagram."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

FOLDER = Path(__file__).parent / "topics"

TopicScope = Literal["cluster", "raw", "generation"]


@dataclass(frozen=True)
class Topic:
    """One topic's contract. `scope` says how its Kafka name is formed (see `Namespace`).

    `message` names a schema (`schemas/json/<message>`), `version` the version that is written. `clock` names the one
    of the topic's other records, if it has any: without key or fact, they move the log clock.
    """

    name: str
    scope: TopicScope
    message: str
    version: int
    key: str
    partition_by: str
    partitions: int
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    config: Mapping[str, str]
    clock: str = ""


@dataclass(frozen=True)
class Namespace:
    """A generation: the derived topics, consumer groups, transactional ids and state of one replay of one raw topic.

    `raw` names the raw namespace: empty for the live one (topic `postings-raw`), else a suffix of its own (an archive).
    """

    generation: str
    raw: str = ""

    def topic(self, name: str) -> str:
        """Kafka's name of contract topic `name` in this generation. Raises KeyError for an unknown topic."""
        scope = topics()[name].scope
        if scope == "cluster":
            return name
        suffix = self.raw if scope == "raw" else self.generation
        return f"{name}.{suffix}" if suffix else name

    def group(self, reader: str) -> str:
        """Consumer group of `reader` (`streams`, `sink`)."""
        return f"marsad.{self.generation}.{reader}"


def load(path: Path) -> Topic:
    """Read one topic file. Raises KeyError for a missing field and TypeError for an unknown one."""
    fields = tomllib.loads(path.read_text("utf-8"))
    fields["producers"] = tuple(fields["producers"])
    fields["consumers"] = tuple(fields["consumers"])
    fields["scope"] = cast(TopicScope, fields["scope"])
    return Topic(**fields)


@cache
def topics() -> Mapping[str, Topic]:
    """Every topic by its contract name."""
    found = (load(path) for path in sorted(FOLDER.glob("*.toml")))
    return {topic.name: topic for topic in found}
