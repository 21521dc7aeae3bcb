"""Pairs: all ads of a file in one shuffled `match`; two ads are found to be one vacancy when they share its id."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from schemas.reports import Figure, Report
from streams import offline
from streams.evaluate.figures import SEED, Bootstrap, precision_recall
from streams.evaluate.labelled import Row, lines, question

K = TypeVar("K")

UNSURE = "unsure"
DUPLICATE = "dup"


def measure(rows: Sequence[Row], enricher: offline.Enrich, taxonomy: str, draw: Bootstrap) -> Report:
    """Evaluate rows with the ads `a` and `b` and a `label`: `dup` against the rest, `unsure` left out."""
    rows = [row for row in rows if row["label"] != UNSURE]
    ads: dict[bytes, Row] = {}
    for row in rows:
        for side in "ab":
            ads.setdefault(_name(row[side]), question(row[side]))
    answers = _matched(ads, enricher)
    pairs = [(row, answers[_name(row["a"])], answers[_name(row["b"])]) for row in rows]
    duplicate = [row["label"] == DUPLICATE for row in rows]
    joined = [_one(a, b) for _, a, b in pairs]
    figures = [*_agreement(draw, duplicate, joined), _lost(draw, duplicate, [(a, b) for _, a, b in pairs])]
    for label in sorted({row["label"] for row in rows}):
        chosen = [found for row, found in zip(rows, joined, strict=True) if row["label"] == label]
        figures.append(draw.mean("joined", chosen, f"label {label}"))
    misses = [
        {"id": row.get("id"), "label": row["label"], "joined": found, "because": a.get("merged_because"),
         "a": _seen(row["a"], a), "b": _seen(row["b"], b)}
        for (row, a, b), found, true in zip(pairs, joined, duplicate, strict=True)
        if found != true
    ]  # fmt: skip
    return Report("pairs", taxonomy, len(rows), tuple(figures), tuple(misses))


def measure_fr_ar(rows: Sequence[Row], enricher: offline.Enrich, taxonomy: str, draw: Bootstrap) -> Report:
    """Evaluate the French and Arabic sides of notices; every other row's Arabic side is a non-pair of a French side.

    The same figures without the deadline, which alone tells many pairs, stand beside as a group of their own.
    """
    figures, misses = _french_arabic(rows, enricher, draw, deadline=True)
    withheld, _ = _french_arabic(rows, enricher, draw, deadline=False)
    return Report("pairs_fr_ar", taxonomy, len(rows), (*figures, *withheld), misses)


def _french_arabic(
    rows: Sequence[Row], enricher: offline.Enrich, draw: Bootstrap, *, deadline: bool
) -> tuple[tuple[Figure, ...], tuple[Row, ...]]:
    ads: dict[tuple[str, int], Row] = {}
    for k, row in enumerate(rows):
        for language in ("fr", "ar"):
            side = {
                "source": f"emploi-public-{language}",
                "source_id": str(k),
                "title": row[f"title_{language}"],
                "company": row[f"employer_{language}"],
            }
            if deadline and row.get("deadline"):
                side["deadline_raw"] = row["deadline"]
            ads[language, k] = side
    answers = _matched(ads, enricher)
    french = [answers["fr", k] for k in range(len(rows))]
    arabic = Counter(answers["ar", k].get("vacancy_id") for k in range(len(rows)))
    found = [_one(french[k], answers["ar", k]) for k in range(len(rows))]
    false = [arabic[one.get("vacancy_id")] - hit for one, hit in zip(french, found, strict=True)]
    group = "" if deadline else "deadline withheld"
    figures = (
        *precision_recall(draw, found, false, [not hit for hit in found], group),
        _lost(draw, [True] * len(rows), [(french[k], answers["ar", k]) for k in range(len(rows))], group),
    )
    misses = tuple(
        {"title_fr": row["title_fr"], "title_ar": row["title_ar"], "joined": hit, "joined_wrongly": wrong,
         "a": _seen(row, french[k]), "b": _seen(row, answers["ar", k])}
        for k, (row, hit, wrong) in enumerate(zip(rows, found, false, strict=True))
        if wrong or not hit
    )  # fmt: skip
    return figures, misses


def _matched(ads: dict[K, Row], enricher: offline.Enrich) -> dict[K, dict[str, Any]]:
    """Put all ads through one `match`, in an order drawn by the seed."""
    names = list(ads)
    random.Random(SEED).shuffle(names)  # noqa: S311 - an order, not a secret
    answers = offline.match(lines(ads[name] for name in names), enricher)
    return dict(zip(names, answers, strict=True))


def _agreement(draw: Bootstrap, true: Sequence[bool], said: Sequence[bool]) -> tuple[Figure, Figure, Figure]:
    both = list(zip(true, said, strict=True))
    return precision_recall(
        draw, [t and s for t, s in both], [s and not t for t, s in both], [t and not s for t, s in both]
    )


def _lost(draw: Bootstrap, true: Sequence[bool], pairs: Sequence[tuple[Row, Row]], group: str = "") -> Figure:
    """Measure the duplicates whose ads stand in two blocks, with which a vacancy's id begins, and so never meet."""
    apart = [_block(a) != _block(b) for (a, b), t in zip(pairs, true, strict=True) if t]
    return draw.mean("lost by blocking", apart, group)


def _block(answer: Row) -> str:
    return str(answer.get("vacancy_id")).partition("/")[0]


def _one(a: Row, b: Row) -> bool:
    return "vacancy_id" in a and a["vacancy_id"] == b.get("vacancy_id")


def _name(ad: Row) -> bytes:
    return msgspec.json.encode(ad, order="sorted")


def _seen(ad: Row, answer: Row) -> Row:
    return {name: ad.get(name) for name in ("source", "title", "company", "city")} | {
        name: answer.get(name) for name in ("isco_best", "regions", "vacancy_id", "error")
    }
