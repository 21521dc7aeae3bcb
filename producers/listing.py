"""What connectors hand over while they read a source: batches of items, and at the end what the listing showed."""

from dataclasses import dataclass

from producers.checkpoint import Page
from producers.shape import Reject
from schemas.messages import Posting


@dataclass(frozen=True)
class Batch:
    """Items of document `name` and the state in which it then is.

    `unchanged`: it shows what it showed (`items` is empty). `more` says that these items follow those of an earlier
    batch of the same reading.
    """

    name: str
    items: tuple[Posting | Reject, ...]
    page: Page
    unchanged: bool = False
    more: bool = False


@dataclass(frozen=True)
class Sweep:
    """The end of a reading: the documents that the listing now consists of.

    `full`: it lists all ads, so what it does not show is gone. `complete`: every document was read or known.
    `atomic`: it was one document, so that no ad can have slipped between two pages.
    """

    pages: frozenset[str]
    full: bool
    complete: bool
    atomic: bool
    trouble: str = ""
