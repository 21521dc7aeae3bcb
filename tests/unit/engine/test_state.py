from pathlib import Path

import pytest

from streams.engine import marker as markers
from streams.engine.marker import Marker, Position
from streams.engine.restore import _unusable
from streams.engine.state import Local, LocalState, View


def _marker(sequence: int = 1) -> Marker:
    return Marker("g", "words", 0, sequence, {"in": Position(7, "id")}, {"n": 1})


def test_a_run_sees_its_own_writes_and_flushed_rows_only_after_the_flush(tmp_path: Path) -> None:
    """The overlay is what a run reads; the database changes in one write, with what the rows correspond to."""
    state = LocalState(tmp_path / "rows")
    view = View(state, {})
    view.prefetch([b"a", b"b"])
    view.put(b"a", b"1")
    view.delete(b"b")
    assert view.get(b"a") == b"1"
    assert state.get(b"a") is None
    local = Local("changelog", 5, _marker(), 1.0)
    state.write(view.changes, local)
    assert state.get(b"a") == b"1"
    assert state.local() == local
    assert state.after(b"", 10) == [(b"a", b"1")]
    state.close()


def test_many_rows_are_read_as_one_by_one(tmp_path: Path) -> None:
    """Rows come in the order of their keys, None where there is none, with the run's own writes once it has some."""
    state = LocalState(tmp_path / "rows")
    state.write({b"a": b"1", b"b": b"2"}, Local("changelog", 5, _marker(), 1.0))
    view = View(state, {})
    assert list(view.get_many([b"b", b"c", b"a", b"b"])) == [b"2", None, b"1", b"2"]
    view.put_many({b"c": b"3", b"a": b"4"})
    assert list(view.get_many([b"b", b"c", b"a"])) == [b"2", b"3", b"4"]
    state.close()


def test_local_rows_survive_a_restart_and_discarding_empties_them(tmp_path: Path) -> None:
    """What was written is there again; discarded rows are not."""
    state = LocalState(tmp_path / "rows")
    state.write({b"a": b"1"}, Local("changelog", 5, _marker(), 1.0))
    state.close()
    again = LocalState(tmp_path / "rows")
    assert again.get(b"a") == b"1"
    empty = again.discard()
    assert empty.get(b"a") is None
    assert empty.local() is None
    empty.close()


@pytest.mark.parametrize(
    ("identity", "offset", "age", "words"),
    [
        ("other", 5, 0.0, "another changelog"),
        ("changelog", 10, 0.0, "ahead"),
        ("changelog", 5, 7 * 86_400.0, "older"),
        ("changelog", 5, 0.0, ""),
    ],
)
def test_local_rows_that_cannot_be_continued_are_told(identity: str, offset: int, age: float, words: str) -> None:
    """Rows of another changelog, ahead of it, or older than its deletions are not trusted."""
    local = Local("changelog", offset, _marker(), 100.0)
    assert words in _unusable(local, identity, 10, 100.0 + age)
    assert bool(words) == bool(_unusable(local, identity, 10, 100.0 + age))


def test_a_marker_from_a_later_version_is_refused() -> None:
    """A worker does not guess at what a newer one wrote."""
    later = _marker().encode().replace(b'"v":1', b'"v":2')
    assert markers.decode(_marker().encode()) == _marker()
    with pytest.raises(ValueError, match="newer than this worker"):
        markers.decode(later)
