from deploy.diagnosis import InputStands, of_identities, of_inputs, of_space, of_stopped
from streams.engine.marker import Marker, Position


def _marker(next_offset: int) -> Marker:
    return Marker("g", "ads", 0, 1, {"raw": Position(next_offset, "id-1")}, {})


def _stands(first: int = 0, end: int = 100, committed: int | None = 40, identity: str = "id-1") -> InputStands:
    return InputStands("raw", 0, first, end, committed, identity)


def test_a_marker_between_the_commit_and_the_end_is_in_order() -> None:
    """Committed ≤ marker ≤ end, with nothing deleted after the marker, is one finding that says so."""
    (found,) = of_inputs("ads", {0: _marker(50)}, [_stands()])
    assert found.verdict == "ok"


def test_each_way_in_which_marker_and_input_can_disagree_is_named() -> None:
    """A commit ahead of the marker, an input cut off, records deleted after it, another topic, no marker at all."""
    for stands, words in (
        (_stands(committed=51), "the group committed 51, the marker says 50"),
        (_stands(end=49, committed=None), "ends at 49, before the marker's 50"),
        (_stands(first=60), "10 records after the marker were deleted"),
        (_stands(identity="id-2"), "was recreated"),
    ):
        (found,) = of_inputs("ads", {0: _marker(50)}, [stands])
        assert found.verdict == "failed"
        assert words in found.detail
        assert "marsad replay" in found.way_out
    (found,) = of_inputs("ads", {}, [_stands()])
    assert "no marker covers it" in found.detail
    assert of_inputs("ads", {}, [_stands(committed=None)])[0].verdict == "ok"


def test_a_recreated_and_an_unregistered_topic_are_told_apart() -> None:
    """A topic with another id than the registry's is failed, and so is one that the registry does not know."""
    found = of_identities({"a": "1", "b": "1"}, {"a": "1", "b": "2", "c": "3"}, ["a", "b", "c"])
    assert [one.verdict for one in found] == ["failed", "failed"]
    assert found[0].detail.startswith("b was recreated")
    assert found[1].way_out == "`marsad topics` registers it"
    assert of_identities({"a": "1"}, {"a": "1"}, ["a"])[0].verdict == "ok"


def test_stopped_processes_and_a_full_disk_fail() -> None:
    """What was left stopped is told with its reason; too little room is a failure too."""
    (found,) = of_stopped({"streams": "surge"})
    assert (found.verdict, found.detail) == ("failed", "streams: surge")
    assert of_stopped({})[0].verdict == "ok"
    assert of_space(100).verdict == "failed"
    assert of_space(10_000).verdict == "ok"
