"""The examples, held to the schemas, to the structs, and to what their names say."""

import json
from collections.abc import Iterator

import msgspec
import pytest
from jsonschema import ValidationError

from schemas.validation import validator, versions, violations
from tests.contract.messages import STRUCTS, Example, decode, examples
from tests.contract.test_schemas import fields

PASS, FAIL = examples("pass"), examples("fail")

FAULTS = {
    "misspelt": {"additionalProperties"},
    "missing": {"required"},
    "type": {"type"},
    "value": {"enum", "const"},
    "code": {"enum"},
    "version": {"const"},
    "time": {"format", "pattern"},
    "form": {"format", "pattern", "uniqueItems"},
    "range": {"minimum", "maximum", "minLength", "minItems", "maxItems"},
    "private": {"not"},
    "clash": {"required", "dependentRequired", "not", "pattern", "minimum"},
}
"""By the first word of a failing example's name: the keywords, and no others, that refuse it."""

STRUCT_TELLS = {"missing", "type", "value", "time"}
"""Faults that decoding into a struct finds as well; a misspelt key where the struct forbids unknown ones."""


def broken(error: ValidationError) -> Iterator[str]:
    """The keywords that refused, those within the alternatives of an `anyOf` included."""
    if error.context and error.validator == "anyOf":
        for inner in error.context:
            yield from broken(inner)
    else:
        yield str(error.validator)


def test_every_message_has_examples_of_both_kinds() -> None:
    """At least two messages pass and three fail for each schema."""
    for message, known in versions().items():
        for version in known:
            ours = [(one.message, one.version) for one in PASS].count((message, version))
            theirs = [(one.message, one.version) for one in FAIL].count((message, version))
            assert ours >= 2, message
            assert theirs >= 3, message


def test_every_field_stands_in_a_passing_example() -> None:
    """No field is shown nowhere: a reader finds each of them in some message."""
    for message, known in versions().items():
        for version in known:
            texts = b"".join(one.text for one in PASS if (one.message, one.version) == (message, version))
            names = {at.rsplit("/", 1)[1] for at, _ in fields(message, version) if not at.endswith("/items")}
            shown = {name for name in names if f'"{name}":'.encode() in texts}
            assert names == shown, (message, names - shown)


@pytest.mark.parametrize("example", PASS, ids=str)
def test_a_passing_example_passes(example: Example) -> None:
    """It is a message of its version."""
    assert violations(example.message, example.version, example.value) == []


@pytest.mark.parametrize("example", PASS, ids=str)
def test_a_passing_example_survives_the_struct(example: Example) -> None:
    """It decodes into its struct, which encodes it to a message that passes and says the same."""
    message = decode(example.message, example.text)
    encoded = msgspec.json.encode(message)
    assert violations(example.message, example.version, json.loads(encoded)) == []
    assert decode(example.message, encoded) == message


@pytest.mark.parametrize("example", FAIL, ids=str)
def test_a_failing_example_fails_for_what_it_is_named_after_and_nothing_else(example: Example) -> None:
    """The schema refuses it, by the rules that its name announces and by no other."""
    fault = example.name.split("_")[0]
    errors = list(validator(example.message, example.version).iter_errors(example.value))
    assert errors
    for error in errors:
        told = set(broken(error))
        if error.validator == "anyOf":  # no alternative takes it; one of them for the reason named
            assert told & FAULTS[fault]
        else:
            assert told <= FAULTS[fault]
    if fault == "clash":
        assert all({"then", "else", "dependentRequired"} & set(map(str, error.schema_path)) for error in errors)


@pytest.mark.parametrize("example", FAIL, ids=str)
def test_what_is_wrong_is_told_without_the_value(example: Example) -> None:
    """A violation names the field and the rule: what was written there may be somebody's telephone number."""
    told = "\n".join(violations(example.message, example.version, example.value))
    assert told.startswith("$")
    for private in ("courriel.example", "00 00 00", "Amina", "محمد", "agence-sud.example"):
        assert private not in told


@pytest.mark.parametrize("example", FAIL, ids=str)
def test_the_struct_refuses_what_it_can_tell(example: Example) -> None:
    """Missing fields, wrong types, unknown words of a closed list and what is no time do not decode."""
    fault = example.name.split("_")[0]
    forbids = any(struct.__struct_config__.forbid_unknown_fields for struct in STRUCTS[example.message].values())
    if fault in STRUCT_TELLS or (fault == "misspelt" and forbids):
        with pytest.raises(msgspec.DecodeError):
            decode(example.message, example.text)
