"""Stage `detect`: spikes. Reads `market-counts` and `source-status`, both of one partition, writes `market-alerts`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.messages import Alert, Count, SourceStatus
from schemas.topics import Namespace
from streams.detect import SECONDS, WEEK, DetectOptions, Spike, Window, spikes
from streams.engine.stage import Output, Record, State
from streams.versions import known

RECENT: dict[Window, int] = {"hour": 12, "day": 3}
"""A change of a count, or of one that it is compared with, re-evaluates so many windows up to the clock's.

Older verdicts stand.
"""


class _Standing(msgspec.Struct, frozen=True, array_like=True):
    """An alert as last sent."""

    event: str
    count: int
    last: int
    flagged: tuple[str, ...] = ()


_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_count = msgspec.json.Decoder(Count).decode
_status = msgspec.json.Decoder(SourceStatus).decode
_unpack_hour = msgspec.msgpack.Decoder(dict[int, int]).decode
_unpack_standing = msgspec.msgpack.Decoder(dict[str, _Standing]).decode


class DetectStage:
    """The fold of `detect`: counts by hour and by day a series, verdicts re-evaluated where one changed."""

    name = "detect"

    def __init__(self, namespace: Namespace, options: DetectOptions) -> None:
        self._namespace = namespace
        self._options = options
        self._counts = namespace.topic("market-counts")
        self.inputs = (self._counts, namespace.topic("source-status"))
        self._alerts = namespace.topic("market-alerts")

    def fold(self, state: State, run: Sequence[Record]) -> list[Output]:
        """Fold counts and source states.

        Touched series are re-evaluated whenever the clock comes to another hour, and at the end of the run: no verdict
        hangs on where runs end.
        """
        work = _Work(state, self._options)
        outputs: list[Output] = []
        for record in run:
            work.pass_over(record.topic, record.offset)
            if record.value is None:
                continue
            if record.topic != self._counts:
                work.take_status(known(_status(record.value)))
                continue
            count = known(_count(record.value))
            start = int(count.start.timestamp())
            if count.grain == "minute" and count.opened:
                if start // SECONDS["hour"] > work.clock // SECONDS["hour"]:
                    outputs += self._settle(state, work)
                work.take_time(start)
            work.take_count(count, start)
        outputs += self._settle(state, work)
        work.write()
        return outputs

    def _settle(self, state: State, work: "_Work") -> list[Output]:
        """Evaluate what was touched, and what stands open, at the clock as it is now."""
        outputs: list[Output] = []
        for series, window in sorted(work.touched | work.open):
            alerts, still = self._evaluate(state, work, series, window)
            outputs.extend(alerts)
            work.open.discard((series, window))
            if still:
                work.open.add((series, window))
        work.touched.clear()
        return outputs

    def _evaluate(self, state: State, work: "_Work", series: str, window: Window) -> tuple[list[Output], bool]:
        size = SECONDS[window]
        windows = work.recent(window)
        now = windows[-1]
        # A baseline window is whole only when history began before it.
        found = spikes(
            lambda start: _total(state, series, window, start), windows, window, work.history + size, self._options
        )
        key = b"s" + f"{window}\t{series}".encode()
        value = state.get(key)
        before = {} if value is None else _unpack_standing(value)
        after = {name: row for name, row in before.items() if int(name) < windows[0]}
        outputs: list[Output] = []
        for spike in found:
            was = before.get(str(spike.start))
            event = "ended" if spike.last < now else "started"
            # An ended spike keeps the flags that it ended with.
            flags = was.flagged if was is not None and was.event == event == "ended" else tuple(sorted(work.flagged))
            row = _Standing(event, spike.count, spike.last, flags)
            after[str(spike.start)] = row
            if was is None or (was.event, was.count, was.flagged) != (row.event, row.count, row.flagged):
                outputs.append(self._alert(series, window, spike, row.event, work.version, flags))
        for name, row in before.items():
            if name not in after and int(name) >= windows[0]:
                gone = Spike(int(name), row.last, _total(state, series, window, int(name)), 0.0, 0.0)
                outputs.append(self._alert(series, window, gone, "withdrawn", work.version, row.flagged))
        after = {name: row for name, row in after.items() if int(name) >= now - 8 * WEEK}
        if after != before:
            if after:
                state.put(key, _pack(after))
            else:
                state.delete(key)
        return outputs, any(row.event == "started" for row in after.values())

    def _alert(
        self, series: str, window: Window, spike: Spike, event: str, version: int, flagged: tuple[str, ...]
    ) -> Output:
        block, isco, region = series.split("\t")
        alert_id = f"{window}/{block}/{isco}/{region}/{spike.start}"
        alert = Alert(
            generation=self._namespace.generation,
            id=alert_id,
            version=version,
            event="started" if event == "started" else "ended" if event == "ended" else "withdrawn",
            side="offer" if block.startswith("offer:") else "seeker",
            isco=isco,
            region=region,
            window=window,
            start=datetime.fromtimestamp(spike.start, UTC),
            count=spike.count,
            expected=round(spike.expected, 2),
            limit=round(spike.limit, 2),
            event_time=datetime.fromtimestamp(spike.last, UTC),
            flagged=flagged,
        )
        return Output(self._alerts, 0, alert_id.encode(), _encode(alert))

    def verdict(self, _notes: Mapping[str, Any]) -> str | None:
        """Nothing in its input makes this stage refuse to go on."""
        return None

    def resume(self, notes: dict[str, Any]) -> None:
        """Nothing to clear."""


class _Work:
    """What a run has come to: the notes, unpacked, and the series that it touched."""

    def __init__(self, state: State, options: DetectOptions) -> None:
        self._state = state
        self._options = options
        notes = state.notes
        self.flagged: dict[str, str] = dict(notes.get("flagged", {}))
        self.clock: int = notes.get("clock", 0)
        self.history: int = notes.get("history", 0)
        self._passed: dict[str, int] = dict(notes.get("passed", {}))
        self.open = {_named(name) for name in notes.get("open", [])}
        self.touched: set[tuple[str, Window]] = set()
        self._seen: set[tuple[str, Window]] = set()

    @property
    def version(self) -> int:
        """Records passed in all inputs together: it grows with either, and with nothing else."""
        return sum(self._passed.values())

    def recent(self, window: Window) -> list[int]:
        """Starts of the windows whose verdict is still open, the clock's own last."""
        size = SECONDS[window]
        now = self.clock - self.clock % size
        return [now - n * size for n in range(RECENT[window] - 1, -1, -1)]

    def pass_over(self, topic: str, offset: int) -> None:
        """Note how far an input has come."""
        self._passed[topic] = offset + 1

    def take_status(self, status: SourceStatus) -> None:
        """Note a source that is not well, or is again."""
        self.flagged.pop(status.source, None)
        if status.state != "ok":
            self.flagged[status.source] = status.state

    def take_time(self, start: int) -> None:
        """Move the clock on, and the beginning of history back, to a minute in which something opened."""
        self.clock = max(self.clock, start)
        if self.history and start < self.history:
            for window in ("hour", "day"):
                if self.recent(window)[0] - self._options.weeks * WEEK < self.history + SECONDS[window]:
                    self._touch_all(window)  # windows that were no baseline are one now
        self.history = min(self.history or start, start)

    def take_count(self, count: Count, start: int) -> None:
        """Store a cell; touch its series if a recent window holds it or is compared with it."""
        window: Window = "hour" if count.grain == "minute" else "day"
        series = f"{count.block}\t{count.isco}\t{count.region}"
        if not _set(self._state, series, count, start):
            return
        self._seen.add((series, window))
        oldest, latest = self.recent(window)[0], self.clock
        if any(oldest <= start + n * WEEK <= latest + SECONDS[window] for n in range(self._options.weeks + 1)):
            self.touched.add((series, window))

    def _touch_all(self, window: Window) -> None:
        self.touched |= {one for one in self._seen if one[1] == window}
        first = b"h" if window == "hour" else b"d"
        after = first
        while rows := [row for row in self._state.after(after, 1000) if row[0].startswith(first)]:
            self.touched |= {(key[1:].decode().rpartition("\t")[0], window) for key, _ in rows}
            after = rows[-1][0]

    def write(self) -> None:
        """Put the notes back."""
        self._state.notes.update(
            clock=self.clock,
            history=self.history,
            flagged=self.flagged,
            passed=self._passed,
            open=sorted(f"{series}\t{window}" for series, window in self.open),
        )


def _named(name: str) -> tuple[str, Window]:
    series, _, window = name.rpartition("\t")
    return series, "hour" if window == "hour" else "day"


def _hour_key(series: str, hour: int) -> bytes:
    return b"h" + f"{series}\t{hour}".encode()


def _day_key(series: str, day: int) -> bytes:
    return b"d" + f"{series}\t{day}".encode()


def _set(state: State, series: str, count: Count, start: int) -> bool:
    """Store an absolute cell; whether its opened count is another than before."""
    if count.grain == "day":
        key = _day_key(series, start)
        value = b"%d" % count.opened
        if (state.get(key) or b"0") == value:
            return False
        state.put(key, value)
        return True
    hour, minute = start - start % 3600, start % 3600 // 60
    key = _hour_key(series, hour)
    packed = state.get(key)
    minutes = {} if packed is None else _unpack_hour(packed)
    if minutes.get(minute, 0) == count.opened:
        return False
    minutes[minute] = count.opened
    state.put(key, _pack(minutes))
    return True


def _total(state: State, series: str, window: Window, start: int) -> int:
    if window == "day":
        return int(state.get(_day_key(series, start)) or b"0")
    packed = state.get(_hour_key(series, start))
    return 0 if packed is None else sum(_unpack_hour(packed).values())
