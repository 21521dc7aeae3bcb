"""A published version of a message is not changed under its readers."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from schemas.validation import schema, versions
from tests.contract.locks import breaks, path_of, read, rules, write
from tests.contract.test_schemas import nodes

SCHEMAS = [(message, version) for message, known in versions().items() for version in known]
each_schema = pytest.mark.parametrize(("message", "version"), SCHEMAS)


@each_schema
def test_the_schema_keeps_what_it_promised(message: str, version: int) -> None:
    """No locked rule was removed, changed or narrowed: that would be a new version."""
    assert breaks(read(path_of(message, version)), rules(schema(message, version))) == []


@each_schema
def test_the_lock_holds_every_rule(message: str, version: int) -> None:
    """A field that came is locked as well (`python -m tests.contract.locks`), so that it stays."""
    assert read(path_of(message, version)) == rules(schema(message, version))


def spoilt(document: Mapping[str, Any], spoil: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copies of a schema, each with one change that breaks its promise."""
    for at, _ in nodes(document):
        changed = deepcopy(dict(document))
        node = next(node for place, node in nodes(changed) if place == at)
        assert isinstance(node, dict)
        for name in list(node.get("properties", {})) if spoil == "field" else []:
            yield f"{at} {name}", _without(changed, at, name)
        free = sorted(set(node.get("properties", ())) - set(node.get("required", ())))
        if spoil == "needed" and free:
            node["required"] = [*node.get("required", ()), free[0]]
            yield at, changed
        elif spoil == "free" and node.get("required"):
            node["required"] = node["required"][1:]
            yield at, changed
        elif spoil == "word" and len(node.get("enum", ())) > 1:
            node["enum"] = node["enum"][1:]
            yield at, changed
        elif spoil == "another word" and "enum" in node:
            node["enum"] = [*node["enum"], "unheard of"]
            yield at, changed
        elif spoil == "rule" and "type" in node:
            node["const"] = "unheard of"
            yield at, changed
        elif spoil == "type" and "type" in node:
            node["type"] = "null"
            yield at, changed
        elif spoil == "meaning" and "default" in node:
            node["default"] = "another"
            yield at, changed


def _without(document: dict[str, Any], at: str, name: str) -> dict[str, Any]:
    changed = deepcopy(document)
    del next(dict(node) for place, node in nodes(changed) if place == at)["properties"][name]
    return changed


@pytest.mark.parametrize("spoil", ["field", "needed", "free", "word", "another word", "rule", "type", "meaning"])
def test_a_broken_promise_is_found(spoil: str) -> None:
    """Wherever a field goes, is needed, is free, or its words, rules, type or default change, a break is told."""
    tried = 0
    for message, version in SCHEMAS:
        locked = rules(schema(message, version))
        for at, changed in spoilt(schema(message, version), spoil):
            assert breaks(locked, rules(changed)), (message, at)
            tried += 1
    assert tried >= 10


@each_schema
def test_an_optional_field_may_come(message: str, version: int) -> None:
    """A field that nobody needs to write breaks nothing, whatever its own rules; nor do better words."""
    document = deepcopy(dict(schema(message, version)))
    locked = rules(document)
    for _, node in nodes(document):
        if "properties" in node and node.get("type") == "object":
            node["properties"]["unheard_of"] = {"type": "array", "items": {"type": "integer", "minimum": 3}}
            assert isinstance(node, dict)
            node["description"] = "Said better."
    assert rules(document) != locked
    assert breaks(locked, rules(document)) == []


@each_schema
def test_a_lock_reads_as_it_was_written(message: str, version: int, tmp_path: Path) -> None:
    """Writing and reading a lock changes no rule."""
    write(tmp_path / "v1.lock", rules(schema(message, version)))
    assert read(tmp_path / "v1.lock") == rules(schema(message, version))
