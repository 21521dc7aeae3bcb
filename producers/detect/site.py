"""Where else a site shows its ads: feeds that its pages name, sitemaps that it lists, which of their pages. Pure."""

import re
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from producers.html.parse import joined
from producers.jsonld.parse import Listed

_JOBS = re.compile(
    r"(?i)offre|emploi|job|annonce|vacan|recrut|poste|concours|career|carriere|opportunit|position|مباراة|وظيف|شغل|عمل"
)
GROUPS = 4
"""Kinds of address of a sitemap that are looked into."""


def feeds(page: LexborHTMLParser, url: str) -> list[str]:
    """Return the feeds that a page names, those that speak of jobs first."""
    found: dict[str, str] = {}
    for link in page.css('link[rel~="alternate"][href], a[href]'):
        kind = (link.attributes.get("type") or "").casefold()
        href = link.attributes.get("href") or ""
        named = any(part in kind for part in ("rss", "atom"))
        if named or re.search(r"(?i)(?:\brss\b|\batom\b|\bfeed\b)", href):
            address = joined(url, href)
            if urlsplit(address).netloc == urlsplit(url).netloc:
                found[address] = f"{href} {link.attributes.get('title') or ''}"
    return sorted(found, key=lambda address: not _JOBS.search(found[address]))


def sitemaps_of(robots: str, url: str) -> list[str]:
    """Return the sitemaps that a robots.txt lists."""
    found = [
        joined(url, line.partition(":")[2]) for line in robots.splitlines() if line.casefold().startswith("sitemap:")
    ]
    return [address for address in found if address]


def likely(sitemaps: Sequence[str]) -> list[str]:
    """Return the sitemaps of an index, those that speak of jobs first."""
    return sorted(dict.fromkeys(sitemaps), key=lambda address: not _JOBS.search(urlsplit(address).path))


def groups(pages: Sequence[Listed]) -> list[tuple[str, list[str]]]:
    """Return the kinds of address of a sitemap: a regular expression each, with its addresses.

    Those that speak of jobs first, then the largest. The expression is empty where all are of one kind.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for page in pages:
        found[_kind(page.url)].append(page.url)
    if len(found) == 1:
        return [("", next(iter(found.values())))]
    ordered = sorted(found.items(), key=lambda group: (not _JOBS.search(group[0]), -len(group[1])))
    return ordered[:GROUPS]


def _kind(url: str) -> str:
    """Return the regular expression of an address's likes: their folder, or that their names hold a number."""
    steps = [step for step in urlsplit(url).path.split("/") if step]
    folders = [step for step in steps[:-1] if not re.search(r"\d", step)]
    if folders:
        return re.escape("/" + "/".join(folders[:2]) + "/").replace(r"\-", "-")
    name = steps[-1] if steps else ""
    if not re.search(r"\d", name):
        return r"/[^/\d]*$"
    word = re.match(r"[A-Za-z]{3,}(?=[-_])", name)
    return f"/{word[0]}[-_][^/]*\\d" if word else r"/[^/]*\d[^/]*$"
