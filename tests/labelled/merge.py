"""Merge the two readers' codes: `python tests/labelled/merge.py` writes `second_set.ndjson`.

Prints how far the readers agree. The rule, the same for every row:

- `isco4`: what both accept; else what one accepts and the other finds defensible; else what either accepts.
  `isco4_alt`: every other code that either named. "X" of one reader beside a code of the other goes.
- `region`: both alike, else nothing, and the row's region is not scored.
- `attributes`: what both say. What only one says is in `attributes_unsure`, which is not scored.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]

HERE = Path(__file__).parent
SCALARS = (
    "contract", "isced", "experience_min", "experience_max", "salary_min", "salary_max", "salary_basis", "openings",
    "sector_isic", "remote", "published_on", "deadline_on",
)  # fmt: skip
LISTS = ("languages", "skills")
NOT_STATED = "X"


def merged(a: Row, b: Row) -> Row:
    """Return what two readers of one posting say together."""
    row: Row = {"hash": a["hash"], **codes(a, b)}
    row["region"] = sorted(a["region"]) if set(a["region"]) == set(b["region"]) else []
    if "attributes" in a:
        row["attributes"], row["attributes_unsure"] = _attributes(a["attributes"], b["attributes"])
    return row


def codes(a: Row, b: Row) -> Row:
    """Return the accepted and the defensible codes of one title, by the rule above."""
    mine, yours = a["isco4"], b["isco4"]
    both = [code for code in mine if code in yours]
    crossed = [code for code in mine if code in b["isco4_alt"]] + [code for code in yours if code in a["isco4_alt"]]
    accepted = both or crossed or [*mine, *yours]
    if len(set(accepted)) > 1:
        accepted = [code for code in accepted if code != NOT_STATED]
    accepted = sorted(set(accepted))
    named = {*mine, *yours, *a["isco4_alt"], *b["isco4_alt"]} - {NOT_STATED}
    return {"isco4": accepted, "isco4_alt": sorted(named - set(accepted))}


def _attributes(a: Row, b: Row) -> tuple[Row, Row]:
    agreed: Row = {}
    unsure: Row = {}
    for name in SCALARS:
        mine, yours = a.get(name), b.get(name)
        if mine != yours:
            unsure[name] = [value for value in (mine, yours) if value is not None]
        elif mine is not None:
            agreed[name] = mine
    for name in LISTS:
        mine, yours = set(a.get(name, ())), set(b.get(name, ()))
        if mine & yours:
            agreed[name] = sorted(mine & yours)
        if mine ^ yours:
            unsure[name] = sorted(mine ^ yours)
    return agreed, unsure


def agreement(a: list[Row], b: list[Row]) -> Iterator[str]:
    """Say in lines how far the readers agree."""
    pairs = list(zip(a, b, strict=True))
    stated = [(x["isco4"], y["isco4"]) for x, y in pairs if NOT_STATED not in (*x["isco4"], *y["isco4"])]
    yield f"{len(pairs)} rows; both state an occupation on {len(stated)}, neither on {sum(map(_neither, pairs))}"
    for digits in (1, 2, 3, 4):
        alike = sum(x[0][:digits] == y[0][:digits] for x, y in stated)
        yield f"first code, {digits} digits: {alike / len(stated):.3f}"
    if "region" in a[0]:
        yield f"regions: {sum(set(x['region']) == set(y['region']) for x, y in pairs) / len(pairs):.3f}"
    labelled = [(x["attributes"], y["attributes"]) for x, y in pairs if "attributes" in x]
    for name in (*SCALARS, *LISTS) if labelled else ():
        values = [(_value(x.get(name)), _value(y.get(name))) for x, y in labelled]
        said = sum(x is not None or y is not None for x, y in values)
        alike = sum(x is not None and x == y for x, y in values)
        yield f"{name}: {alike} alike of {said} rows on which either states it"


def _neither(pair: tuple[Row, Row]) -> bool:
    return all(row["isco4"] == [NOT_STATED] for row in pair)


def _value(value: object) -> object:
    return tuple(sorted(value)) if isinstance(value, list) else value


def _read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _write(path: Path, rows: Iterable[Row]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def main() -> None:
    """Merge, and say how far the readers agree."""
    a, b = (_read(HERE / "readers" / f"{name}.ndjson") for name in "ab")
    _write(HERE / "second_set.ndjson", (merged(x, y) for x, y in zip(a, b, strict=True)))
    sys.stdout.write("".join(line + "\n" for line in agreement(a, b)))


if __name__ == "__main__":
    main()
