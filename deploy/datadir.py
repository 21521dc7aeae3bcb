"""The data directory: what lives where in it, which version laid it out, and that one `marsad up` at a time has it."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DataDirError

LAYOUT = 1
"""Version of the layout; a directory of another one is refused."""


@dataclass(frozen=True)
class DataDir:
    """The folders in a data directory. Nothing is created until somebody writes there."""

    path: Path

    @property
    def kafka(self) -> Path:
        """The local broker: its jars, configuration and logs."""
        return self.path / "kafka"

    @property
    def store(self) -> Path:
        """The embedded store (chDB): one process at a time."""
        return self.path / "store"

    @property
    def state(self) -> Path:
        """The stages' local states (RocksDB), one folder a stage and partition."""
        return self.path / "state"

    def state_of(self, worker: int) -> Path:
        """The local states of one of several stream workers, from 1: a paused one still holds its own."""
        return self.state if worker == 1 else self.path / f"state-{worker}"

    @property
    def checkpoints(self) -> Path:
        """What the producers have delivered."""
        return self.path / "checkpoints"

    def pseudonym_key(self) -> bytes:
        """The key that makes job seekers' identities pseudonyms on this machine, made where there is none."""
        path = self.path / "pseudonym.key"
        if not path.exists():
            # Linked once it is whole: several processes start at once, and one of them must not read half a key.
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(32), "ascii")
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)
            fresh.unlink()
        return path.read_bytes()

    @property
    def taxonomies(self) -> Path:
        """Imported taxonomies, by which titles are coded beside the project's own: one file each."""
        return self.path / "taxonomies"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.path / "logs"

    @property
    def stopped(self) -> Path:
        """One file a process that refused to go on, until `marsad resume`."""
        return self.path / "stopped"


def open_data_dir(path: Path) -> DataDir:
    """Create `path` if need be, stamped with this layout. Raises DataDirError if it is unwritable or of another one."""
    path = path.absolute()
    stamp = path / "marsad.json"
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not stamp.exists():
            fresh = path / "marsad.json.new"
            fresh.write_text(json.dumps({"layout": LAYOUT}) + "\n", "utf-8")
            fresh.replace(stamp)
        with (path / "up.lock").open("a"):
            pass
    except OSError as error:
        raise DataDirError(
            f"cannot write to {path} ({error.strerror}): make it writable, or set MARSAD_DATA_DIR to another directory"
        ) from error
    try:
        layout = json.loads(stamp.read_text("utf-8"))["layout"]
    except (ValueError, KeyError, TypeError):
        layout = "unknown"
    if layout != LAYOUT:
        raise DataDirError(
            f"{path} was laid out by another version of Marsad (layout {layout}, this one uses {LAYOUT}): "
            "run that version, or set MARSAD_DATA_DIR to a new directory"
        )
    return DataDir(path)


@contextlib.contextmanager
def exclusive(data: DataDir) -> Iterator[None]:
    """Hold the data directory for one `marsad up`. Raises DataDirError if another one has it."""
    with (data.path / "up.lock").open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataDirError(
                f"Marsad already runs on {data.path} (process {lock.read().strip() or 'unknown'}): "
                "stop it with Ctrl-C there, or set MARSAD_DATA_DIR to another directory"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
