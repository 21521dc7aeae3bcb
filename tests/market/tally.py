"""What of a market arrived: each version that stood in the raw topic, once in the unique one, and nothing else. Pure.

A version is held as the hash of its text, so that a million take some hundred megabytes.
"""

from collections.abc import Iterable
from itertools import islice

from schemas.messages import Posting
from tests.market.ads import Item, Spec

SHOWN = 5
"""Examples that are kept of what is wrong."""

MOST = 255


def _version(source: str, identity: str, title: str, city: str, text: str) -> int:
    return hash((source, identity, title, city, text))


def _stood(source: str, item: Item) -> int:
    return _version(source, item.id, item.title, item.city, item.text.strip())


class Tally:
    """Counts of versions and removals, against those that a market had."""

    def __init__(self, market: Iterable[Spec]) -> None:
        self._market = tuple(market)
        stood = (_stood(spec.name, item) for spec in self._market for item in spec.versions())
        self._places = {version: place for place, version in enumerate(stood)}
        self._raw, self._unique = bytearray(len(self._places)), bytearray(len(self._places))
        self._gone: set[tuple[str, str]] = set()
        # A feed shows its latest ads: what it no longer shows may stand.
        self._leave = {(s.name, identity) for s in self._market if s.kind != "rss" for identity in s.removed()}
        self.invented = 0
        self.examples: list[tuple[str, str, str | None, str | None]] = []

    def raw(self, posting: Posting) -> None:
        """Take a posting of the raw topic."""
        if posting.event == "removed":
            self._gone.add((posting.source, posting.id))
        else:
            self._count(self._raw, posting)

    def unique(self, posting: Posting) -> None:
        """Take a posting of the unique topic."""
        if posting.event == "seen":
            self._count(self._unique, posting)

    def _count(self, counts: bytearray, posting: Posting) -> None:
        told = (posting.title or "", posting.city or "", posting.description or "")
        place = self._places.get(_version(posting.source, posting.id, *told))
        if place is not None:
            counts[place] = min(MOST, counts[place] + 1)
            return
        self.invented += 1
        if len(self.examples) < SHOWN:
            self.examples.append((posting.source, posting.id, posting.title, posting.city))

    @property
    def stood(self) -> int:
        """Versions that stood."""
        return len(self._places)

    @property
    def in_raw(self) -> int:
        """Versions that are in the raw topic."""
        return self.stood - self._raw.count(0)

    @property
    def repeated(self) -> int:
        """Versions that are in the raw topic more than once."""
        return self.in_raw - self._raw.count(1)

    @property
    def once(self) -> int:
        """Versions that are in the unique topic once."""
        return self._unique.count(1)

    @property
    def removals(self) -> tuple[int, int, int]:
        """Ads that left; those of them whose removal is in the raw topic; removals of ads that did not leave."""
        return len(self._leave), len(self._leave & self._gone), len(self._gone - self._leave)

    @property
    def exact(self) -> bool:
        """Whether the account is: all in raw, each once in unique, none invented, every removal and no other."""
        left, told, wrong = self.removals
        return self.in_raw == self.once == self.stood and not self.invented and left == told and not wrong

    def lacking(self) -> list[tuple[str, str]]:
        """The first versions that are not in the raw topic or not once in the unique one, by source and title."""
        known = ((spec.name, item) for spec in self._market for item in spec.versions())
        wrong = (
            (name, item.title)
            for name, item in known
            if not self._raw[place := self._places[_stood(name, item)]] or self._unique[place] != 1
        )
        return list(islice(wrong, SHOWN))
