"""The part of docs/topics.md that the topic files say: the flow drawn, and the table.

python -m tests.contract.topics_page      writes it anew
"""

from collections.abc import Iterator
from pathlib import Path

from schemas.topics import Topic, topics
from schemas.validation import versions

PAGE = Path(__file__).parents[2] / "docs" / "topics.md"
BEGIN, END = "<!-- from schemas/topics/*.toml: begin -->", "<!-- from schemas/topics/*.toml: end -->"

ORDER = (
    "postings-raw",
    "postings-unique",
    "postings-enriched",
    "vacancies",
    "market-counts",
    "market-alerts",
    "source-status",
    "postings-rejected",
    "push-answers",
    "producer-checkpoints",
    "marsad-registry",
)
"""Topics in the order of the flow; the stages' changelogs follow."""

SUFFIX = {"cluster": "", "raw": "`.<raw>`, none for the live one", "generation": "`.<generation>`"}
DAY = 86_400_000


def generated() -> str:
    """Markdown of the part between the marks."""
    known = topics()
    named = [known[name] for name in ORDER]
    others = [topic for name, topic in sorted(known.items()) if name not in ORDER]
    return "\n".join([BEGIN, *_drawn(named), "", *_table([*named, *others]), END])


def _drawn(named: list[Topic]) -> Iterator[str]:
    yield "```mermaid"
    yield "flowchart LR"
    for topic in named:
        node = topic.name.replace("-", "_")
        yield f"  {node}[({topic.name})]"
        yield from (f"  {producer} --> {node}" for producer in topic.producers)
        yield from (f"  {node} --> {consumer}" for consumer in topic.consumers)
    yield "```"


def _table(listed: list[Topic]) -> Iterator[str]:
    yield "| topic | key | partitions | kept | producers | consumers | message |"
    yield "|---|---|---|---|---|---|---|"
    for topic in listed:
        name = f"`{topic.name}`" + (f"<br>+ {SUFFIX[topic.scope]}" if SUFFIX[topic.scope] else "")
        by = "" if topic.partition_by == "none" else f", by {topic.partition_by}"
        message = _link(topic.message, topic.version)
        if topic.clock:
            message += f", or without key {_link(topic.clock, versions()[topic.clock][-1])}"
        cells = (
            name,
            topic.key,
            f"{topic.partitions}{by}",
            kept(topic),
            *map(", ".join, (topic.producers, topic.consumers)),
        )
        yield f"| {' | '.join(cells)} | {message} |"


def _link(message: str, version: int) -> str:
    return f"[{message} v{version}](../schemas/json/{message}/v{version}.json)"


def kept(topic: Topic) -> str:
    """How long a topic keeps its records, in words."""
    policies = topic.config["cleanup.policy"].split(",")
    retention = int(topic.config.get("retention.ms", "-1"))
    period = "for ever" if retention < 0 else f"{retention // DAY} days"
    return " ".join([*(["the latest of each key,"] if "compact" in policies else []), period])


def written(page: str) -> str:
    """The page with this part as the topic files have it now. Raises ValueError where its marks are missing."""
    before, found, rest = page.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"{PAGE.name} lacks {BEGIN!r} or {END!r}")
    return before + generated() + after


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
