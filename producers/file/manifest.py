"""A manifest's lines to what it claims of each file: the institution's own list of what it delivered. Pure."""

import json
import re
from dataclasses import dataclass

_SUM = re.compile(r"([0-9a-fA-F]{64})\s+\*?(.+)")
_SIZED = re.compile(r"(.+?)[\s;,]+(\d{1,15})")


@dataclass(frozen=True)
class Claim:
    """What a file must be to be whole: its size in bytes, its SHA-256 (empty: not stated)."""

    size: int | None = None
    sha256: str = ""


def manifest(body: bytes) -> dict[str, Claim]:
    """Return the claims of a manifest by file name.

    JSON (`{"files": [{"name", "size", "sha256"}]}`, or the list alone), lines of `sha256sum`, or lines of a name
    and a size. A name with a folder in it is not one of ours. Raises ValueError for what is no manifest.
    """
    text = body.decode("utf-8-sig")
    if text.lstrip()[:1] in {"{", "["}:
        return _json(text)
    claims: dict[str, Claim] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if found := _SUM.fullmatch(line):
            claims[found[2]] = Claim(sha256=found[1].lower())
        elif found := _SIZED.fullmatch(line):
            claims[found[1]] = Claim(size=int(found[2]))
        else:
            claims[line] = Claim()
    return _plain(claims)


def _json(text: str) -> dict[str, Claim]:
    data = json.loads(text)
    listed = data.get("files") if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise ValueError("no list of files")  # noqa: TRY004 (a wrong value of the file, not of ours)
    claims: dict[str, Claim] = {}
    for entry in listed:
        told = {"name": entry} if isinstance(entry, str) else entry
        if not isinstance(told, dict) or not isinstance(told.get("name"), str):
            raise ValueError("a file without a name")  # noqa: TRY004 (same)
        size, digest = told.get("size"), told.get("sha256")
        claims[told["name"]] = Claim(
            size=size if isinstance(size, int) else None, sha256=digest.lower() if isinstance(digest, str) else ""
        )
    return _plain(claims)


def _plain(claims: dict[str, Claim]) -> dict[str, Claim]:
    return {name: claim for name, claim in claims.items() if not set("/\\\0") & set(name) and name not in {".", ".."}}
