"""What a host's robots.txt says (RFC 9309): which addresses may be asked for, and how often. Pure."""

from dataclasses import dataclass

from protego import Protego

TOKEN = "Marsad"  # noqa: S105 (the product's name in a robots.txt)
LARGEST = 512_000
"""Bytes of a robots.txt that are read: at least 500 KiB, as the RFC asks."""

KEPT = 86_400.0
"""Seconds that a robots.txt is believed: a day at most."""

KEPT_UNREACHABLE = 300.0
"""Longest time, in seconds, until an unreachable one is asked for again; until then nothing of the host may be."""

SLOWEST = 300.0
"""Longest crawl-delay, in seconds, that is taken at its word; a longer one is taken for this."""


@dataclass(frozen=True)
class Rules:
    """The rules of one host, until `until` on the clock of the one who read them."""

    text: Protego | None
    allowed: bool
    until: float

    def allow(self, url: str) -> bool:
        """Whether `url` may be asked for."""
        return bool(self.text.can_fetch(url, TOKEN)) if self.text else self.allowed

    @property
    def delay(self) -> float:
        """Seconds between two requests that the host asks for; 0 when it asks for none."""
        told = self.text.crawl_delay(TOKEN) if self.text else None
        return min(SLOWEST, max(0.0, float(told or 0.0)))


def rules(status: int, body: bytes, now: float, interval: float) -> Rules:
    """Return the rules that an answer stands for: 4xx allows everything, what is no answer allows nothing.

    `interval` is the polls' own, in seconds: an unreachable robots.txt is asked for again at the next.
    """
    if 200 <= status < 300:
        return Rules(Protego.parse(body[:LARGEST].decode("utf-8", "replace").lstrip("\ufeff")), True, now + KEPT)
    if 400 <= status < 500 and status != 429:
        return Rules(None, True, now + KEPT)
    return Rules(None, False, now + min(KEPT_UNREACHABLE, interval))
