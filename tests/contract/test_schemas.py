"""The JSON Schemas, held to what a reader may rely on."""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from producers.shape import Reason
from producers.sources import Kind
from schemas.messages import Enrichment
from schemas.topics import topics
from schemas.validation import FOLDER, FORMATS, checked, schema, versions
from streams.block import block_of
from streams.decode import RejectReason
from streams.enrich.contract import Contract
from streams.enrich.language import Language
from tests.contract.messages import STRUCTS, Example, examples, schemas_in_use
from tests.contract.test_reference import REGIONS

SCHEMAS = [(message, version) for message, known in versions().items() for version in known]
ANNOTATIONS = {"title", "description", "default", "examples", "contentEncoding"}
KEYWORDS = {*Draft202012Validator.VALIDATORS, *ANNOTATIONS, "$schema", "$id", "$defs", "then", "else"}
NAMED = ("properties", "$defs")
"""Keywords whose members are schemas by name."""
MADE_OF = ("items", "not", "if", "then", "else", "additionalProperties")
"""Keywords that are a schema."""

each_schema = pytest.mark.parametrize(("message", "version"), SCHEMAS)


def nodes(node: object, at: str = "#") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema within a schema, with where it stands."""
    if not isinstance(node, Mapping):
        return
    yield at, node
    for keyword in NAMED:
        for name, child in node.get(keyword, {}).items():
            yield from nodes(child, f"{at}/{keyword}/{name}")
    for keyword in MADE_OF:
        yield from nodes(node.get(keyword), f"{at}/{keyword}")
    for keyword in ("allOf", "anyOf"):
        for n, child in enumerate(node.get(keyword, ())):
            yield from nodes(child, f"{at}/{keyword}/{n}")


def fields(message: str, version: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field that a schema declares; conditions only restrict those."""
    for at, node in nodes(schema(message, version)):
        if re.search(r"/(properties|items)(/[^/]+)?$", at) and not re.search(r"/(if|then|else)/", at):
            yield at, node


def test_every_schema_is_named_by_a_topic_and_every_topic_names_one() -> None:
    """There is no schema without a topic, no topic without a schema, and no struct of a message that has none."""
    assert schemas_in_use() <= set(SCHEMAS)
    assert {message for message, _ in SCHEMAS} == {message for message, _ in schemas_in_use()} == set(STRUCTS)


def test_versions_have_no_gap_and_topics_carry_the_latest() -> None:
    """Versions of a message count from 1 without a gap, and a topic writes the last of them."""
    for message, known in versions().items():
        assert known == tuple(range(1, len(known) + 1)), message
    for topic in topics().values():
        assert topic.version == versions()[topic.message][-1], topic.name


def test_the_folder_holds_nothing_else() -> None:
    """Each file is a schema, its lock, or an example of a schema that exists: no orphan."""
    expected = {f"{message}/v{version}.{kind}" for message, version in SCHEMAS for kind in ("json", "lock")}
    expected |= {f"{example}.json" for outcome in ("pass", "fail") for example in examples(outcome)}
    assert {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()} == expected


@each_schema
def test_it_is_a_schema_of_2020_12_under_its_own_name(message: str, version: int) -> None:
    """A schema says its dialect, fits it, and has the name that its place gives it."""
    document = schema(message, version)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"https://marsad.invalid/schemas/{message}/v{version}.json"
    Draft202012Validator.check_schema(document)


@each_schema
def test_no_keyword_is_misspelt(message: str, version: int) -> None:
    """Every keyword is one of the dialect's: a misspelt one would hold nothing and say nothing."""
    for at, node in nodes(schema(message, version)):
        assert set(node) <= KEYWORDS, at


@each_schema
def test_every_format_is_checked(message: str, version: int) -> None:
    """A schema names no format that its validator would let pass unseen."""
    for at, node in nodes(schema(message, version)):
        assert node.get("format", FORMATS[0]) in FORMATS, at


@each_schema
def test_every_field_is_described(message: str, version: int) -> None:
    """Each field, and the message itself, says in words what it is."""
    assert schema(message, version)["description"]
    for at, node in fields(message, version):
        target = schema(message, version)["$defs"][node["$ref"][8:]] if node.get("$ref", "").startswith("#/") else {}
        assert at.endswith("/items") or node.get("description") or target.get("description"), at


@each_schema
def test_every_object_is_closed(message: str, version: int) -> None:
    """Each object with fields refuses others; only the notes of a stage are its own affair."""
    assert open_objects(schema(message, version)) == (["#/properties/notes"] if message == "engine" else [])


def open_objects(document: Mapping[str, Any]) -> list[str]:
    """Where a schema lets unknown keys pass."""
    return [
        at
        for at, node in nodes(document)
        if node.get("type") == "object" and not isinstance(node.get("additionalProperties", True), dict)
        if node.get("additionalProperties", True) is not False
    ]


@pytest.mark.parametrize("spoil", [lambda node: node.pop("additionalProperties"), lambda node: node.update(x=1)])
def test_a_spoilt_schema_is_found(spoil: Callable[[dict[str, Any]], object]) -> None:
    """A schema that lost its closing keyword, or holds a word of no dialect, does not pass these tests."""
    for message, version in SCHEMAS:
        document = deepcopy(dict(schema(message, version)))
        for at, node in list(nodes(document)):
            if isinstance(node, dict) and node.get("type") == "object" and "properties" in node:
                spoil(node)
                assert at in open_objects(document) or not set(node) <= KEYWORDS


@pytest.mark.parametrize("example", examples("pass"), ids=str)
def test_an_unknown_key_is_refused_wherever_it_stands(example: Example) -> None:
    """A key that the schema does not name is refused in the message and in every object within it."""
    validator = checked(schema(example.message, example.version))
    value = example.value
    own_affair = [id(part) for part in objects(value.get("notes"))]
    for part in objects(value):
        if id(part) in own_affair:
            continue
        part["unheard_of"] = {}
        assert not validator.is_valid(value)
        del part["unheard_of"]
    assert validator.is_valid(value)


def objects(value: object) -> Iterator[dict[str, Any]]:
    """Every object within a JSON value."""
    if isinstance(value, dict):
        yield value
        for member in list(value.values()):
            yield from objects(member)
    elif isinstance(value, list):
        for member in value:
            yield from objects(member)


@each_schema
def test_a_version_after_the_first_states_itself(message: str, version: int) -> None:
    """Only version 1 may go unsaid: what carries no version is of the first."""
    document = schema(message, version)
    if message != "registry":
        assert document["properties"]["v"]["const"] == version
        assert version == 1 or "v" in document["required"]


def test_regions_are_those_of_the_reference() -> None:
    """Wherever a schema lists regions, it lists the twelve of the reference, and the nation where cells have one."""
    for message in ("ad", "vacancy"):
        assert schema(message, 1)["$defs"]["region"]["enum"] == REGIONS
    for message in ("count", "alert"):
        assert schema(message, 1)["properties"]["region"]["enum"] == ["MA", *REGIONS]


def test_lists_that_may_grow_name_what_the_code_writes_today() -> None:
    """The examples of an open list are exactly the values that the code knows, and fit its pattern."""
    facts = schema("ad", 1)["$defs"]["facts"]["properties"]
    rejected = schema("rejected", 1)["properties"]
    told = [
        (facts["contract"], set(get_args(Contract))),
        (schema("vacancy", 1)["properties"]["contract"], set(get_args(Contract))),
        (facts["lang"], set(get_args(Language))),
        (schema("source-status", 1)["properties"]["kind"], set(get_args(Kind))),
        (rejected["reason"], {*get_args(Reason), *get_args(RejectReason)}),
    ]
    for node, values in told:
        assert set(node["examples"]) == values
        assert all(re.search(node["pattern"], value) for value in values)


def test_every_block_fits_its_pattern() -> None:
    """Whatever the occupation, a block is written as the schemas say."""
    patterns = {schema(message, 1)["properties"]["block"]["pattern"] for message in ("ad", "vacancy", "count")}
    for side in ("offer", "seeker"):
        for facts in (Enrichment(), *(Enrichment(isco_best=f"{major}111") for major in range(10))):
            assert all(re.search(pattern, block_of(side, facts)) for pattern in patterns)
