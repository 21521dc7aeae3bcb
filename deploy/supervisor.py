"""Run Marsad's processes: start them, restart those that die, hold those that refuse, stop all within ten seconds."""

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from deploy.supervision import Ended, Held, Policy, Running, State, Stop, Waiting, after_exit, after_start

PR_SET_PDEATHSIG = 1
LOG_LIMIT_BYTES = 50 * 2**20
TICK_SECONDS = 0.5


@dataclass(frozen=True)
class Child:
    """A process to keep running, with the environment `variables` (None: the supervisor's own).

    `foundation` ones (the broker) stop after all others; `pid_file` is kept naming the live process.
    """

    name: str
    command: Sequence[str]
    variables: Mapping[str, str] | None = None
    foundation: bool = False
    pid_file: Path | None = None


@dataclass(frozen=True)
class ChildStarted:
    """A child's process runs; `again` after an earlier one."""

    name: str
    pid: int
    again: bool


@dataclass(frozen=True)
class ChildExited:
    """A child ended with `code`; it is started again in `pause` seconds."""

    name: str
    code: int
    pause: float
    message: str


@dataclass(frozen=True)
class ChildHeld:
    """A child refused to go on and is left stopped until `marsad resume`."""

    name: str
    message: str


@dataclass(frozen=True)
class ChildKilled:
    """A child did not stop in time."""

    name: str


Event = ChildStarted | ChildExited | ChildHeld | ChildKilled


@dataclass
class _Run:
    child: Child
    state: State
    process: asyncio.subprocess.Process | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Keeps children running until `stop`. One a data directory; use it from one event loop.

    `logs` takes one file a child, `stopped` one file a child that is held. `observe` is told each event. `clock` counts
    seconds and never goes back.
    """

    def __init__(
        self,
        logs: Path,
        stopped: Path,
        observe: Callable[[Event], None],
        policy: Policy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logs = logs
        self._stopped = stopped
        self._observe = observe
        self._policy = policy
        self._clock = clock
        self._runs: dict[str, _Run] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self, child: Child) -> None:
        """Keep `child` running from now on; a child that was left stopped stays so until it is resumed."""
        held = held_file(self._stopped, child.name)
        run = _Run(child, Held() if held.exists() else Waiting(until=self._clock(), failures=0))
        if isinstance(run.state, Held):
            self._observe(ChildHeld(child.name, held_message(held)))
        self._runs[child.name] = run
        self._tasks.append(asyncio.create_task(self._keep(run)))

    def state(self, name: str) -> State:
        """How the child stands. Raises KeyError for a child that was never started."""
        return self._runs[name].state

    async def failed(self) -> None:
        """Return only by raising: when keeping a child hits an error of the supervisor's own."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self, times: Stop) -> None:
        """Stop every child: all but the foundations first, by SIGTERM, then by SIGKILL. Ends within 10 s."""
        begun = self._clock()
        self._stopping.set()
        upper = [run for run in self._runs.values() if not run.child.foundation]
        lower = [run for run in self._runs.values() if run.child.foundation]
        await self._end(upper, begun + times.upper_kill)
        await self._end(lower, begun + times.broker_kill)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _end(self, runs: list[_Run], deadline: float) -> None:
        for run in runs:
            _signal(run.process, signal.SIGTERM)
        waits = [asyncio.create_task(run.ended.wait()) for run in runs]
        if waits:
            await asyncio.wait(waits, timeout=max(0.0, deadline - self._clock()))
        for run in runs:
            if not run.ended.is_set():
                self._observe(ChildKilled(run.child.name))
                _signal(run.process, signal.SIGKILL)
        await asyncio.gather(*waits)

    async def _keep(self, run: _Run) -> None:
        try:
            while not isinstance(run.state, Ended):
                match run.state:
                    case Waiting(until=until):
                        await self._sleep(until - self._clock())
                        if self._stopping.is_set():
                            run.state = Ended()
                        else:
                            await self._spawn(run, run.state, resume=self._take_resume(run.child.name))
                    case Held():
                        await self._sleep(TICK_SECONDS)
                        if self._stopping.is_set():
                            run.state = Ended()
                        elif self._take_resume(run.child.name):
                            await self._spawn(run, run.state, resume=True)
                    case Running():
                        await self._watch(run, run.state)
        finally:
            run.ended.set()

    async def _spawn(self, run: _Run, before: Waiting | Held, *, resume: bool) -> None:
        child = run.child
        again = run.process is not None
        with self._open_log(child.name) as log:
            run.process = await asyncio.create_subprocess_exec(
                *child.command,
                *(["--resume"] if resume else []),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=child.variables,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops the others in order
                preexec_fn=die_with_parent(),
            )
        if child.pid_file is not None:
            child.pid_file.write_text(f"{run.process.pid}\n", "utf-8")
        run.state = after_start(before, self._clock())
        self._observe(ChildStarted(child.name, run.process.pid, again))
        if self._stopping.is_set():  # the order to stop came between fork and here
            _signal(run.process, signal.SIGTERM)

    async def _watch(self, run: _Run, state: Running) -> None:
        assert run.process is not None  # noqa: S101 - a running child has a process
        exited = asyncio.create_task(run.process.wait())
        while not exited.done():
            await asyncio.wait([exited], timeout=60.0)
            _shorten(self._log_file(run.child.name))
        code = exited.result()
        if run.child.pid_file is not None:
            run.child.pid_file.unlink(missing_ok=True)
        run.state = after_exit(state, code, self._clock(), self._policy, stopping=self._stopping.is_set())
        message = last_message(self._log_file(run.child.name))
        match run.state:
            case Held():
                hold(self._stopped, run.child.name, message)
                self._observe(ChildHeld(run.child.name, message))
            case Waiting(until=until):
                self._observe(ChildExited(run.child.name, code, until - self._clock(), message))

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stopping.wait()

    def _take_resume(self, name: str) -> bool:
        """Whether somebody resumed the child since; asked once."""
        try:
            resume_file(self._stopped, name).unlink()
        except FileNotFoundError:
            return False
        return True

    def _log_file(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _open_log(self, name: str) -> BinaryIO:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self._log_file(name).open("ab")


def held_file(stopped: Path, name: str) -> Path:
    """Where it stands that the child `name` refused to go on."""
    return stopped / f"{name}.json"


def resume_file(stopped: Path, name: str) -> Path:
    """Where it stands that the child `name` is to be started again."""
    return stopped / f"{name}.resume"


def hold(stopped: Path, name: str, message: str) -> None:
    """Write down that the child `name` refused to go on, and why."""
    stopped.mkdir(parents=True, exist_ok=True)
    held_file(stopped, name).write_text(json.dumps({"name": name, "message": message}) + "\n", "utf-8")


def held_message(path: Path) -> str:
    """Read why a child refused to go on."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        return str(json.loads(path.read_text("utf-8"))["message"])
    return ""


def held(stopped: Path) -> dict[str, str]:
    """Read which children are left stopped, and why."""
    return {path.stem: held_message(path) for path in sorted(stopped.glob("*.json"))}


def resume(stopped: Path) -> list[str]:
    """Let every child that is held go on; a running supervisor starts it within a second. Their names."""
    names = list(held(stopped))
    for name in names:
        held_file(stopped, name).replace(resume_file(stopped, name))
    return names


def last_message(log: Path) -> str:
    """Read the last line of a log that says something; of a structured one its reason, else its event."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            lines = [line for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return ""
    if not lines:
        return ""
    with contextlib.suppress(ValueError):
        record = json.loads(lines[-1])
        if isinstance(record, dict):
            return str(record.get("reason") or record.get("event") or lines[-1].strip())
    return lines[-1].strip()


def _shorten(log: Path) -> None:
    """Keep one older part of a log that has grown large; the child goes on appending to the same file."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def _signal(process: asyncio.subprocess.Process | None, number: signal.Signals) -> None:
    if process is not None and process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


def die_with_parent() -> Callable[[], None]:
    """Make what runs in the child before its program: the kernel kills it when the supervisor dies, however it dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the request
            os._exit(1)

    return ask
