"""The structs of `schemas.messages` and the JSON Schemas say the same: fields, which are needed, types, defaults."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import msgspec.inspect as mi
import pytest

from schemas.validation import FOLDER, schema, versions
from tests.contract.messages import STRUCTS

SIMPLE: Mapping[type[mi.Type], str] = {mi.IntType: "integer", mi.FloatType: "number", mi.BoolType: "boolean"}

LATEST = [
    (message, definition, struct) for message, structs in STRUCTS.items() for definition, struct in structs.items()
]


def disagreements(struct: type[msgspec.Struct], node: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    """Where a struct and a schema differ, in words."""
    return list(_differ("$", mi.type_info(struct), node, document))


def _differ(  # noqa: PLR0912 - one branch a kind of type
    at: str, kind: mi.Type, node: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[str]:
    node, document = _resolved(node, document)
    match kind:
        case mi.UnionType(types=types):
            yield from _differ(at, next(one for one in types if not isinstance(one, mi.NoneType)), node, document)
        case mi.StructType(fields=fields):
            yield from _fields_differ(at, fields, node, document)
        case mi.LiteralType(values=values):
            if set(node.get("enum", [node.get("const")])) != set(values):
                yield f"{at}: {values} in the struct, {node.get('enum', node.get('const'))} in the schema"
        case mi.DateTimeType():
            if (node.get("type"), node.get("format")) != ("string", "date-time"):
                yield f"{at}: a time in the struct, {node} in the schema"
        case mi.StrType():
            if node.get("type") != "string" or node.get("format") == "date-time":
                yield f"{at}: text in the struct, {node} in the schema"
        case mi.VarTupleType(item_type=item):
            if node.get("type") != "array":
                yield f"{at}: a list in the struct, {node} in the schema"
            yield from _differ(f"{at}[]", item, node.get("items", {}), document)
        case mi.DictType(value_type=value):
            if node.get("type") != "object":
                yield f"{at}: an object in the struct, {node} in the schema"
            if not isinstance(value, mi.AnyType):
                yield from _differ(f"{at}{{}}", value, node.get("additionalProperties", {}), document)
        case _:
            if node.get("type") != SIMPLE[type(kind)]:
                yield f"{at}: {SIMPLE[type(kind)]} in the struct, {node.get('type')} in the schema"


def _fields_differ(
    at: str, fields: tuple[mi.Field, ...], node: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[str]:
    properties, required = node.get("properties", {}), set(node.get("required", ()))
    names = {field.encode_name for field in fields}
    yield from (f"{at}.{name}: only in one of struct and schema" for name in names ^ set(properties))
    for field in fields:
        name = field.encode_name
        if name not in properties:
            continue
        if field.required != (name in required):
            yield f"{at}.{name}: needed in only one of struct and schema"
        told, where = _resolved(properties[name], document)
        if not field.required and _default(field) != told.get("default"):
            yield f"{at}.{name}: absent means {_default(field)!r} in the struct, {told.get('default')!r} in the schema"
        yield from _differ(f"{at}.{name}", field.type, told, where)


def _default(field: mi.Field) -> Any:  # noqa: ANN401 - any JSON value
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return msgspec.to_builtins(value) if value != () else []


def _resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a reference stands for, its own annotations kept, and the schema in which that is read."""
    reference = node.get("$ref")
    if reference is None:
        return node, document
    if reference.startswith("#/$defs/"):
        return {**document["$defs"][reference[8:]], **{k: v for k, v in node.items() if k != "$ref"}}, document
    _, message, file = reference.split("/")
    assert (FOLDER / message / file).is_file()
    other = schema(message, int(file[1:-5]))
    return {**other, "description": node["description"]}, other


@pytest.mark.parametrize(("message", "definition", "struct"), LATEST)
def test_struct_and_schema_agree(message: str, definition: str, struct: type[msgspec.Struct]) -> None:
    """The struct has the fields, needs, types, closed lists and defaults of the latest version of its schema."""
    document = schema(message, versions()[message][-1])
    node = document["$defs"][definition] if definition else document
    assert disagreements(struct, node, document) == []


@pytest.mark.parametrize(("message", "definition", "struct"), LATEST)
def test_a_difference_is_found(message: str, definition: str, struct: type[msgspec.Struct]) -> None:
    """A field that is taken out of a schema, made needed or given another type does not go unseen."""
    document = schema(message, versions()[message][-1])
    node = document["$defs"][definition] if definition else document
    for name in node["properties"]:
        others = {other: told for other, told in node["properties"].items() if other != name}
        assert disagreements(struct, {**node, "properties": others}, document)
        assert disagreements(struct, {**node, "properties": {**others, name: {"type": "null"}}}, document)
        assert disagreements(struct, {**node, "required": list({*node["required"]} ^ {name})}, document)


@pytest.mark.parametrize(("message", "definition", "struct"), LATEST)
def test_the_struct_writes_the_latest_version(message: str, definition: str, struct: type[msgspec.Struct]) -> None:
    """A struct that carries a version carries that of its latest schema, and writes it from the second on."""
    latest = versions()[message][-1]
    numbers = [field.default for field in msgspec.structs.fields(struct) if field.name == "v"]
    assert numbers in ([latest], []), definition
    assert latest == 1 or not struct.__struct_config__.omit_defaults
