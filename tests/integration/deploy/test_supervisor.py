import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.supervision import Held, Policy, Running, Stop
from deploy.supervisor import (
    Child,
    ChildExited,
    ChildHeld,
    ChildKilled,
    ChildStarted,
    Event,
    Supervisor,
    held,
    last_message,
    resume,
)

FAST = Policy(first_pause=0.05, longest_pause=0.2, healthy_after=60.0)
SLEEP = "import time; time.sleep(3600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(3600)"


class Watched:
    """A supervisor in a folder of its own, with every event that it told."""

    def __init__(self, home: Path) -> None:
        self.events: list[Event] = []
        self.logs, self.stopped = home / "logs", home / "stopped"
        self.supervisor = Supervisor(self.logs, self.stopped, self.events.append, FAST)

    def start(self, name: str, program: str, *, foundation: bool = False, pid_file: Path | None = None) -> None:
        """Keep a Python program running."""
        command = [sys.executable, "-c", program]
        self.supervisor.start(Child(name, command, foundation=foundation, pid_file=pid_file))

    def told(self, kind: type[Event]) -> list[Event]:
        """List the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind: type[Event], count: int = 1) -> None:
        """Wait for the `count`-th event of a kind."""
        async with asyncio.timeout(120):
            while len(self.told(kind)) < count:
                await asyncio.sleep(0.01)

    async def log(self, name: str, words: str) -> None:
        """Wait until a child's log holds `words`."""
        async with asyncio.timeout(120):
            while words not in (self.logs / f"{name}.log").read_text("utf-8"):
                await asyncio.sleep(0.01)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """Make a supervisor that restarts fast."""
    return Watched(tmp_path)


async def test_a_killed_child_is_started_again(watched: Watched) -> None:
    """A child that is killed runs again under another process id, and the event names the signal."""
    watched.start("worker", SLEEP)
    await watched.until(ChildStarted)
    first = watched.events[0]
    assert isinstance(first, ChildStarted)
    os.kill(first.pid, signal.SIGKILL)
    await watched.until(ChildStarted, 2)
    second = watched.told(ChildStarted)[1]
    assert isinstance(second, ChildStarted)
    assert second.again
    assert second.pid != first.pid
    (exited,) = watched.told(ChildExited)
    assert isinstance(exited, ChildExited)
    assert exited.code == -signal.SIGKILL
    await watched.supervisor.stop(Stop())


async def test_a_child_that_refuses_is_left_until_it_is_resumed(watched: Watched) -> None:
    """Exit code 78 leaves the child stopped with its last log line; `resume` starts it once with --resume."""
    refuses = (
        "import json, sys, time\n"
        "if '--resume' not in sys.argv:\n"
        "    print(json.dumps({'event': 'worker ends', 'reason': 'too many rejects'})); sys.exit(78)\n"
        "print('resumed', flush=True); time.sleep(3600)"
    )
    watched.start("streams", refuses)
    await watched.until(ChildHeld)
    assert watched.told(ChildHeld) == [ChildHeld("streams", "too many rejects")]
    assert held(watched.stopped) == {"streams": "too many rejects"}
    await asyncio.sleep(0.7)
    assert isinstance(watched.supervisor.state("streams"), Held)
    assert resume(watched.stopped) == ["streams"]
    await watched.log("streams", "resumed")
    assert isinstance(watched.supervisor.state("streams"), Running)
    assert held(watched.stopped) == {}
    await watched.supervisor.stop(Stop())


async def test_a_child_stays_stopped_over_a_restart_of_the_supervisor(tmp_path: Path) -> None:
    """What was left stopped is not started by the next supervisor either, and is when it was resumed meanwhile."""
    first = Watched(tmp_path)
    first.start("streams", "import sys; print('surge'); sys.exit(78 if '--resume' not in sys.argv else 0)")
    await first.until(ChildHeld)
    await first.supervisor.stop(Stop())
    second = Watched(tmp_path)
    second.start("streams", SLEEP)
    assert second.events == [ChildHeld("streams", "surge")]
    await second.supervisor.stop(Stop())
    assert second.told(ChildStarted) == []
    resume(second.stopped)
    third = Watched(tmp_path)
    third.start("streams", "import sys, time; print(sys.argv[1:], flush=True); time.sleep(3600)")
    await third.log("streams", "['--resume']")
    await third.supervisor.stop(Stop())


async def test_the_foundation_stops_last(watched: Watched) -> None:
    """A child that needs the broker to its end finds it there."""
    says = (
        "import signal, sys, time\n"
        "def end(*_): time.sleep({pause}); print(time.time(), flush=True); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('ready', flush=True); time.sleep(3600)"
    )
    watched.start("broker", says.format(pause=0), foundation=True)
    watched.start("worker", says.format(pause=0.3))
    await watched.until(ChildStarted, 2)
    await watched.log("broker", "ready")
    await watched.log("worker", "ready")
    await watched.supervisor.stop(Stop())
    assert float(last_message(watched.logs / "worker.log")) < float(last_message(watched.logs / "broker.log"))
    assert watched.told(ChildKilled) == watched.told(ChildExited) == []


async def test_a_deaf_child_is_killed_in_time(watched: Watched) -> None:
    """A child that ignores SIGTERM is killed at its deadline."""
    watched.start("worker", DEAF)
    await watched.until(ChildStarted)
    await watched.log("worker", "deaf")
    async with asyncio.timeout(120):  # left alone, it sleeps for ever
        await watched.supervisor.stop(Stop(upper_kill=0.3, broker_kill=0.5))
    assert watched.told(ChildKilled) == [ChildKilled("worker")]


async def test_the_pid_file_names_the_living(watched: Watched, tmp_path: Path) -> None:
    """A pid file follows its child from start to start and goes with it."""
    pid_file = tmp_path / "broker.pid"
    watched.start("broker", SLEEP, foundation=True, pid_file=pid_file)
    await watched.until(ChildStarted)
    (started,) = watched.told(ChildStarted)
    assert isinstance(started, ChildStarted)
    assert int(pid_file.read_text("utf-8")) == started.pid
    await watched.supervisor.stop(Stop())
    assert not pid_file.exists()


async def test_a_program_that_does_not_exist_is_an_error(watched: Watched) -> None:
    """What cannot be started at all is not tried for ever."""
    watched.supervisor.start(Child("java", ["/no/such/program"]))
    with pytest.raises(FileNotFoundError):
        await watched.supervisor.failed()
    await watched.supervisor.stop(Stop())


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    """When the supervisor is killed outright, its children end too, even those that ignore SIGTERM."""
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom deploy.supervision import Policy\n"
        "from deploy.supervisor import Child, Supervisor\n"
        "async def main():\n"
        "    home = Path(sys.argv[1])\n"
        "    told = lambda event: print(event.pid, flush=True)\n"
        "    supervisor = Supervisor(home / 'logs', home / 'stopped', told, Policy())\n"
        "    supervisor.start(Child('deaf', [sys.executable, '-c', sys.argv[2]]))\n"
        "    await asyncio.sleep(3600)\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), DEAF], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        child = psutil.Process(int(supervisor.stdout.readline()))
        while "deaf" not in (tmp_path / "logs" / "deaf.log").read_text("utf-8"):
            time.sleep(0.01)
        supervisor.kill()
    _, alive = psutil.wait_procs([child], timeout=5)
    assert [process.pid for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_the_last_line_that_says_something_is_the_message(tmp_path: Path) -> None:
    """Of a structured line the reason is told, else the event; of any other the line."""
    log = tmp_path / "x.log"
    for text, message in (
        ("first\nTraceback …\nValueError: bad\n\n", "ValueError: bad"),
        (json.dumps({"event": "worker ends", "reason": "surge"}) + "\n", "surge"),
        (json.dumps({"event": "worker ends"}) + "\n", "worker ends"),
        ("", ""),
    ):
        log.write_text(text, "utf-8")
        assert last_message(log) == message
    assert last_message(tmp_path / "absent.log") == ""
