import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.datadir import LAYOUT, exclusive, open_data_dir
from deploy.errors import DataDirError


def test_a_new_directory_is_stamped(tmp_path: Path) -> None:
    """Opening a directory that does not exist creates it with the layout's version, and opening it again works."""
    data = open_data_dir(tmp_path / "new")
    assert json.loads((data.path / "marsad.json").read_text("utf-8")) == {"layout": LAYOUT}
    assert open_data_dir(tmp_path / "new") == data


@pytest.mark.parametrize("stamp", ['{"layout": 99}', "{}", "[]", "not json"])
def test_a_directory_of_another_version_is_refused(tmp_path: Path, stamp: str) -> None:
    """Another layout's directory is left alone, with one line that says what to do."""
    (tmp_path / "marsad.json").write_text(stamp, "utf-8")
    with pytest.raises(DataDirError, match="another version of Marsad") as caught:
        open_data_dir(tmp_path)
    assert "MARSAD_DATA_DIR" in str(caught.value)
    assert (tmp_path / "marsad.json").read_text("utf-8") == stamp


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A path under a plain file cannot hold data, and the line says so (root writes anywhere else)."""
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(DataDirError, match="cannot write to"):
        open_data_dir(tmp_path / "file" / "data")


def test_a_second_up_is_refused(tmp_path: Path) -> None:
    """While one process holds the directory another is told which one it is; afterwards it is free."""
    data = open_data_dir(tmp_path)
    other = (
        "import sys; from pathlib import Path; from deploy.datadir import *\n"
        "try:\n    with exclusive(DataDir(Path(sys.argv[1]))): print('held')\n"
        "except Exception as error: print(error)"
    )
    with exclusive(data):
        told = subprocess.run([sys.executable, "-c", other, str(tmp_path)], capture_output=True, text=True, check=True)
        assert f"process {os.getpid()}" in told.stdout
    told = subprocess.run([sys.executable, "-c", other, str(tmp_path)], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "held"
