"""Opened and closed day of an archive's ads from the file's columns alone. Imports nothing of Marsad, on purpose.

    python columns.py ARCHIVE < unmerged.ndjson

Reads `{"source", "id", "opened", "closed", "merged"}` (days as YYYY-MM-DD) a line, one for each vacancy of a single
ad, and prints `{"compared", "differ", "examples"}`. An ad opens on the day it was first seen. It closes on its
deadline where the column holds a date that is not before the day on which it was last seen, else 42 days after that
day. Rows are one ad when they share source and identifier, else source and address, else source, title, company, city
and the description's beginning.
"""

import datetime as dt
import gzip
import hashlib
import json
import re
import sys
import unicodedata
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

Row = dict[str, str]


def identity(row: Row) -> str:
    """As docs/sources.md describes it."""
    if (row.get("source_id") or "").strip():
        return row["source_id"].strip()
    if (row.get("url") or "").strip():
        return "u:" + _digest(_address(row["url"].strip()))
    texts = [row["source"], *(_even(row.get(name) or "") for name in ("title", "company", "city"))]
    return "c:" + _digest("\x1f".join([*texts, _even(row.get("description") or "")[:500]]))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _even(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).casefold())
    return " ".join(folded.split())


def _address(url: str) -> str:
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    tracked = re.compile(r"(?i)utm_.*|gclid|fbclid|msclkid|trk|trackingid|refid")
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not tracked.fullmatch(pair[0])]
    path = re.sub("%[0-9a-fA-F]{2}", lambda code: code.group().upper(), parts.path)
    path = quote(path, safe="%/:@!$&'()*+,;=~-._") or "/"
    return urlunsplit((parts.scheme, parts.netloc.lower(), path, urlencode(query), ""))


def deadline(row: Row) -> dt.date | None:
    """A deadline written as a date, day first or ISO; anything else is none."""
    raw = (row.get("deadline_raw") or "").strip()
    if found := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", raw):
        year, month, day = map(int, found.groups())
    elif found := re.fullmatch(r"(\d\d)[/.-](\d\d)[/.-](\d{4})", raw):
        day, month, year = map(int, found.groups())
    else:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def ads(rows: list[Row]) -> dict[tuple[str, str], tuple[str, str]]:
    """Opened and closed day of each ad."""
    found: dict[tuple[str, str], tuple[str, str, Row]] = {}
    for row in rows:
        if not (row.get("title") or "").strip() or (row.get("side") or "offer") not in {"offer", "seeker"}:
            continue
        key = (row["source"], identity(row))
        first, last = row["seen_first"], max(row["seen_first"], row["seen_last"])
        if key in found:
            earlier, later, described = found[key]
            # The latest sighting describes the ad; of several on one day the columns cannot tell, see `ambiguous`.
            found[key] = (min(first, earlier), max(last, later), row if last >= later else described)
        else:
            found[key] = (first, last, row)
    closed: dict[tuple[str, str], tuple[str, str]] = {}
    for key, (first, last, row) in found.items():
        seen = dt.date.fromisoformat(last)
        until = deadline(row)
        end = until if until is not None and 0 <= (until - seen).days <= 3660 else seen + dt.timedelta(days=42)
        closed[key] = (first, end.isoformat())
    return closed


def ambiguous(rows: list[Row]) -> set[tuple[str, str]]:
    """Ads with two different deadlines last seen on one day: the columns do not say which holds."""
    last: dict[tuple[str, str], tuple[str, set[str]]] = {}
    for row in rows:
        key = (row["source"], identity(row))
        day, said = last.get(key, ("", set()))
        seen = max(row["seen_first"], row["seen_last"])
        if seen > day:
            last[key] = (seen, {row.get("deadline_raw") or ""})
        elif seen == day:
            said.add(row.get("deadline_raw") or "")
    return {key for key, (_, said) in last.items() if len(said) > 1}


def main() -> None:
    """Compare standard input with the file."""
    data = Path(sys.argv[1]).read_bytes()
    lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).split(b"\n")
    rows = [row for line in lines if isinstance(row := _object(line), dict)]
    expected, unclear = ads(rows), ambiguous(rows)
    compared, examples = 0, []
    for line in sys.stdin:
        vacancy = json.loads(line)
        key = (vacancy["source"], vacancy["id"])
        if key in unclear:
            continue
        compared += 1
        days = (vacancy["opened"], vacancy["closed"])
        if expected.get(key) != days:
            examples.append({"ad": key, "stored": days, "columns": expected.get(key)})
    print(json.dumps({"compared": compared, "differ": len(examples), "examples": examples[:5]}))  # noqa: T201


def _object(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


if __name__ == "__main__":
    main()
