"""Microdata of a page as the same objects that JSON-LD writes. Pure."""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

_ADDRESS = {"a": "href", "link": "href", "area": "href", "img": "src", "iframe": "src", "object": "data"}
_STATED = {"meta": "content", "time": "datetime", "data": "value", "meter": "value"}
DEPTH = 100
"""Elements between a property and its item that are climbed."""


def microdata(page: LexborHTMLParser) -> list[dict[str, object]]:
    """Return the JobPosting items of a page, each with its properties as JSON-LD has them.

    A page whose only JobPosting was closed before its properties (`<article itemscope …></article>`) gives it those
    that belong to no item.
    """
    items: dict[int, dict[str, object]] = {}
    jobs: list[dict[str, object]] = []
    orphans: list[tuple[str, object]] = []
    for node in page.css("[itemscope]"):
        kind = (node.attributes.get("itemtype") or "").strip().rsplit("/", 1)[-1]
        item = items[node.mem_id] = {"@type": kind} if kind else {}
        if kind == "JobPosting":
            jobs.append(item)
    if not jobs:
        return []
    for node in page.css("[itemprop]"):
        names = (node.attributes.get("itemprop") or "").split()
        value: object = items.get(node.mem_id)
        if value is None:
            value = _value(node)
        owner = next((items[above.mem_id] for above in _above(node) if above.mem_id in items), None)
        for name in names:
            if owner is None:
                orphans.append((name, value))
            else:
                _add(owner, name, value)
    if len(jobs) == 1 and len(jobs[0]) == 1:
        for name, value in orphans:
            _add(jobs[0], name, value)
    return [job for job in jobs if len(job) > 1]


def _above(node: LexborNode) -> Iterator[LexborNode]:
    above = node.parent
    for _ in range(DEPTH):
        if above is None:
            return
        yield above
        above = above.parent


def _value(node: LexborNode) -> str:
    tag = node.tag or ""
    stated = node.attributes.get("content") or node.attributes.get(_STATED.get(tag, "content"))
    if stated:
        return stated
    if attribute := _ADDRESS.get(tag):
        return node.attributes.get(attribute) or node.text(strip=True)
    return node.inner_html or ""


def _add(item: dict[str, object], name: str, value: object) -> None:
    """Add a property; of one stated several times, the list."""
    if name not in item:
        item[name] = value
        return
    known = item[name]
    if isinstance(known, list):
        known.append(value)
    elif known != value:
        item[name] = [known, value]
