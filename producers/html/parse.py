"""A page of an HTML list to postings by its source's selectors. Pure; an item that cannot be read costs no other."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urldefrag, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from producers.html.pick import document, value
from producers.shape import Reject, posting
from producers.sources import HtmlSource, picks
from producers.text import repair
from producers.web.parse import NotText, text_of
from schemas.messages import Posting

Shape = Literal["listed", "empty", "unknown"]


@dataclass(frozen=True)
class HtmlPage:
    """A page's items in its order, and the address of the next page (empty: none, or none that may be followed).

    `listed`: it holds ads. `empty`: it is what the source shows when a search finds nothing. `unknown`: neither; the
    source has changed, or this is not its page.
    """

    items: list[Posting | Reject]
    shape: Shape
    next: str = ""


def parse(body: bytes, *, source: HtmlSource, url: str, observed_at: datetime, charset: str | None = None) -> HtmlPage:
    """Return what the page at `url` shows. Text that was decoded twice is repaired before it is read."""
    try:
        text = repair(text_of(body, charset))
    except NotText as wrong:
        return _unknown(source, Reject("invalid_utf8", body, str(wrong)))
    page = document(text)
    if page is None:
        return _unknown(source, Reject("malformed_html", body, "too many tags"))
    base = _base(page, url)
    items = [found for node in page.css(source.items) if (found := _item(node, source, base, observed_at))]
    if items:
        return HtmlPage(items, "listed", _next(page, source, base, url))
    if source.empty and page.css_first(source.empty):
        return HtmlPage([], "empty")
    return _unknown(source, Reject("malformed_html", body, f"no `{source.items}` with a title"))


def _unknown(source: HtmlSource, reject: Reject) -> HtmlPage:
    return HtmlPage([reject.withheld() if source.side == "seeker" else reject], "unknown")


def _base(page: LexborHTMLParser, url: str) -> str:
    """Return the address that the page's links are relative to."""
    stated = page.css_first("base[href]")
    return joined(url, stated.attributes.get("href") or "") if stated else url


def joined(base: str, link: str) -> str:
    """Return the address of `link` on a page at `base`; empty when it is none that HTTP can ask for."""
    try:
        address = urljoin(base, link.strip())
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in {"http", "https"} and parts.netloc else ""


def _item(node: LexborNode, source: HtmlSource, base: str, observed_at: datetime) -> Posting | Reject | None:
    """Return the posting of an item; None when it has no title: a banner among the ads, a heading row."""
    fields: dict[str, object] = {}
    for field, places in source.mapping.items():
        text = next((found for pick in picks(places) if (found := value(node, pick))), None)
        if text:
            fields[field] = text
    if not fields.get("title"):
        return None
    link = fields.get("url")
    if isinstance(link, str):
        fields["url"] = joined(base, link) or None
    return posting(
        fields,
        source=source.name,
        side=source.side,
        observed_at=observed_at,
        data=(node.html or "").encode("utf-8", "replace"),
        removed=source.removed,
    )


def _next(page: LexborHTMLParser, source: HtmlSource, base: str, url: str) -> str:
    """Return the address of the next page, if it is of the same host and another page."""
    link = page.css_first(source.next) if source.next else None
    while link is not None and link.tag not in {"a", "link"} and link.tag != "body":
        link = link.parent
    address = joined(base, link.attributes.get("href") or "") if link else ""
    same = urlsplit(address).netloc.lower() == urlsplit(url).netloc.lower()
    return address if same and urldefrag(address)[0] != urldefrag(url)[0] else ""
