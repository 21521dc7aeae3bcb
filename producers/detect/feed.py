"""A feed that nobody described: what its usual elements do not tell is looked for in the others. Pure."""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import feedparser

from producers.detect.choose import BRACKETS, NEAR, ORDER, Candidate, choose, parted, without
from producers.detect.finding import Finding, place, written
from producers.detect.labels import labels
from producers.detect.words import has_place
from producers.rss.parse import element, parse, shown
from producers.shape import Field
from producers.sources import Pick, RssSource
from schemas.messages import Posting

SAMPLED = 40
_HEAD = re.compile(rb"<(?:\w+:)?(?:rss|feed|RDF)\b", re.IGNORECASE)
_STANDARD = frozenset(
    {"title", "link", "links", "id", "guidislink", "title_detail", "summary_detail", "content", "summary"}
)
_SEPARATORS = (" | ", " - ", " – ", " — ", " · ", " • ", " / ", ", ", " : ", " @ ", " chez ")


def is_feed(body: bytes) -> bool:
    """Whether `body` begins as a feed does."""
    return bool(_HEAD.search(body[:4000])) and body.lstrip()[:1] != b"{"


def feed(body: bytes, source: RssSource, observed_at: datetime) -> Finding:
    """Return the source that reads a feed: what most entries lack is mapped to elements, labels and parts of theirs."""
    found = parse(body, source=source, observed_at=observed_at)
    sample = [item for item in found[:SAMPLED] if isinstance(item, Posting)]
    read = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    entries: Sequence[Mapping[str, Any]] = read.entries[:SAMPLED]
    wanted = tuple(name for name in _WANTED if sum(bool(getattr(one, name)) for one in sample) < 0.5 * len(sample))
    known = tuple(name for name in ORDER if name not in wanted)
    candidates = list(_candidates(entries, frozenset(read.namespaces)))
    chosen = choose(candidates, known)
    if (city := chosen.get("city")) and city.key.css == "title" and parted(city.key):
        chosen["title"] = _picked(Pick(css="title", pattern=without(city.key)), (), entries, 0)
    mapping = {name: written(candidate.key) for name, candidate in chosen.items()}
    mapped_source = RssSource(
        **{name: getattr(source, name) for name in source.__struct_fields__} | {"mapping": mapping}
    )
    items = parse(body, source=mapped_source, observed_at=observed_at) if mapping else found
    filled = [name for name in ORDER if any(getattr(one, name) for one in sample)]
    usual: dict[str, str] = dict.fromkeys(filled, "the usual element")
    taken = {candidate.key.css for candidate in chosen.values()}
    mapped = usual | {str(name): place(candidate.key) for name, candidate in chosen.items()}
    elements = {pick.css for candidate in candidates if not (pick := candidate.key).attr}
    left = [name for name in sorted(elements) if name not in taken and name not in _USED]
    return Finding(mapped_source, items[:SAMPLED], mapped, left)


_WANTED: tuple[Field, ...] = tuple(
    name for name in ORDER if name not in {"source_id", "lang_portal", "skills_raw", "url"}
)
_USED = frozenset({"title", "link", "summary", "content", "id"})
"""Elements that the parser reads by itself: of these only parts are looked for."""


def _candidates(entries: Sequence[Mapping[str, Any]], spaces: frozenset[str]) -> Iterator[Candidate[Pick]]:
    names = Counter(name for entry in entries for name in entry)
    order = 0
    for name, count in names.items():
        if count < 0.3 * len(entries) or name.endswith(("_detail", "_parsed")) or name in {"links", "guidislink"}:
            continue
        order += 1
        yield from _element(entries, name, name.split("_", 1)[-1] if name.split("_", 1)[0] in spaces else name, order)


def _element(entries: Sequence[Mapping[str, Any]], name: str, local: str, order: int) -> Iterator[Candidate[Pick]]:
    first = next((entry[name] for entry in entries if entry.get(name)), None)
    if isinstance(first, dict):
        for attribute in first:
            yield _picked(Pick(css=name, attr=attribute), ((local, attribute), (attribute,)), entries, order)
        return
    whole = _picked(Pick(css=name), ((local,),), entries, order)
    if name not in _USED:
        yield whole
    if name in {"summary", "content", "description"}:
        for label in labels([(shown(entry.get(name)) or "").split("\n") for entry in entries]):
            yield _picked(Pick(css=name, label=label), ((label,),), entries, order)
    elif whole.filled and sum(map(len, whole.filled)) / len(whole.filled) < 160:
        yield from _parts(entries, whole, order)


def _parts(entries: Sequence[Mapping[str, Any]], whole: Candidate[Pick], order: int) -> Iterator[Candidate[Pick]]:
    name, texts = whole.key.css, whole.filled
    for separator in _SEPARATORS:
        if sum(separator in text for text in texts) >= 0.6 * len(texts):
            for part in (-1, 0, 1, -2):
                yield _picked(Pick(css=name, split=separator, part=part), (), entries, order + 50)
    if sum(has_place(text) for text in texts) >= 0.6 * len(texts):
        for pattern in (BRACKETS, NEAR):
            yield _picked(Pick(css=name, pattern=pattern), (), entries, order + 60)


def _picked(
    pick: Pick, names: tuple[tuple[str, ...], ...], entries: Sequence[Mapping[str, Any]], order: int
) -> Candidate[Pick]:
    return Candidate(pick, names, tuple(element(entry, pick) for entry in entries), {}, order)
