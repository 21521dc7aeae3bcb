"""What each portal shows at an instant.

The ads published until then, with their edits and removals. Grows with time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from deploy.market.world import MINUTE, Ad, Market, Portal, Vacancy

SHOWN_AFTER_REMOVAL = 600
"""Seconds for which a portal that says so shows an ad as removed before it drops it."""


@dataclass(frozen=True)
class Shown:
    """An ad as it stands: its version grows with an edit."""

    vacancy: Vacancy
    ad: Ad
    version: int
    changed: int
    removed: bool


class Shelf:
    """The live ads of an epoch. `advance` takes time forward; while it is not called, nothing new appears."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self._reached = market.begin
        self._withheld: list[tuple[int, int]] = []
        self.vacancies: list[Vacancy] = []
        self.now = market.begin

    def advance(self, now: int) -> None:
        """Bring everything up to `now` (epoch seconds)."""
        whole = now - now % MINUTE + MINUTE
        if whole > self._reached:
            self.vacancies.extend(self.market.born(self._reached, whole))
            self._reached = whole
        self.now = now

    def skip(self, start: int, end: int) -> None:
        """Nothing appeared between these instants: the market was paused."""
        self._withheld.append((start, end))
        self.now = end

    def published(self, vacancy: Vacancy) -> list[Ad]:
        """The ads of a vacancy that were shown by now."""
        return [ad for ad in vacancy.ads if ad.appears <= self.now and not self._paused(ad.appears)]

    def _paused(self, at: int) -> bool:
        return any(start <= at < end for start, end in self._withheld)

    def shown(self, portal: Portal) -> Iterator[Shown]:
        """Every ad that a portal has shown since the epoch began, as it stands, oldest first."""
        for vacancy in self.vacancies:
            for ad in self.published(vacancy):
                if ad.portal == portal:
                    edited = bool(ad.edited) and ad.edited <= self.now
                    removed = bool(ad.removed) and ad.removed <= self.now
                    at = ad.removed if removed else ad.edited if edited else ad.appears
                    yield Shown(vacancy, _edited(ad) if edited else ad, int(edited), at, removed)


def _edited(ad: Ad) -> Ad:
    more = {"fr": " Plusieurs postes à pourvoir.", "ar": " عدة مناصب شاغرة.", "en": " Several openings."}[ad.lang]
    return replace(ad, text=ad.text + more, contract=ad.contract or "CDD")
