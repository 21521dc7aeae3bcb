"""How well a source is read, beside how much: fields that are filled, and what is usual in an hour of the week. Pure.

A field that was always filled and is empty now says that the page has changed: the source is degraded until it is
filled again, though as many ads are read as ever. Where a whole page or run of rows has lost it, that is held back: it
would change every ad on it. What is still lost after a day is how the source is now.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from producers.checkpoint import Checkpoint, Hour
from producers.listing import Batch
from producers.shape import FIELDS, Reject
from schemas.messages import Posting

ENOUGH = 5
"""Ads from which a reading tells whether a field is filled."""

ALWAYS = 0.95
SURELY = 0.995
"""Share of ads that filled a field, from which a page without it is held back; a page of ads that never had it, which
every reading shows, brings the share below."""

NEVER = 0.05
BELIEVED = timedelta(days=1)
"""How long a field must be lost until the ads without it are believed."""

SMOOTHING = 0.2
WEEKS = 2
"""Weeks in which an hour must have been seen until it has a usual count of its own."""

_APART = frozenset({"age_band"})
_UNTOLD = _APART | {"source_id"}
"""Fields that do not count in the parse yield."""


@dataclass
class Tally:
    """Ads of one reading, and in how many each field is filled."""

    items: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    lost: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    """Documents of which something was held back."""

    def add(self, items: Iterable[Posting | Reject]) -> None:
        """Count the ads among `items`."""
        for item in items:
            if isinstance(item, Posting) and item.event == "seen":
                self.items += 1
                self.filled.update(name for name in FIELDS if getattr(item, name) is not None)

    def holds(self, memory: Checkpoint, part: Batch, now: datetime) -> bool:
        """Whether a batch is held back, since its ads have lost a field, or since one before it was: `memory` tells so.

        Nothing is published of it and nothing else noted, so that it is asked for again. What comes after it and only
        says that all was read (no items) is held back, too.
        """
        lost = lacking(memory, part.items)
        if lost or part.name in self.held:
            self.lost.update(lost)
            self.held.add(part.name)
            memory.drifted = tuple(name for name in FIELDS if name in self.lost or name in memory.drifted)
            memory.lost_since = memory.lost_since or now.isoformat()
            return True
        return bool(self.held) and not part.items and not part.unchanged


def lacking(memory: Checkpoint, items: Iterable[Posting | Reject]) -> tuple[str, ...]:
    """Return the fields that this source always fills and that its ads here, if they are enough, all lack."""
    shown = [item for item in items if isinstance(item, Posting) and item.event == "seen"]
    if len(shown) < ENOUGH:
        return ()
    usual = (name for name, share in memory.filled.items() if share >= SURELY)
    return tuple(name for name in usual if all(getattr(item, name) is None for item in shown))


def believe(memory: Checkpoint, now: datetime) -> None:
    """Forget in `memory` that the source filled what it has lost for a day."""
    if not memory.lost_since or now - datetime.fromisoformat(memory.lost_since) < BELIEVED:
        return
    memory.filled = {name: share for name, share in memory.filled.items() if name not in memory.drifted}
    memory.drifted, memory.lost_since = (), ""


def parse_yield(memory: Checkpoint, tally: Tally) -> float | None:
    """Share of the fields that this source ever fills which are filled now; None where nothing was read."""
    known = [name for name, share in memory.filled.items() if share > NEVER and name not in _UNTOLD]
    if not tally.items or not known:
        return None
    return round(sum(min(1.0, tally.filled[name] / tally.items) for name in known) / len(known), 3)


def note(memory: Checkpoint, tally: Tally, *, complete: bool = True) -> None:
    """Note in `memory` what a reading filled, and which fields it lost. A lost field keeps its usual share.

    What was held back is lost until a reading is `complete` without holding anything back.
    """
    lost = set(tally.lost)
    if tally.items >= ENOUGH:
        shares: dict[str, float] = {name: tally.filled[name] / tally.items for name in FIELDS if name not in _APART}
        lost |= {name for name, share in shares.items() if share < NEVER and memory.filled.get(name, 0.0) >= ALWAYS}
        usual = dict(memory.filled)
        for name, share in shares.items():
            before = usual.get(name, share)
            if name not in lost and (before or share):
                usual[name] = round(before + SMOOTHING * (share - before), 4)
        memory.filled = usual
    if tally.items >= ENOUGH or tally.lost or (complete and memory.lost_since):
        memory.drifted = tuple(name for name in FIELDS if name in lost)
    if complete and not tally.lost:
        memory.lost_since = ""


def hour_of_week(at: datetime) -> str:
    """Return the hour of the UTC week, 0 to 167, Monday first."""
    return str(24 * at.weekday() + at.hour)


def expected(memory: Checkpoint, at: datetime) -> float | None:
    """Return the usual count of this hour of the week; None until it was seen in two weeks."""
    hour = memory.hours.get(hour_of_week(at))
    return hour.count if hour is not None and hour.weeks >= WEEKS else None


def count(memory: Checkpoint, seen: int, at: datetime) -> None:
    """Note in `memory` that a believed reading of this hour showed `seen` ads."""
    name, week = hour_of_week(at), f"{at:%G-%V}"
    before = memory.hours.get(name)
    if before is None:
        now = Hour(float(seen), 1, week)
    else:
        usual = round(before.count + SMOOTHING * (seen - before.count), 2)
        now = Hour(usual, before.weeks + (before.last != week), week)
    memory.hours = {**memory.hours, name: now}
