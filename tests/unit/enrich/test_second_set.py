"""The second set of labels: made by a rule from what two readers said, and naming postings of the shared file."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from schemas.messages import Enrichment, Posting, Signature
from streams.evaluate import attributes
from streams.evaluate.figures import Bootstrap
from streams.evaluate.labelled import row_hash

LABELLED = Path(__file__).parents[2] / "labelled"


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, LABELLED / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (LABELLED / name).read_text("utf-8").splitlines()]


def test_the_second_set_is_what_the_rule_makes_of_both_readers() -> None:
    """Merging the two readers' files again gives the committed file, row by row."""
    merged = _script("merge").merged
    readers = zip(_rows("readers/a.ndjson"), _rows("readers/b.ndjson"), strict=True)
    assert [merged(a, b) for a, b in readers] == _rows("second_set.ndjson")


def test_the_second_set_holds_no_text() -> None:
    """A row has a hash and answers, and nothing of the posting."""
    fields = {name for row in _rows("second_set.ndjson") for name in row}
    assert fields == {"hash", "isco4", "isco4_alt", "region", "attributes", "attributes_unsure"}


@pytest.mark.shared_data
def test_the_draw_gives_the_rows_that_were_read(shared_data: Path) -> None:
    """The seed draws the postings whose hashes the readers coded, in their order."""
    drawn = [row_hash(row) for row in _script("draw").draw(shared_data)]
    assert drawn == [row["hash"] for row in _rows("readers/a.ndjson")]


def test_an_attribute_is_found_false_or_lost() -> None:
    """One value right, one wrong, one unsaid, and one on which the readers differ give these figures."""
    rows = [
        _labelled("CDI", {"contract": "cdi"}),
        _labelled("CDI", {"contract": "cdd"}),
        _labelled("", {"contract": "cdd"}),
        _labelled("CDI", {}, {"contract": ["cdi"]}),
    ]
    report = attributes.measure(rows, _contract_only, "none", Bootstrap(resamples=10))
    assert report.value("precision", "attribute contract") == pytest.approx(0.5)
    assert report.value("recall", "attribute contract") == pytest.approx(1 / 3, abs=1e-4)


def _labelled(contract: str, both: dict, one: dict | None = None) -> dict:
    row = {"hash": "x", "source": "s", "title": "Comptable", "contract_raw": contract}
    return row | {"attributes": both, "attributes_unsure": one or {}}


def _contract_only(posting: Posting) -> tuple[Enrichment, Signature]:
    return Enrichment(contract=(posting.contract_raw or "").lower() or None), Signature()
