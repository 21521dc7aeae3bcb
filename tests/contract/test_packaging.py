"""What the contracts are made of is in the package that is installed."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import schemas

ROOT = Path(__file__).parents[2]


def test_every_file_that_is_read_is_package_data() -> None:
    """Topic files, schemas, tables and reference data match the package's data globs; locks are for tests alone."""
    globs = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in Path(schemas.__file__).parent.rglob("*") if path.is_file()]
    assert {"*.json", "*.toml", "*.sql", "*.tsv"} <= set(globs)
    left_out = [path for path in files if not any(fnmatch(path.name, glob) for glob in (*globs, "*.py", "*.pyc"))]
    assert {path.suffix for path in left_out} == {".lock"}
