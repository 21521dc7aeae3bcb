"""Restore: bring a partition's local rows to the end of its changelog, read-committed.

Say where the input goes on.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher

from schemas.connections import KafkaConnection
from streams.engine import marker as markers
from streams.engine.errors import Stalled, StateHeld, Unreadable
from streams.engine.marker import Marker
from streams.engine.records import lean, waited_for
from streams.engine.stage import Record
from streams.engine.state import Local, LocalState, fresh

_KEEP_LOCAL_SECONDS = 6 * 86_400
"""Older local rows are discarded.

The changelog keeps deletions for seven days (`delete.retention.ms`) and no longer.
"""


_ROWS = 10_000
"""Changelog rows that are written to the local state at once."""


@dataclass(frozen=True)
class Restored:
    """Rows at the changelog's end.

    `marker` None when nothing was ever flushed. `reason` says why local rows were discarded.
    """

    state: LocalState
    marker: Marker | None
    replayed: int
    kept: bool
    reason: str


async def restore(
    connection: KafkaConnection,
    changelog: str,
    identity: str,
    partition: int,
    path: Path,
    clock: Callable[[], float] = time.time,
) -> Restored:
    """Restore from `changelog` whose registered identity is `identity`.

    The partition's producer must be open already: it has aborted its predecessor, so the end that is read here stays.
    """
    state, local, reason = _open(path)
    tp = TopicPartition(changelog, partition)
    consumer = AIOKafkaConsumer(
        **connection.client_options(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    try:
        begin = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        if local is not None:
            reason = _unusable(local, identity, end, clock())
            if reason:
                state, local = state.discard(), None
        replay = await _replay(consumer, tp, begin if local is None else local.marker_offset, end, state, local)
        if local is not None and not replay.continues:
            reason = "the changelog does not continue the local rows"
            state, local = state.discard(), None
            replay = await _replay(consumer, tp, begin, end, state, None)
    finally:
        await consumer.stop()
    if replay.marker is None and replay.records:
        state.close()
        raise Unreadable(
            f"{changelog} partition {partition} holds {replay.records} rows and no marker: somebody else wrote there,"
            " or deleted from it. Start a new generation: `marsad replay`"
        )
    if replay.marker is None:
        return Restored(state, None, replay.records, kept=False, reason=reason)
    state.write({}, Local(identity, replay.marker_offset, replay.marker, clock()))
    return Restored(state, replay.marker, replay.records, kept=local is not None, reason=reason)


def _open(path: Path) -> tuple[LocalState, Local | None, str]:
    try:
        state = LocalState(path)
        local = state.local()
    except Exception as error:  # rocksdict raises bare Exception, whatever it is
        if "While lock file" in str(error):
            raise StateHeld(
                f"the local rows in {path} are in use by another process (a worker that was paused?): it must end first"
            ) from error
        return fresh(path), None, f"unreadable local rows: {error}"
    if local is None:
        return state.discard(), None, ""
    return state, local, ""


def _unusable(local: Local, identity: str, end: int, now: float) -> str:
    if local.identity != identity:
        return "the local rows belong to another changelog"
    if local.marker_offset >= end:
        return "the local rows are ahead of the changelog"
    if now - local.saved_at > _KEEP_LOCAL_SECONDS:
        return "the local rows are older than the changelog's deletions"
    return ""


def _read_marker(record: Record, tp: TopicPartition) -> Marker:
    """Decode a changelog's marker. Raises Unreadable for one of a later version, or of something else."""
    where = f"the marker at offset {record.offset} of {tp.topic} partition {tp.partition}"
    try:
        marker = markers.decode(record.value or b"")
    except (ValueError, msgspec.MsgspecError) as error:
        raise Unreadable(
            f"{where} cannot be read ({error}): run the version that wrote it or a later one, or start a new"
            " generation: `marsad replay`"
        ) from error
    if marker.partition != tp.partition:
        raise Unreadable(f"{where} is of partition {marker.partition}: this changelog is a copy of another's")
    return marker


@dataclass
class _Replay:
    marker: Marker | None = None
    marker_offset: int = -1
    records: int = 0
    continues: bool = False


async def _replay(
    consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int, state: LocalState, local: Local | None
) -> _Replay:
    """Apply [start, end). With `local`, `continues` says whether these records follow from it.

    Raises Stalled when the consumer fetches no more.
    """
    replay = _Replay()
    consumer.assign([tp])
    consumer.seek(tp, start)  # at once: a position reset that assigning has begun must not come after it
    fetcher = consumer._fetcher  # noqa: SLF001 - a changelog of millions of rows is read without aiokafka's records
    while await consumer.position(tp) < end:
        lean(fetcher, _ROWS)
        fetched = await consumer.getmany(tp, timeout_ms=0)
        if not fetched:
            await _more(fetcher, tp)
            continue
        changes: dict[bytes, bytes | None] = {}
        for record in fetched.get(tp, ()):
            if record.offset >= end:
                break
            replay.records += 1
            if record.key == markers.KEY:
                replay.marker, replay.marker_offset = _read_marker(record, tp), record.offset
                if local is not None and not replay.continues:
                    same = record.offset == local.marker_offset and replay.marker == local.marker
                    later = record.offset > local.marker_offset and replay.marker.sequence > local.marker.sequence
                    if not (same or later):
                        return replay
                    replay.continues = True
            elif record.key is not None:  # as all of a compacted topic are
                changes[record.key] = record.value
        if changes:
            state.write(changes, None)
    return replay


async def _more(fetcher: Fetcher, tp: TopicPartition) -> None:
    """Wait for half a second, or until something has come. Raises Stalled when nothing can any more."""
    if fetcher.error_future.done():  # aiokafka logs what ended it, and whoever waits for records waits on
        raise Stalled(f"{tp.topic} partition {tp.partition} can no longer be fetched: {fetcher.error_future}")
    await waited_for(fetcher, 0.5)
