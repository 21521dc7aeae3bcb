from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import build
from deploy.errors import TaxonomyError
from deploy.taxonomy import imported, known_codes

ESCO = "iscoGroup,preferredLabel,altLabels\n7212,soudeur zzyzx,\n"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the commands a data directory of their own."""
    monkeypatch.setenv("MARSAD_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(build(), arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_esco_is_imported_listed_replaced_and_removed(data: Path, tmp_path: Path) -> None:
    """An import is one versioned file; a newer one takes its place; removing it gives the first taxonomy back."""
    folder = tmp_path / "esco"
    folder.mkdir()
    own = _run("taxonomy", "list")
    (folder / "occupations_fr.csv").write_text(ESCO, "utf-8")
    (folder / "occupations_de.csv").write_text("nonsense", "utf-8")
    assert "1 titles" in _run("taxonomy", "import-esco", str(folder))
    assert "marsad replay" in _run("taxonomy", "import-esco", str(folder))
    first = imported(data / "taxonomies")
    (folder / "occupations_en.csv").write_text(ESCO.replace("soudeur", "welder"), "utf-8")
    _run("taxonomy", "import-esco", str(folder))
    second = imported(data / "taxonomies")
    assert [(one.name, one.titles) for one in (*first, *second)] == [("esco", 1), ("esco", 2)]
    assert first[0].version != second[0].version
    assert _run("taxonomy", "list") != own
    _run("taxonomy", "remove", "esco")
    assert _run("taxonomy", "list") == own


def test_a_nomenclature_of_ones_own_is_imported_by_the_same_door(data: Path, tmp_path: Path) -> None:
    """A CSV of label, language and code takes the file's name, or the one that is asked for."""
    table = tmp_path / "Métiers 2026.csv"
    table.write_text("label,language,isco\nmoqaddem zzyzx,fr,1113\n", "utf-8")
    _run("taxonomy", "import", str(table))
    _run("taxonomy", "import", str(table), "--name", "anapec")
    assert {one.name for one in imported(data / "taxonomies")} == {"m_tiers_2026", "anapec"}
    assert "1113" in _run("explain", "Moqaddem zzyzx")


@pytest.mark.usefixtures("data")
def test_what_cannot_be_imported_says_why_and_changes_nothing(data: Path, tmp_path: Path) -> None:
    """A missing folder, a folder of other files, a broken table and an unknown name are refused in one line."""
    (tmp_path / "empty").mkdir()
    broken = tmp_path / "broken.csv"
    broken.write_text("label,language,isco\nx,fr,9999\n", "utf-8")
    (tmp_path / "latin.csv").write_bytes("label,language,isco\nmaçon,fr,7112\n".encode("latin-1"))
    for arguments, reason in (
        (("import-esco", str(tmp_path / "nowhere")), "no directory"),
        (("import-esco", str(tmp_path / "empty")), "occupations_fr.csv"),
        (("import", str(broken)), "line 2"),
        (("import", str(tmp_path / "latin.csv")), "latin.csv"),
        (("import", str(tmp_path / "absent.csv")), "cannot be read"),
        (("import", str(broken), "--name", "A B"), "no name"),
        (("remove", "esco"), "no taxonomy"),
    ):
        with pytest.raises(TaxonomyError, match=reason):
            _run("taxonomy", *arguments)
    assert imported(data / "taxonomies") == []


def test_codes_that_may_be_named_are_those_of_isco_08() -> None:
    """All 436 unit groups and the 183 groups above them are known."""
    known = known_codes()
    assert sum(len(code) == 4 for code in known) == 436
    assert {"2", "25", "251", "2512"} <= known


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("Responsable comercial",), ("as commercial", "1221", "Published")),
        (("Développeur", "--sector", "Internet et web", "--company", "Agence Web"), ("Words around it", "web")),
        (("Avis de postes de responsabilités",), ("posts of responsibility", "No occupation is stated")),
        (("Nous recrutons plusieurs profils",), ("several jobs", "No occupation is stated")),
        (("[b]🙂[/b]",), ("No occupation is stated",)),
        (("Maçon / Soudeur TIG",), ("Also named", "7212")),
    ],
)
def test_a_title_is_explained(arguments: tuple[str, ...], shown: tuple[str, ...]) -> None:
    """What was read, corrected and left out, the candidates, the verdict and its confidence stand in the output."""
    output = _run("explain", *arguments)
    for part in shown:
        assert part in output
