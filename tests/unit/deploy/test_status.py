import io

from rich.console import Console

from deploy.markers import Progress
from deploy.status import StageLag, Status, inputs, rates
from deploy.status_view import show
from schemas.messages import SourceStatus
from schemas.topics import topics


def test_rates_and_lags_sum_over_partitions() -> None:
    """A stage's lag and rate are those of all its partitions, a partition that appeared meanwhile included."""
    before = [Progress("ads", "raw", 0, 10, 50)]
    after = [Progress("ads", "raw", 0, 30, 60), Progress("ads", "raw", 1, 20, 20)]
    assert rates(before, after, 2.0) == (StageLag("ads", "raw", lag=30, rate=20.0),)


def test_a_topic_that_began_anew_has_no_negative_rate() -> None:
    """A position that went back reads as no progress."""
    assert rates([Progress("sink", "t", 0, 100, 100)], [Progress("sink", "t", 0, 5, 5)], 1.0)[0].rate == 0.0


def test_a_stage_reads_what_the_contracts_say() -> None:
    """The inputs of a stage are the topics that name it as consumer, without its own changelog and the registry."""
    assert inputs("ads", topics()) == ["postings-raw"]
    assert inputs("market", topics()) == ["postings-enriched"]
    assert set(inputs("detect", topics())) == {"market-counts", "source-status"}


def test_the_terminal_shows_all_of_it() -> None:
    """What is held, each lag, each reason and each source's state stand in the printed status."""
    status = Status(
        stages=(StageLag("ads", "postings-raw", 12_345, 678.0),),
        rejects={("ads", "missing_title"): 3},
        rejects_read=3,
        rejects_total=3,
        sources=(SourceStatus("portal", at=None, state="silent", kind="rss", seen=4, expected=9.0, message="[quiet]"),),  # type: ignore[arg-type]
        held={"streams": "more than half of the last 1,000 records were rejected [see status]"},
    )
    out = io.StringIO()
    show(status, "live", Console(file=out, width=200))
    for words in (
        "streams is stopped: more than half of the last 1,000 records were rejected [see status]",
        "12,345",
        "missing_title",
        "silent",
        "4/9",
        "[quiet]",
    ):
        assert words in out.getvalue()
