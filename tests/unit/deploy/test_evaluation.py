import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from deploy.errors import LabelledRowsError
from deploy.evaluation import Task, evaluate, show
from schemas.reports import Figure, Report
from streams.evaluate.labelled import row_hash


def _shown(report: Report, *, misses: bool) -> str:
    out = io.StringIO()
    show(report, Console(file=out, width=140), misses=misses)
    return out.getvalue()


REPORT = Report(
    "occupations",
    "isco08-0",
    3,
    (
        Figure("accuracy, 4 digits", "", 0.71239, 0.6, 0.8, 3),
        *(Figure(f"accuracy, {n} digits", "language ar", 0.5, 0.1, 0.9, 2) for n in (1, 2, 3, 4)),
        Figure("published, right at its digits", "codes of 2", None, None, None, 0),
    ),
    misses=({"id": "[b]", "title": "محاسب"},),
    confusion={"2": {"2": 1, "3": 2}},
)


def test_the_terminal_shows_figures_with_intervals_groups_confusion_and_misses() -> None:
    """Every figure, its interval and rows, the confusion and, if asked for, the missed rows stand in the output."""
    shown = _shown(REPORT, misses=True)
    for part in ("0.712", "0.600–0.800", "accuracy by language", "codes of 2", "–", "Major groups", "[b]", "محاسب"):
        assert part in shown
    assert "محاسب" not in _shown(REPORT, misses=False)


def test_labels_by_hash_are_measured_on_the_postings_that_they_name(tmp_path: Path) -> None:
    """A file of hashes and codes is joined to the postings beside it before anything is asked."""
    posting = {"source": "p", "title": "Maçon"}
    (tmp_path / "postings.ndjson").write_bytes(msgspec.json.encode(posting))
    (tmp_path / "labels.ndjson").write_bytes(msgspec.json.encode({"hash": row_hash(posting), "isco4": ["7112"]}))
    report = evaluate(Task.OCCUPATIONS, str(tmp_path / "labels.ndjson"), str(tmp_path / "postings.ndjson"))
    assert report.value("accuracy, 4 digits") == 1.0


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "no rows"), (b"{}", "isco4"), (b"nonsense", "line 1"), (b'{"title":"x"}\n[]\n', "line 2")],
)
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    """A file that holds no rows of the task says what is missing instead of giving figures."""
    (tmp_path / "rows").write_bytes(content)
    with pytest.raises(LabelledRowsError, match=reason):
        evaluate(Task.OCCUPATIONS, str(tmp_path / "rows"), None)
