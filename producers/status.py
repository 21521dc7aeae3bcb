"""How a source is doing, told at each poll. Pure."""

from datetime import datetime, timedelta

from producers.checkpoint import Checkpoint
from producers.novelty import Verdict, usual
from producers.sources import Source, kind
from producers.web.failure import Disallowed, FetchFailed, Forbidden, Refused
from schemas.messages import SourceState, SourceStatus

SILENT_AFTER = 3
"""Intervals without a successful poll after which a source is silent, and not just degraded."""


def polled(  # noqa: PLR0913 (a poll's facts)
    source: Source,
    memory: Checkpoint,
    verdict: Verdict,
    *,
    at: datetime,
    published: int,
    rejected: int,
    trouble: str,
    filled: float | None = None,
    usual: float | None = None,
) -> SourceStatus:
    """Return the status after a reading that came to its end.

    Degraded when it is not to be believed, had trouble, or shows no more what it always showed. `filled` is its parse
    yield, `usual` the count of this hour of the week, where that is known.
    """
    expected = verdict.expected if usual is None else usual
    if not verdict.believed and not trouble:
        trouble = f"{verdict.seen} items where {verdict.expected or 0:.0f} are usual: not believed"
    trouble = "; ".join(filter(None, (trouble, _lost(memory))))
    state: SourceState = "degraded" if trouble else "ok"
    if verdict.seen == 0 and verdict.expected:
        state = "silent"
    return SourceStatus(
        source=source.name,
        at=at,
        state=state,
        kind=kind(source),
        seen=verdict.seen,
        expected=expected,
        published=published,
        rejected=rejected,
        last_success=memory.last_success,
        message=trouble,
        filled=filled,
        drifted=memory.drifted,
    )


def failed(source: Source, memory: Checkpoint, failure: Exception, *, at: datetime) -> SourceStatus:
    """Return the status after a reading that failed: blocked when the host refused, silent when it has long been so."""
    patience = timedelta(seconds=SILENT_AFTER * source.interval)
    state: SourceState = "degraded"
    if isinstance(failure, Refused | Disallowed | Forbidden):
        state = "blocked"
    elif memory.last_success is None or at - memory.last_success > patience:
        state = "silent"
    told = str(failure) if isinstance(failure, FetchFailed) else f"internal: {failure!r}"
    return SourceStatus(
        source=source.name,
        at=at,
        state=state,
        kind=kind(source),
        expected=usual(memory),
        last_success=memory.last_success,
        message="; ".join(filter(None, (told, _lost(memory)))),
        drifted=memory.drifted,
    )


def _lost(memory: Checkpoint) -> str:
    return f"always filled, and empty now: {', '.join(memory.drifted)}" if memory.drifted else ""


def paused(source: Source, memory: Checkpoint, *, at: datetime) -> SourceStatus:
    """Return the status of a source that the operator paused."""
    return SourceStatus(source=source.name, at=at, state="paused", kind=kind(source), last_success=memory.last_success)
