"""What `marsad doctor` says of what it measured. Pure: measurements in, findings with their way out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from streams.engine.marker import Marker

Verdict = Literal["ok", "failed", "unknown"]

REPLAY = "`marsad replay` makes a new generation from the raw topic"
LEAST_FREE_MB = 1024


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, the verdict, what was found, and what to do where it failed."""

    check: str
    verdict: Verdict
    detail: str
    way_out: str = ""


@dataclass(frozen=True)
class InputStands:
    """One input partition of a stage: offsets [first, end), what the group committed, and the topic's identity now."""

    topic: str
    partition: int
    first: int
    end: int
    committed: int | None
    identity: str


def passed(check: str, detail: str) -> Finding:
    """A check that found nothing wrong."""
    return Finding(check, "ok", detail)


def failed(check: str, detail: str, way_out: str) -> Finding:
    """A check that found something wrong."""
    return Finding(check, "failed", detail, way_out)


def summed_up(check: str, problems: Sequence[Finding], detail: str) -> list[Finding]:
    """The problems, or one finding that there are none."""
    return list(problems) or [passed(check, detail)]


def of_inputs(stage: str, markers: Mapping[int, Marker], stands: Sequence[InputStands]) -> list[Finding]:
    """Hold a stage's markers against its inputs: committed ≤ marker ≤ end, and nothing deleted after the marker."""
    problems: list[Finding] = []
    check = f"marker of {stage}"
    for one in stands:
        marker = markers.get(one.partition)
        position = marker.positions.get(one.topic) if marker is not None else None
        where = f"{one.topic} partition {one.partition}"
        if position is None:
            if one.committed:
                problems.append(
                    failed(check, f"{where}: the group committed {one.committed}, no marker covers it", REPLAY)
                )
            continue
        if position.identity != one.identity:
            problems.append(failed(check, f"{where} was recreated since the marker was written", REPLAY))
        elif position.next > one.end:
            problems.append(failed(check, f"{where} ends at {one.end}, before the marker's {position.next}", REPLAY))
        elif position.next < one.first:
            lost = one.first - position.next
            problems.append(
                failed(check, f"{where}: {lost} records after the marker were deleted by retention", REPLAY)
            )
        if one.committed is not None and one.committed > position.next:
            ahead = f"{where}: the group committed {one.committed}, the marker says {position.next}"
            problems.append(failed(check, ahead, REPLAY))
    return summed_up(
        check, problems, f"{len(markers)} partitions flushed; the group is not ahead, nothing after it is lost"
    )


def of_identities(registered: Mapping[str, str], now: Mapping[str, str], names: Sequence[str]) -> list[Finding]:
    """Hold the registered identities of topics against what the brokers say."""
    check = "topic identities"
    problems = [
        failed(check, f"{name} was recreated after Marsad registered it", REPLAY)
        for name in names
        if name in now and name in registered and registered[name] != now[name]
    ]
    problems += [
        failed(check, f"{name} is not in the registry", "`marsad topics` registers it")
        for name in names
        if name in now and name not in registered
    ]
    return summed_up(check, problems, f"{len(names)} topics are those that were registered")


def of_stopped(held: Mapping[str, str]) -> list[Finding]:
    """Name the processes that refused to go on."""
    problems = [
        failed("stopped processes", f"{name}: {message}", "repair the cause, then `marsad resume`")
        for name, message in held.items()
    ]
    return summed_up("stopped processes", problems, "none")


def of_space(free_mb: int) -> Finding:
    """Judge the room that is left for the data directory."""
    if free_mb < LEAST_FREE_MB:
        return failed("disk", f"{free_mb} MB free", "make room, or move MARSAD_DATA_DIR to another disk")
    return passed("disk", f"{free_mb} MB free")
