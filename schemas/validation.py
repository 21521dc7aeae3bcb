"""The JSON Schemas as their files state them (`schemas/json/<message>/v<n>.json`), and validators of messages by them.

For edges that meet messages of others, and for tests. The processes themselves decode into `schemas.messages`: a
contract test holds the two together.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from referencing import Registry, Resource

FOLDER = Path(__file__).parent / "json"

FORMATS = ("date", "date-time")
"""The formats that are checked. A schema that names another one would promise what nobody holds."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@cache
def versions() -> Mapping[str, tuple[int, ...]]:
    """Versions of each message's schema, ascending."""
    return {
        folder.name: tuple(sorted(int(path.stem[1:]) for path in folder.glob("v*.json")))
        for folder in sorted(FOLDER.iterdir())
    }


@cache
def schema(message: str, version: int) -> Mapping[str, Any]:
    """One schema as its file states it. Raises FileNotFoundError for one that does not exist."""
    document: Mapping[str, Any] = json.loads((FOLDER / message / f"v{version}.json").read_text("utf-8"))
    return document


@cache
def validator(message: str, version: int) -> Draft202012Validator:
    """A validator that checks formats too. Raises FileNotFoundError for a schema that does not exist."""
    return checked(schema(message, version))


def checked(document: Mapping[str, Any]) -> Draft202012Validator:
    """A validator of `document`, whose references to other schemas are looked up here."""
    return Draft202012Validator(document, registry=_registry(), format_checker=_formats())


def violations(message: str, version: int, value: object) -> list[str]:
    """What is wrong with `value`, decoded JSON, as `path: reason`; empty when it is a message of that version.

    A reason names fields and rules and never repeats a value: it may be somebody's telephone number.
    """
    return sorted(f"{error.json_path}: {_reason(error)}" for error in validator(message, version).iter_errors(value))


def _reason(error: ValidationError) -> str:
    rule, asked = error.validator, error.validator_value
    if rule in {"required", "additionalProperties", "dependentRequired"}:
        return str(error.message)
    if rule == "not" and asked == {}:
        return "must be absent"
    return f"{rule} {json.dumps(asked, ensure_ascii=False)}"


@cache
def _registry() -> Registry[Any]:
    found = (schema(message, version) for message, known in versions().items() for version in known)
    return Registry().with_resources((document["$id"], Resource.from_contents(document)) for document in found)


@cache
def _formats() -> FormatChecker:
    """The checks of `FORMATS`. jsonschema's own check of date-time does nothing unless another package is there."""
    checker = FormatChecker(formats=())
    checker.checks("date", raises=ValueError)(_is_date)
    checker.checks("date-time", raises=ValueError)(_is_instant)
    return checker


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == len("2026-03-01") and bool(date.fromisoformat(value)))


def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or bool(_INSTANT.fullmatch(value) and datetime.fromisoformat(value))
