from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.topics import CURRENT, Generation, Identity, Pointer, Registry, Wanted, differences, wanted
from schemas.topics import Namespace, topics

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def record(key: str, value: msgspec.Struct | None) -> tuple[bytes, bytes | None]:
    """Encode one record of the registry."""
    return key.encode(), None if value is None else msgspec.json.encode(value)


def test_the_latest_record_of_a_key_stands() -> None:
    """A later identity replaces an earlier one, and a tombstone withdraws it."""
    known = Registry.of(
        [
            record("topic:a", Identity("1", NOW)),
            record("topic:b", Identity("2", NOW)),
            record("topic:a", Identity("3", NOW)),
            record("topic:b", None),
            record("generation:live", Generation("live", "", 4, NOW)),
            record(CURRENT, Pointer("live")),
        ]
    )
    assert known == Registry({"a": "3"}, {"live": Generation("live", "", 4, NOW)}, "live")


def test_an_empty_registry_points_at_nothing() -> None:
    """Before anything was created there is no current generation."""
    assert Registry.of([]) == Registry({}, {}, None)


def test_partitions_replace_those_of_the_flow() -> None:
    """Topics of one partition, and those that share out hosts, keep their number whatever is asked for."""
    asked = {topic.name: topic.partitions for topic in wanted(Namespace("g"), 7)}
    flow = topics()["postings-raw"].partitions
    for contract in topics().values():
        assert asked[Namespace("g").topic(contract.name)] == (7 if contract.partitions == flow else contract.partitions)
    assert asked["producer-checkpoints"] == 8
    assert asked["postings-enriched.g"] == asked["ads-changelog.g"] == 7


def test_the_flow_has_one_number_of_partitions() -> None:
    """The contracts give every topic of the flow that has several partitions as many as the raw topic."""
    several = {t.partitions for t in topics().values() if t.scope == "generation" and t.partitions > 1}
    assert several == {topics()["postings-raw"].partitions}


def test_a_topic_as_its_contract_says_has_no_differences() -> None:
    """Numbers compare as numbers and lists as sets."""
    topic = Wanted("t", 4, {"cleanup.policy": "compact,delete", "min.cleanable.dirty.ratio": "0.30"})
    assert differences(topic, 4, {"cleanup.policy": "delete,compact", "min.cleanable.dirty.ratio": "0.3"}) == []


@pytest.mark.parametrize(
    ("partitions", "config", "words"),
    [
        (3, {"retention.ms": "-1"}, ["3 partitions, not 4"]),
        (4, {"retention.ms": "1000"}, ["retention.ms=1000, not -1"]),
        (4, {}, ["retention.ms=unset, not -1"]),
    ],
)
def test_each_difference_is_named(partitions: int, config: dict[str, str], words: list[str]) -> None:
    """A differing topic is described by what it has and what it should have."""
    assert differences(Wanted("t", 4, {"retention.ms": "-1"}), partitions, config) == words


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.uuids().map(str))))
def test_a_compacted_registry_says_the_same(history: list[tuple[str, str | None]]) -> None:
    """Keeping only each key's last record, as compaction does, changes nothing."""
    records = [record(f"topic:{name}", None if id_ is None else Identity(id_, NOW)) for name, id_ in history]
    compacted = list(dict(records).items())
    assert Registry.of(records) == Registry.of(compacted)
