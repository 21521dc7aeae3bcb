"""Deduplicate: what one sighting changes in what is known of its ad.

Attributes are last-write-wins by observation time, ties to the greater content hash; first and last sighting are the
extremes of all; so the result depends on the set of sightings and not on their order.
"""

from hashlib import blake2b
from typing import Literal
from zlib import crc32

import msgspec

from schemas.messages import Posting

Outcome = Literal["new", "updated", "unchanged"]

DAY = 86_400
BELIEVED_DAYS = 3660
"""A deadline further ahead than ten years of the last sighting is a slip of a pen ("2205"), not a date."""

IMPUTED_DAYS = 42
"""An ad that is neither removed nor dated is taken to close six weeks after the day on which it was last seen."""

_TOLD = ("date_raw", "lang", "lang_portal")
"""How a portal words an ad's age ("il y a 3 jours") changes daily and says nothing new."""

_CONTENT = tuple(
    name
    for name in Posting.__struct_fields__
    if name not in {"v", "source", "id", "observed_at", "event", *_TOLD}  # when it was seen is no content either
)
_encoder = msgspec.json.Encoder()


class Known(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one ad. Times are epoch seconds UTC; `removed` is the latest removal seen, 0 for none.

    `observed` is the observation time of the attributes (content `hash`); `log` the log time of the latest sighting.
    """

    hash: bytes
    observed: int
    first: int
    last: int
    removed: int
    log: int
    born: int

    @property
    def gone(self) -> bool:
        """Removed, and not seen since."""
        return self.removed > self.last

    @property
    def last_day(self) -> int:
        """Start of the day of the last sighting, or the first sighting where that is later."""
        return max(self.last - self.last % DAY, self.first)


def content_hash(posting: Posting) -> bytes:
    """Eight bytes that differ when anything but the sighting itself differs."""
    return blake2b(_encoder.encode([getattr(posting, name) for name in _CONTENT]), digest_size=8).digest()


def told(posting: Posting) -> int:
    """Four bytes that differ when what is read besides the content differs, but for the time of the sighting."""
    return crc32(_encoder.encode([getattr(posting, name) for name in _TOLD]))


def first_sight(posting: Posting, log: int, offset: int) -> Known:
    """The ad as its first sighting shows it."""
    observed = int(posting.observed_at.timestamp())
    return Known(content_hash(posting), observed, observed, observed, 0, log, offset)


def sight(known: Known, posting: Posting, log: int) -> tuple[Known, Outcome]:
    """Fold a sighting or a removal into what is known; the outcome speaks of content and removal, not of times seen."""
    observed = int(posting.observed_at.timestamp())
    log = max(log, known.log)
    if posting.event == "removed":
        removed = max(known.removed, observed)
        outcome: Outcome = "updated" if removed != known.removed and removed > known.last else "unchanged"
        return msgspec.structs.replace(known, removed=removed, log=log), outcome
    first, last = min(known.first, observed), max(known.last, observed)
    digest = content_hash(posting)
    newer = (observed, digest) > (known.observed, known.hash)
    changed = newer and digest != known.hash
    if newer:
        known = msgspec.structs.replace(known, hash=digest, observed=observed)
    return msgspec.structs.replace(known, first=first, last=last, log=log), "updated" if changed else "unchanged"


def expired(known: Known, log: int, lifetime: int | None) -> bool:
    """Whether an ad was unseen for `lifetime` seconds of log time (None.

    Forever kept): it would come back as another.
    """
    return lifetime is not None and log - known.log > lifetime


def closing(known: Known, deadline_day: int | None) -> tuple[int, Literal["removed", "deadline", "imputed"]]:
    """When the ad closes, as known now (definitions.md).

    Removal, else a deadline no sighting contradicts, else imputed.

    `deadline_day` is the start of the last day on which the ad is valid; it closes in that day's last minute.
    An imputed closing falls on the day of the last sighting + 42 days, at its start, whatever the hour of the sighting:
    the order in which a day's sightings arrive changes nothing.
    """
    if known.gone:
        return max(known.removed, known.first), "removed"
    last_day = known.last - known.last % DAY
    if deadline_day is not None and last_day <= deadline_day <= last_day + BELIEVED_DAYS * DAY:
        return max(deadline_day + DAY - 60, known.first), "deadline"
    return max(last_day + IMPUTED_DAYS * DAY, known.first), "imputed"
