"""Which elements of a page are its ads: the repeated blocks that hold titles, places and dates. Pure."""

import re
from collections import defaultdict
from dataclasses import dataclass
from math import log
from statistics import fmean

from selectolax.lexbor import LexborHTMLParser, LexborNode

from producers.detect.words import date_in, has_place, has_trade
from producers.html.pick import lines

FEWEST = 3
"""Blocks that make a list."""

SAMPLED = 8
"""Blocks of a list that are looked at."""

_NEVER = frozenset(
    {"script", "style", "option", "br", "input", "noscript", "template", "col", "meta", "link", "path", "svg"}
)
_VARIABLE = re.compile(
    r"\d|^(?:odd|even|first|last|active|featured|premium|urgent|new|top|highlight|sponsored|alt|selected)\b"
)
_IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")


@dataclass(frozen=True)
class Blocks:
    """A list of blocks: the selector that gives them, the blocks, and how much they look like ads."""

    selector: str
    nodes: tuple[LexborNode, ...]
    worth: float


def classes(node: LexborNode) -> tuple[str, ...]:
    """Return the classes of an element that its likes have too: no numbers, no states."""
    written = (node.attributes.get("class") or "").split()
    return tuple(name for name in written if _IDENTIFIER.fullmatch(name) and not _VARIABLE.search(name))


def lists(page: LexborHTMLParser) -> list[Blocks]:
    """Return the lists of a page, those that look most like ads first."""
    groups: dict[str, list[LexborNode]] = defaultdict(list)
    body = page.body
    if body is None:
        return []
    for node in body.traverse():
        tag = node.tag or ""
        if tag in _NEVER or not tag.isalnum() or node.parent is None or node.child is None:
            continue
        for selector in _selectors(node):
            groups[selector].append(node)
    found: dict[tuple[int, ...], Blocks] = {}
    for selector, nodes in groups.items():
        if len(nodes) < FEWEST or len(nodes) > 2000:
            continue
        key = tuple(node.mem_id for node in nodes[:50])
        if key in found and len(found[key].selector) <= len(selector):
            continue
        worth = found[key].worth if key in found else _worth(nodes)
        if worth > 0:
            found[key] = Blocks(selector, tuple(nodes), worth)
    return sorted(found.values(), key=lambda blocks: -blocks.worth)


def _selectors(node: LexborNode) -> list[str]:
    """Return the selectors of which an element may be one of many: by class, and by its place below a named one."""
    tag = node.tag or ""
    named = classes(node)
    found = [f"{tag}.{name}" for name in named]
    if len(named) > 1:
        found.append(tag + "".join(f".{name}" for name in named))
    identified = ("data-id", "data-job-id", "data-jobid", "data-offer-id")
    found += [f"{tag}[{attribute}]" for attribute in identified if node.attributes.get(attribute)]
    parent = node.parent
    if parent is None or not (parent.tag or "").isalnum():
        return found
    above = _anchor(parent)
    found.append(f"{above} > {tag}")
    if parent.parent is None or not (parent.parent.tag or "").isalnum():
        return found
    if parent.tag in {"tbody", "thead"}:
        found.append(f"{_anchor(parent.parent)} {parent.tag} > {tag}")
    if not (parent.attributes.get("id") or classes(parent)):
        found.append(f"{_anchor(parent.parent)} > {parent.tag} > {tag}")
    return found


def _anchor(node: LexborNode) -> str:
    tag = node.tag or "*"
    identity = node.attributes.get("id") or ""
    if _IDENTIFIER.fullmatch(identity) and not re.search(r"\d{2}", identity):
        return f"#{identity}"
    named = classes(node)
    return f"{tag}.{named[0]}" if named else tag


def _worth(nodes: list[LexborNode]) -> float:
    """Return how much the blocks look like ads: linked, different, of some length, with a trade, a place, a date."""
    step = max(1, len(nodes) // SAMPLED)
    sample = nodes[::step][:SAMPLED]
    shown = [lines(node) for node in sample]
    texts = [" ".join(part) for part in shown]
    lengths = [len(text) for text in texts]
    if fmean(lengths) < 15 or fmean(lengths) > 3000:
        return 0.0
    linked = fmean(any(_address(link) for link in (node, *node.css("a[href]"))) for node in sample)
    distinct = len(set(texts)) / len(texts)
    trades = fmean(has_trade(text) for text in texts)
    places = fmean(has_place(text) for text in texts)
    dates = fmean(
        any(date_in(line) for line in part) or node.css_first("[datetime]") is not None
        for node, part in zip(sample, shown, strict=True)
    )
    several = min(1.0, fmean(map(len, shown)) / 3)
    days = fmean(len({date for line in part if (date := date_in(line)) and len(line) < 60}) for part in shown)
    crowded = 0.5 if days > 3 and fmean(lengths) > 1500 else 1.0
    within = {node.mem_id for node in nodes}
    nested = sum(_inside(node, within) for node in nodes) / len(nodes)
    looks = 0.6 * linked + trades + 1.3 * places + 1.3 * dates + 0.6 * several
    return (1 - 0.7 * nested) * crowded * distinct * looks * log(len(nodes) + 1)


def _inside(node: LexborNode, group: set[int]) -> bool:
    """Whether an element lies in another of its group, which then is no list."""
    above = node.parent
    while above is not None:
        if above.mem_id in group:
            return True
        above = above.parent
    return False


def _address(node: LexborNode) -> bool:
    link = node.attributes.get("href") or ""
    return bool(link) and not link.startswith(("#", "javascript:", "mailto:", "tel:"))
