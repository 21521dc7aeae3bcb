"""Which address comes after a page of a listing: numbers, offsets, cursors and links. Pure."""

from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from yarl import URL

from producers.sources import Paging


@dataclass(frozen=True)
class Seen:
    """What a page told: how many `items`, and where it says so the `last` page number, the `total` and the `next`.

    `next` is a cursor, or an address.
    """

    items: int
    last: int | None = None
    total: int | None = None
    next: str = ""


def first(url: str, paging: Paging | None) -> str:
    """Return the address of the first page."""
    if paging is None or paging.style in {"cursor", "link"}:
        return url
    return at(url, paging, str(paging.start))


def at(url: str, paging: Paging, value: str) -> str:
    """Return the address of the page that `value` names: a number, an offset, a cursor."""
    if paging.address:
        return urljoin(url, paging.address.replace("{page}", quote(value, safe="")))
    return str(URL(url).update_query({paging.parameter: value}))


def following(url: str, paging: Paging | None, *, index: int, seen: Seen, read: int) -> str:
    """Return the address after page `index` (from 0) of the listing at `url`; empty when that was the last.

    `read` is how many items the listing has shown so far, this page's included.
    """
    if paging is None or seen.items == 0:
        return ""
    match paging.style:
        case "page":
            number = paging.start + index
            ended = seen.last is not None and number >= seen.last
            return "" if ended else at(url, paging, str(number + 1))
        case "offset":
            ended = seen.total is not None and read >= seen.total
            step = (index + 1) * paging.size if paging.size else read
            return "" if ended else at(url, paging, str(paging.start + step))
        case "cursor":
            return at(url, paging, seen.next) if seen.next else ""
        case "link":
            address = urljoin(url, seen.next) if seen.next else ""
            return address if urlsplit(address).netloc.lower() == urlsplit(url).netloc.lower() else ""
