import dataclasses
import inspect
import io
import json
import logging
from types import ModuleType

import pytest
import structlog
from prometheus_client import CollectorRegistry

from dashboard import facts as showing
from deploy.logs import configure, log_facts
from deploy.metrics import Metrics
from producers import facts as producing
from streams.engine import facts as engine
from streams.sink import writer as sinking


@pytest.fixture
def lines() -> io.StringIO:
    """Log into memory for one test."""
    return io.StringIO()


@pytest.fixture(autouse=True)
def logging_as_before() -> object:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def facts(module: ModuleType) -> set[type]:
    """List the dataclasses that a module defines."""
    return {
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
    }


@pytest.mark.parametrize("module", [engine, producing, sinking, showing], ids=lambda module: module.__name__)
def test_every_fact_moves_a_metric(module: ModuleType) -> None:
    """No fact that a room emits is left without a metric."""
    assert facts(module) <= Metrics(CollectorRegistry()).handled


def test_facts_become_counters() -> None:
    """A flushed run shows in the text that Prometheus reads, with its stage as the only label."""
    metrics = Metrics(CollectorRegistry())
    metrics.observe(engine.RunFlushed("ads", 0, 8000, 7000, 0.02, 0.04, 0.01))
    metrics.observe(engine.RunFlushed("ads", 1, 2000, 1000, 0.02, 0.04, 0.01))
    text = metrics.text().decode()
    assert 'marsad_stage_records_total{stage="ads"} 10000.0' in text
    assert 'marsad_stage_outputs_total{stage="ads"} 8000.0' in text


def test_a_source_name_is_no_label() -> None:
    """A source's name, which somebody else chooses, appears nowhere in the metrics."""
    metrics = Metrics(CollectorRegistry())
    metrics.observe(producing.RequestAnswered("a-portal", 304, 0, 0.1))
    metrics.observe(producing.SourcePolled("a-portal", "rss", "ok", 10, 12.0, 0.5))
    text = metrics.text().decode()
    assert "a-portal" not in text
    assert 'marsad_requests_total{answer="3xx"} 1.0' in text


def test_two_processes_do_not_share_metrics() -> None:
    """Metrics live on the registry that is handed in, never on a global one."""
    one, two = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.observe(engine.ShardOpened("ads", 0, 5, kept=True, seconds=0.1))
    assert "marsad_stage_partitions{" not in two.text().decode()


def test_a_fact_is_one_line_of_json(lines: io.StringIO) -> None:
    """A fact is logged under its own name with its fields, stamped with the process."""
    configure("producers", "info", lines)
    log_facts("producers")(producing.CheckpointDiscarded("a.json", "truncated"))
    line = json.loads(lines.getvalue())
    assert line["event"] == "checkpoint discarded"
    assert (line["process"], line["level"], line["path"], line["cause"]) == ("producers", "info", "a.json", "truncated")


def test_frequent_facts_are_for_debugging(lines: io.StringIO) -> None:
    """Facts that happen many times a second are not written at level info."""
    configure("streams", "info", lines)
    log_facts("streams")(engine.RunFlushed("ads", 0, 1, 1, 0.0, 0.0, 0.0))
    assert lines.getvalue() == ""


def test_libraries_log_the_same_way(lines: io.StringIO) -> None:
    """A library's warning comes out as JSON with its exception in the same line."""
    configure("streams", "info", lines)
    try:
        int("bad \n news")
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
    (line,) = lines.getvalue().splitlines()
    record = json.loads(line)
    assert (record["event"], record["level"], record["logger"]) == ("it failed", "error", "some.library")
    assert "ValueError" in record["exception"]


def test_what_is_no_fact_is_refused() -> None:
    """Only dataclasses can be observed."""
    with pytest.raises(TypeError, match="str is no fact"):
        log_facts("streams")("a string")
