"""Places: each raw place string becomes a posting, and must give its regions, or say nationwide, abroad or nothing."""

from collections.abc import Sequence
from typing import Any

from schemas.reports import Report
from streams import offline
from streams.evaluate.figures import Bootstrap
from streams.evaluate.labelled import NOT_STATED, Row, lines

FIELDS = frozenset(("city", "region_raw", "title", "description"))
SCOPES = {"NAT": "national", "ABROAD": "abroad"}


def measure(rows: Sequence[Row], enricher: offline.Enrich, taxonomy: str, draw: Bootstrap) -> Report:
    """Evaluate rows with `raw`, `field`, the weight `n` and `region` (codes, NAT, ABROAD or X)."""
    answers = list(offline.enrich(lines(_posting(row) for row in rows), enricher))
    right = [_right(row, answer) for row, answer in zip(rows, answers, strict=True)]
    weights = [float(row.get("n") or 1) for row in rows]
    figures = [
        draw.ratio("regions, weighted", [w * good for w, good in zip(weights, right, strict=True)], weights),
        draw.mean("regions, unweighted", right),
    ]
    for name in sorted({_kind(row) for row in rows}):
        of_kind = [good for row, good in zip(rows, right, strict=True) if _kind(row) == name]
        figures += [draw.mean("regions, unweighted", of_kind, name)]
    misses = [
        {"id": row.get("id"), "n": row.get("n"), "raw": row["raw"], "expected": row["region"],
         "said": list(answer.get("regions") or ()), "scope": answer.get("scope")}
        for row, answer, good in zip(rows, answers, right, strict=True)
        if not good
    ]  # fmt: skip
    return Report("locations", taxonomy, len(rows), tuple(figures), tuple(misses))


def _posting(row: Row) -> Row:
    field = row.get("field")
    place = {field if field in FIELDS - {"title"} else "city": row["raw"]}
    return {"source": row.get("source"), "title": "Comptable", **place}


def _kind(row: Row) -> str:
    only = row["region"][0] if row["region"] else NOT_STATED
    return {"NAT": "nationwide", "ABROAD": "abroad", NOT_STATED: "not stated"}.get(only, "in regions")


def _right(row: Row, answer: dict[str, Any]) -> bool:
    expected = set(row["region"]) - {NOT_STATED}
    for label, scope in SCOPES.items():
        if label in expected:
            return answer.get("scope") == scope
    return set(answer.get("regions") or ()) == expected
