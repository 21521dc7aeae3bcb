import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = ["requirements.lock", "requirements-dev.lock"]


def pins(lock: str) -> dict[str, str]:
    """Read the version of each package of a lock."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\$", (ROOT / lock).read_text("utf-8"), re.MULTILINE))


def normal(requirement: str) -> str:
    """Name the package of a requirement as locks spell it."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found.group()).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    """Each package of a lock is pinned to one version with at least one hash."""
    text = (ROOT / lock).read_text("utf-8")
    blocks = re.split(r"\n(?=[a-z0-9-]+==)", text)[1:]
    assert len(blocks) == len(pins(lock))
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    """A lock says what to install, and nothing of where it came from."""
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host", (ROOT / lock).read_text("utf-8"))


def test_the_developers_lock_agrees_with_the_other() -> None:
    """Developers run the versions that users run."""
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


def test_everything_that_the_project_asks_for_is_locked() -> None:
    """Each dependency of pyproject.toml is in its lock, and so is what builds the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = {normal(name) for name in [*project["project"]["dependencies"], *project["build-system"]["requires"]]}
    assert wanted <= pins("requirements.lock").keys()
    developers = {normal(name) for name in project["project"]["optional-dependencies"]["dev"]}
    assert developers <= pins("requirements-dev.lock").keys()
