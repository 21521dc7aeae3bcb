"""What stands where in an element of a page: its lines, and what a `Pick` keeps of them. Pure."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from producers.picks import LONGEST, even, kept
from producers.sources import Pick

TAGS = 50_000
"""Tags of a page that is read: the parser's time grows with the square of their nesting (3 s here)."""

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "footer", "form"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "label", "li", "main", "nav", "ol", "p", "section"}
    | {"table", "tbody", "td", "th", "thead", "tr", "ul"}
)
_SILENT = frozenset({"script", "style", "noscript", "template", "select", "-comment"})
_SPACES = re.compile(r"\s+")


def document(text: str) -> LexborHTMLParser | None:
    """Return the page; None when it has more than `TAGS` tags."""
    return None if text.count("<") > TAGS else LexborHTMLParser(text)


def lines(node: LexborNode) -> list[str]:
    """Return the lines of an element as a reader sees them: blocks apart, what is not shown left out."""
    parts: list[str] = []
    length = 0
    waiting: list[tuple[LexborNode | None, str]] = [(node, "")]
    while waiting and length < LONGEST:
        at, closing = waiting.pop()
        if at is None:
            parts.append(closing)
            continue
        tag = at.tag or ""
        if tag == "-text":
            text = at.text_content or ""
            parts.append(_SPACES.sub(" ", text))
            length += len(text)
            continue
        if tag in _SILENT:
            continue
        breaks = tag in _BLOCKS
        if breaks:
            parts.append("\n")
            waiting.append((None, "\n"))
        children = list(at.iter(include_text=True))
        waiting += [(child, "") for child in reversed(children)]
    return [line for part in "".join(parts).split("\n") if (line := even(part))]


def value(item: LexborNode, pick: Pick) -> str | None:
    """Return what `pick` finds in `item`; None when nothing."""
    node = item.css_first(pick.css) if pick.css else item
    if node is None:
        return None
    return kept([node.attributes.get(pick.attr) or ""] if pick.attr else lines(node), pick)
