"""What a version of a message has promised: the lock beside its schema, one line a rule, without the words around it.

A published version is kept for ever: records in it lie in the topics, and subscribers were written against it. So a
rule that is locked stays as it is, and only an optional field may come. Anything else is a new version.

    python -m tests.contract.locks      enters new fields into the locks; refuses what breaks one
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.validation import FOLDER, schema, versions

Rules = Mapping[str, str]
"""JSON text of each rule by its JSON pointer within the schema."""

WORDS = {"$schema", "$id", "title", "description", "examples"}
"""Keywords that hold no rule."""
NAMED = {"properties", "$defs"}
SETS = {"required", "enum"}


def rules(document: Mapping[str, Any]) -> dict[str, str]:
    """Every rule of a schema."""
    return dict(sorted(_rules(document, "")))


def _rules(node: Mapping[str, Any], at: str) -> Iterator[tuple[str, str]]:
    for keyword, value in node.items():
        here = f"{at}/{keyword}"
        if keyword in WORDS:
            continue
        if keyword in SETS:
            yield from ((f"{here}/{member}", "true") for member in value)
        elif keyword in NAMED:
            for name, child in value.items():
                yield f"{here}/{name}", "{}"
                yield from _rules(child, f"{here}/{name}")
        elif keyword != "default" and isinstance(value, Mapping):
            yield here, "{}"
            yield from _rules(value, here)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for n, child in enumerate(value):
                yield from _rules(child, f"{here}/{n}")
        else:
            yield here, json.dumps(value, ensure_ascii=False, sort_keys=True)


def breaks(locked: Rules, now: Rules) -> list[str]:
    """How the rules of a version break what it has promised; empty where only optional fields came."""
    found = [
        f"{at}: {locked[at]} is locked, {now.get(at, 'nothing')} is there" for at in locked if now.get(at) != locked[at]
    ]
    known = {(_object(at), name) for at in locked for name in _names(at)}
    for at in now.keys() - locked.keys():
        came = [(_object(at), name) not in known for name in _names(at)]
        if not any(came):
            found.append(f"{at}: {now[at]} narrows what was allowed")
    return sorted(found)


def _object(at: str) -> str:
    """The definition in which a rule stands, or the message itself."""
    inside = re.match(r"/\$defs/([^/]+)", at)
    return inside[1] if inside else ""


def _names(at: str) -> list[str]:
    """The fields and definitions on the way to a rule."""
    return re.findall(r"/(?:properties|\$defs)/([^/]+)", at)


def path_of(message: str, version: int) -> Path:
    """Where the lock of a version is."""
    return FOLDER / message / f"v{version}.lock"


def read(path: Path) -> dict[str, str]:
    """The rules that a lock holds."""
    return dict(line.split("\t") for line in path.read_text("utf-8").splitlines())


def write(path: Path, locked: Rules) -> None:
    """Write a lock."""
    path.write_text("".join(f"{at}\t{rule}\n" for at, rule in sorted(locked.items())), "utf-8")


def lock(known: Iterable[tuple[str, int]]) -> list[str]:
    """Lock what is new in these versions, each of which keeps its promises; return the breaks of the others."""
    found: list[str] = []
    for message, version in known:
        path, now = path_of(message, version), rules(schema(message, version))
        broken = breaks(read(path), now) if path.exists() else []
        found += [f"{message} v{version} {line}" for line in broken]
        if not broken:
            write(path, now)
    return found


if __name__ == "__main__":
    broken_promises = lock((message, version) for message, known in versions().items() for version in known)
    sys.exit("\n".join([*broken_promises, "write a new version instead"]) if broken_promises else 0)
