"""`marsad explain`: how a title was read, which unit groups it may name, what speaks for each, and how sure it is."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.enrich.occupation import Coder
from streams.enrich.occupation.coder import Asked
from streams.enrich.occupation.confidence import Coding

REFERENCE = Path(__file__).parent.parent / "schemas" / "reference" / "isco08"


def explain(coder: Coder, console: Console, fields: dict[str, str | None]) -> None:
    """Print the explanation of one posting; `fields` are those of `Coder.code`, `title` among them."""
    title = fields.pop("title")
    asked = coder.weigh(title, **fields)
    coding = coder.code(title, **fields)
    names = _names()
    console.print(_reading(coder, asked))
    for line in _circumstances(asked):
        console.print(line, highlight=False)
    candidates = coder.candidates(asked) if asked.rating is not None else ()
    if candidates:
        table = Table(title="Candidates", title_justify="left")
        for heading in ("unit group", "share", "best lexicon title", "of", "score", "found"):
            table.add_column(heading, justify="right" if heading in {"share", "score"} else "left", overflow="fold")
        for one in candidates:
            group = f"{one.isco} {names.get(one.isco, '')}"
            table.add_row(
                escape(group), f"{one.mass:.3f}", escape(one.title), one.code, f"{one.score:.2f}", " ".join(one.found)
            )
        console.print(table)
    console.print(_verdict(coding, names), highlight=False)


def _reading(coder: Coder, asked: Asked) -> Table:
    table = Table(title="The title as read", title_justify="left")
    for heading in ("part", "words that may name a job", "words that do not"):
        table.add_column(heading, overflow="fold")
    for number, segment in enumerate(asked.read.segments, 1):
        told = []
        for stem in segment.core:
            known = coder.known_as(stem)
            told.append(f"{stem} [unknown]" if known is None else stem if known == stem else f"{stem} [as {known}]")
        table.add_row(str(number), escape(" ".join(told)), escape(" ".join(segment.soft)))
    return table


def _circumstances(asked: Asked) -> list[str]:
    lines = []
    if asked.turn:
        lines.append(f"It turns on: {asked.turn[0]}")
    if asked.context:
        lines.append("Words around it: " + escape(", ".join(f"{one} ×{factor:g}" for one, factor in asked.context)))
    if asked.read.responsibility:
        lines.append("It opens posts of responsibility: a rank, no occupation")
    if asked.read.several:
        lines.append("It announces several jobs, or any")
    return lines


def _verdict(coding: Coding, names: dict[str, str]) -> str:
    if coding.isco_best is None:
        return "No occupation is stated"
    sure = " ".join(f"{coding.isco_best[: n + 1]} {p:.2f}" for n, p in enumerate(coding.isco_p))
    lines = [
        f"Best: {coding.isco_best} {escape(names.get(coding.isco_best, ''))}",
        f"Probabilities: {sure}",
        f"Published: {coding.isco} {escape(names.get(coding.isco, ''))} (confidence {coding.isco_confidence:.2f})"
        if coding.isco
        else "Published: nothing, for want of confidence",
    ]
    if coding.isco_also:
        lines.append("Also named: " + ", ".join(f"{code} {names.get(code, '')}" for code in coding.isco_also))
    return "\n".join(lines)


def _names() -> dict[str, str]:
    rows = [line.split("\t") for path in REFERENCE.glob("*.tsv") for line in path.read_text("utf-8").splitlines()[1:]]
    return {row[0]: row[3] for row in rows}
