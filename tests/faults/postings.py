"""Seeded postings: new ads, copies on other portals, sightings again, edits, removals. The test's own words only."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from schemas.messages import Posting

TITLES = (
    "Comptable",
    "Infirmier",
    "Chauffeur poids lourd",
    "Développeur web",
    "Électricien bâtiment",
    "Serveur de restaurant",
    "Professeur de mathématiques",
    "Agent de sécurité",
    "Mécanicien automobile",
    "Technicien de maintenance",
    "Assistante de direction",
    "Ingénieur génie civil",
    "Cuisinier",
    "Soudeur",
    "Commercial",
    "Téléconseiller",
)
COMPANIES = tuple(f"Société {name}" for name in ("Atlas", "Rif", "Souss", "Toubkal", "Draa", "Sebou", "Ziz", "Todra"))
CITIES = ("Casablanca", "Rabat", "Fès", "Tanger", "Agadir", "Oujda", "Marrakech", "Laâyoune", "Béni Mellal", "")
PORTALS = ("p1", "p2", "p3")
_BACK_DAYS = 20


class Market:
    """Draws sightings; two of the same seed and calls draw the same, but for `now`."""

    def __init__(self, seed: int, now: datetime) -> None:
        self._draw = random.Random(seed)
        self._now = now
        self._ads: list[Posting] = []
        self._made = 0

    def sightings(self, count: int) -> Iterator[Posting]:
        """Draw the next sightings, observed within the last twenty days."""
        for _ in range(count):
            yield self._sighting()

    def fresh(self, count: int, observed: datetime, *, source: str) -> Iterator[Posting]:
        """New ads of one source, observed at and shortly before `observed`; nothing else touches them."""
        for _ in range(count):
            yield self._new(source, observed - timedelta(seconds=self._draw.randrange(3600)))

    def _sighting(self) -> Posting:
        draw = self._draw.random()
        observed = self._now - timedelta(seconds=self._draw.randrange(_BACK_DAYS * 86_400))
        if draw < 0.4 or not self._ads:
            ad = self._new(self._draw.choice(PORTALS), observed)
            self._ads.append(ad)
            return ad
        at = self._draw.randrange(len(self._ads))
        ad = self._ads[at]
        if draw < 0.52:
            copy = _changed(ad, source=self._draw.choice(PORTALS), id=self._name(), observed_at=observed)
            self._ads.append(copy)
            return copy
        if draw < 0.8:
            return _changed(ad, observed_at=observed)
        if draw < 0.93:
            edited = _changed(ad, city=self._draw.choice(CITIES) or None, observed_at=observed)
            self._ads[at] = edited
            return edited
        return Posting(ad.source, ad.id, ad.side, observed, event="removed")

    def _new(self, source: str, observed: datetime) -> Posting:
        seeker = self._draw.random() < 0.15
        return Posting(
            source,
            self._name(),
            "seeker" if seeker else "offer",
            observed,
            title=self._draw.choice(TITLES),
            company=None if seeker else self._draw.choice(COMPANIES),
            city=self._draw.choice(CITIES) or None,
            description="CDI, débutant accepté." if self._draw.random() < 0.5 else None,
            positions=self._draw.choice((None, None, "2", "5")),
        )

    def _name(self) -> str:
        self._made += 1
        return str(self._made)


def _changed(posting: Posting, **changes: object) -> Posting:
    fields = {name: getattr(posting, name) for name in Posting.__struct_fields__}
    return Posting(**{**fields, **changes})


def utc_now() -> datetime:
    """The current second."""
    return datetime.now(UTC).replace(microsecond=0)
