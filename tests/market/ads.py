"""The ads of a market of 40 portals, drawn by seed: as first shown, a tenth edited, a twentieth removed. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

LAYOUT = (
    ("page", 8), ("offset", 2), ("cursor", 4), ("link", 3), ("delta", 2), ("ndjson", 6), ("csv", 4), ("parquet", 2),
    ("rss", 3), ("html", 3), ("sitemap", 3),
)  # fmt: skip
"""Kinds of portal, and how many of each: 40."""

SMALL = {"rss": 0.01, "html": 0.02, "sitemap": 0.05 / 3}
"""Share of all items that a portal of these kinds has; the others have the rest, evenly. Pages of one item are 5 %."""

FEWEST = 12
PHASES = 3
CITIES = ("Casablanca", "Rabat", "Fès", "Tanger", "Agadir", "Oujda", "Laâyoune")


@dataclass(frozen=True)
class Item:
    """An ad in a phase."""

    id: str
    title: str
    city: str
    text: str
    changed: int


@dataclass(frozen=True)
class Spec:
    """A portal: its number, kind and how many ads it starts with."""

    number: int
    kind: str
    count: int
    seed: int

    @property
    def name(self) -> str:
        """The source's name."""
        return f"m{self.number:02d}-{self.kind}"

    def size(self, phase: int) -> int:
        """How many ads a phase has: a twentieth less from the third on."""
        return self.count - ((self.count + 12) // 20 if phase >= 2 else 0)

    def item(self, number: int, phase: int) -> Item:
        """The ad of a number: a tenth of them is edited from the second phase on."""
        edited = phase >= 1 and number % 10 == 3
        draw = number * 7919 + self.number * 104_729 + self.seed
        text = f"Mission {draw % 9973} de l'équipe {draw % 31} : accueil, suivi et compte rendu n° {number}. " * 2
        title = f"Poste {number} – équipe {draw % 977}{' (modifié)' if edited else ''}"
        return Item(f"{self.number}-{number}", title, CITIES[draw % len(CITIES)], text, int(edited))

    def items(self, phase: int, start: int = 0, stop: int | None = None) -> Iterator[Item]:
        """The ads of a phase, from the place `start` up to `stop` of their list."""
        last = self.size(phase)
        for place in range(start, last if stop is None else min(stop, last)):
            block, rest = divmod(place, 19)  # of twenty ads, the eighth goes
            yield self.item(place if phase < 2 else 20 * block + rest + (rest >= 7), phase)

    def shows(self, identity: str, phase: int) -> Item | None:
        """The ad of an identity, if the phase has it."""
        of, _, told = identity.partition("-")
        number = int(told) if of == str(self.number) and told.isdecimal() else self.count
        return self.item(number, phase) if number < self.count and not (phase >= 2 and number % 20 == 7) else None

    def versions(self) -> Iterator[Item]:
        """Every state in which an ad stands in some phase."""
        yield from self.items(0)
        yield from (self.item(number, 1) for number in range(3, self.count, 10))

    def removed(self) -> Iterator[str]:
        """The ids that are gone in the last phase."""
        return (f"{self.number}-{number}" for number in range(7, self.count, 20))


def specs(items: int, seed: int) -> list[Spec]:
    """The portals of a market of about so many items."""
    kinds = [kind for kind, count in LAYOUT for _ in range(count)]
    small = sum(SMALL.get(kind, 0.0) for kind in kinds)
    rest = (1 - small) / sum(kind not in SMALL for kind in kinds)
    counts = [max(FEWEST, int(items * SMALL.get(kind, rest))) for kind in kinds]
    return [Spec(number, kind, counts[number], seed) for number, kind in enumerate(kinds)]
