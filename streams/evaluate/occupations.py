"""Occupations: accuracy by digits, refusals, coverage by rank of confidence, calibration, and the published code."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from schemas.reports import Figure, Report
from streams import offline
from streams.enrich.text import fold, is_arabic
from streams.evaluate.figures import Bootstrap, Ids, Numbers
from streams.evaluate.labelled import NOT_STATED, Row, lines, question

DIGITS = (1, 2, 3, 4)
ERRORS = (0.02, 0.04, 0.08)
"""Error rates at which coverage is told: the share of rows, surest first, whose error stays at or below it."""

BINS = 10
"""Equal bins of probability over which the calibration error is averaged, weighted by their rows."""


@dataclass(frozen=True)
class Coded:
    """One labelled row: the codes that coders accept, those that they find defensible, and what enrichment said."""

    row: Row
    language: str
    accepted: tuple[str, ...]
    defensible: tuple[str, ...]
    best: str | None
    published: str | None
    p: tuple[float, ...]

    def right(self, digits: int, *, lenient: bool = False) -> bool:
        """Whether the best code is accepted at so many digits; `lenient`: or defensible."""
        codes = self.accepted + self.defensible if lenient else self.accepted
        return self.best is not None and any(self.best[:digits] == code[:digits] for code in codes)

    def sureness(self, digits: int) -> float:
        """The probability that enrichment gave to its code at so many digits, 0 where it gave none."""
        return self.p[digits - 1] if self.p else 0.0


def measure(rows: Sequence[Row], enricher: offline.Enrich, taxonomy: str, draw: Bootstrap) -> Report:
    """Evaluate rows with `isco4`, `isco4_alt` and `region`, lists of codes or X."""
    answers = list(offline.enrich(lines(question(row) for row in rows), enricher))
    both = [(row, answer) for row, answer in zip(rows, answers, strict=True) if row.get("isco4")]
    coded = [_coded(row, answer) for row, answer in both]
    stated = [one for one in coded if one.accepted]
    unstated = [one for one in coded if not one.accepted]
    figures = [*_accuracy(draw, stated), *_groups(draw, stated), *_refusals(draw, stated, unstated)]
    figures += [*_confidence(draw, stated), *_published(draw, stated, unstated)]
    placed = [(row, answer) for row, answer in zip(rows, answers, strict=True) if row.get("region")]
    figures.append(draw.mean("regions, exact set", [_placed(row, answer) for row, answer in placed]))
    return Report(
        "occupations",
        taxonomy,
        len(rows),
        tuple(figures),
        tuple(_misses(coded)),
        _confusion(coded),
    )


def _coded(row: Row, answer: dict[str, Any]) -> Coded:
    title = str(row.get("title") or "")
    other = "en" if answer.get("lang") == "en" else "fr"
    return Coded(
        row=row,
        language="ar" if is_arabic(fold(title)) else other,
        accepted=tuple(code for code in row["isco4"] if code != NOT_STATED),
        defensible=tuple(code for code in row.get("isco4_alt") or () if code != NOT_STATED),
        best=answer.get("isco_best"),
        published=answer.get("isco"),
        p=tuple(answer.get("isco_p") or ()),
    )


def _placed(row: Row, answer: dict[str, Any]) -> bool:
    return set(answer.get("regions") or ()) == set(row["region"]) - {NOT_STATED}


def _accuracy(draw: Bootstrap, stated: Sequence[Coded], group: str = "") -> Iterator[Figure]:
    for digits in DIGITS:
        yield draw.mean(f"accuracy, {digits} digits", [one.right(digits) for one in stated], group)
    for digits in DIGITS:
        lenient = [one.right(digits, lenient=True) for one in stated]
        yield draw.mean(f"accuracy with alternatives, {digits} digits", lenient, group)


def _groups(draw: Bootstrap, stated: Sequence[Coded]) -> Iterator[Figure]:
    kinds: tuple[tuple[str, Callable[[Coded], str]], ...] = (
        ("language", lambda one: one.language),
        ("portal", lambda one: str(one.row.get("source"))),
    )
    for kind, of in kinds:
        groups: dict[str, list[Coded]] = defaultdict(list)
        for one in stated:
            groups[of(one)].append(one)
        for name in sorted(groups):
            yield from _accuracy(draw, groups[name], f"{kind} {name}")


def _refusals(draw: Bootstrap, stated: Sequence[Coded], unstated: Sequence[Coded]) -> Iterator[Figure]:
    yield draw.mean("not stated, recognised", [one.best is None for one in unstated])
    yield draw.mean("stated, refused", [one.best is None for one in stated])


def _confidence(draw: Bootstrap, stated: Sequence[Coded]) -> Iterator[Figure]:
    for digits in DIGITS:
        p = np.array([one.sureness(digits) for one in stated])
        right = np.array([one.right(digits) for one in stated], float)
        for error in ERRORS:
            name = f"coverage at {error:.0%} error, {digits} digits"
            yield draw.statistic(name, len(stated), partial(_covered, p, right, error))
        answered = np.array([one.best is not None for one in stated], bool)
        sure, good = p[answered], right[answered]
        name = f"calibration error, {digits} digits"
        yield draw.statistic(name, len(sure), partial(_uncalibrated, sure, good))


def _covered(p: Numbers, right: Numbers, error: float, ids: Ids) -> float:
    return coverage(p[ids], right[ids], error)


def _uncalibrated(p: Numbers, right: Numbers, ids: Ids) -> float:
    return calibration_error(p[ids], right[ids])


def coverage(p: Numbers, right: Numbers, error: float) -> float:
    """Return the largest share of rows, surest first, of which at most `error` are wrong; equals stay together."""
    order = np.argsort(-p, kind="stable")
    wrong = np.cumsum(1 - right[order])
    size = np.arange(1, len(p) + 1)
    last_of_equals = np.append(p[order][1:] != p[order][:-1], [True])
    fits = np.flatnonzero((wrong <= error * size + 1e-9) & last_of_equals)
    return float(size[fits[-1]] / len(p)) if len(fits) else 0.0


def calibration_error(p: Numbers, right: Numbers) -> float:
    """Return how far probabilities are from the shares that are right, in `BINS` bins weighted by their rows."""
    bins: Ids = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    gaps = np.abs(np.bincount(bins, p, BINS) - np.bincount(bins, right, BINS))
    return float(gaps.sum() / len(p))


def _published(draw: Bootstrap, stated: Sequence[Coded], unstated: Sequence[Coded]) -> Iterator[Figure]:
    told = [(one, one.published) for one in stated if one.published]
    right = [any(code.startswith(isco) for code in one.accepted) for one, isco in told]
    lenient = [any(code.startswith(isco) for code in one.accepted + one.defensible) for one, isco in told]
    yield draw.mean("published, share of rows", [one.published is not None for one in stated])
    yield draw.mean("published, right at its digits", right)
    yield draw.mean("published, right with alternatives", lenient)
    yield draw.mean("published, digits", [len(isco) for _, isco in told])
    yield draw.mean("published, digits over all rows", [len(one.published or "") for one in stated])
    yield draw.mean("not stated, none published", [one.published is None for one in unstated])
    for digits in DIGITS:
        far = [one for one in stated if len(one.published or "") >= digits]
        yield draw.mean(
            f"published, share of rows, {digits} digits", [len(one.published or "") >= digits for one in stated]
        )
        yield draw.mean(f"published, right, {digits} digits", [one.right(digits) for one in far])
    for digits in DIGITS:
        of = [(one, good) for (one, isco), good in zip(told, right, strict=True) if len(isco) == digits]
        yield draw.mean("published, right at its digits", [good for _, good in of], f"codes of {digits}")
    for language in sorted({one.language for one in stated}):
        of = [(one, good) for (one, _), good in zip(told, right, strict=True) if one.language == language]
        group = f"language {language}"
        yield draw.mean("published, right at its digits", [good for _, good in of], group)
        yield draw.mean("published, digits", [len(one.published or "") for one, _ in of], group)


def _misses(coded: Sequence[Coded]) -> Iterator[Row]:
    for one in coded:
        if one.right(4) or (not one.accepted and one.best is None):
            continue
        yield {
            "id": one.row.get("id") or one.row.get("hash"),
            "title": one.row.get("title"),
            "portal": one.row.get("source"),
            "language": one.language,
            "expected": list(one.accepted) or [NOT_STATED],
            "alternatives": list(one.defensible),
            "said": one.best,
            "isco": one.published,
            "isco_p": list(one.p),
        }


def _confusion(coded: Sequence[Coded]) -> dict[str, dict[str, int]]:
    """Count rows by accepted and said major group; with several accepted, by the one said, else the first."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for one in coded:
        majors = [code[0] for code in one.accepted] or [NOT_STATED]
        said = one.best[0] if one.best else NOT_STATED
        table[said if said in majors else majors[0]][said] += 1
    return {true: dict(sorted(table[true].items())) for true in sorted(table)}
