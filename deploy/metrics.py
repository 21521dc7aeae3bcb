"""Facts to metrics: the one file that knows prometheus_client. Labels are closed sets of words, no source's name."""

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server

from dashboard import facts as showing
from producers import facts as producing
from streams.engine import facts as engine
from streams.sink import writer as sinking

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one process, on a registry of its own. `observe` takes every fact of every room."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._handlers: Mapping[type, Callable[[Any], None]] = {
            **_engine(registry),
            **_producers(registry),
            **_sink(registry),
            **_dashboard(registry),
        }

    @property
    def handled(self) -> frozenset[type]:
        """The facts that move a metric."""
        return frozenset(self._handlers)

    def observe(self, fact: object) -> None:
        """Count one fact; one without a metric counts nothing."""
        handler = self._handlers.get(type(fact))
        if handler is not None:
            handler(fact)

    def text(self) -> bytes:
        """Render the registry in Prometheus' text format."""
        return generate_latest(self._registry)

    def serve(self, host: str, port: int) -> None:
        """Answer `/metrics` from a thread, until the process ends."""
        start_http_server(port, host, registry=self._registry)


def _engine(registry: CollectorRegistry) -> Mapping[type, Callable[[Any], None]]:
    records = Counter("marsad_stage_records", "Input records folded and durable.", ["stage"], registry=registry)
    outputs = Counter("marsad_stage_outputs", "Records written downstream.", ["stage"], registry=registry)
    steps = Counter("marsad_flush_steps", "Flushes that came to a step.", ["stage", "step"], registry=registry)
    spent = Histogram(
        "marsad_flush_seconds", "Where a flush's time goes.", ["stage", "part"], buckets=SECONDS, registry=registry
    )
    partitions = Gauge("marsad_stage_partitions", "Partitions that this worker holds.", ["stage"], registry=registry)
    replayed = Counter("marsad_restored_records", "Changelog records read to restore.", ["stage"], registry=registry)
    restores = Histogram(
        "marsad_restore_seconds", "Time to restore a partition.", ["stage"], buckets=SECONDS, registry=registry
    )

    def flushed(fact: engine.RunFlushed) -> None:
        records.labels(fact.stage).inc(fact.records)
        outputs.labels(fact.stage).inc(fact.outputs)
        spent.labels(fact.stage, "fold").observe(fact.fold_seconds)
        spent.labels(fact.stage, "transaction").observe(fact.transaction_seconds)
        spent.labels(fact.stage, "store").observe(fact.store_seconds)

    def opened(fact: engine.ShardOpened) -> None:
        partitions.labels(fact.stage).inc()
        replayed.labels(fact.stage).inc(fact.replayed)
        restores.labels(fact.stage).observe(fact.seconds)

    return {
        engine.FlushReached: lambda fact: steps.labels(fact.stage, fact.step).inc(),
        engine.RunFlushed: flushed,
        engine.ShardOpened: opened,
        engine.ShardClosed: lambda fact: partitions.labels(fact.stage).dec(),
    }


def _producers(registry: CollectorRegistry) -> Mapping[type, Callable[[Any], None]]:
    requests = Counter("marsad_requests", "Requests to sources, by class of answer.", ["answer"], registry=registry)
    size = Counter("marsad_request_bytes", "Bytes of the sources' answers.", registry=registry)
    waits = Histogram("marsad_request_seconds", "Time to a source's answer.", buckets=SECONDS, registry=registry)
    retries = Counter("marsad_request_retries", "Requests tried again.", registry=registry)
    published = Counter("marsad_postings_published", "Sightings acknowledged by Kafka.", registry=registry)
    rejected = Counter("marsad_items_rejected", "Items that producers rejected.", ["reason"], registry=registry)
    polls = Counter("marsad_polls", "Polls of sources, by their outcome.", ["kind", "state"], registry=registry)
    changes = Counter(
        "marsad_source_changes", "Source files that came, changed or went.", ["change"], registry=registry
    )
    outages = Counter("marsad_producer_kafka_outages", "Times that Kafka did not answer producers.", registry=registry)
    discarded = Counter("marsad_checkpoints_discarded", "Checkpoints that could not be read.", registry=registry)
    hosts = Gauge("marsad_host_partitions", "Partitions of hosts that this process has.", registry=registry)
    lost = Counter("marsad_host_partitions_lost", "Times that another process took over.", registry=registry)
    rows = Counter("marsad_checkpoint_rows_discarded", "Rows of checkpoints that were unreadable.", registry=registry)
    pushes = Counter("marsad_pushes", "Pushes over HTTP, by class of answer.", ["answer"], registry=registry)
    push_waits = Histogram("marsad_push_seconds", "Time to answer a push.", buckets=SECONDS, registry=registry)
    archives = Counter("marsad_archives_delivered", "Archives delivered whole.", registry=registry)

    def answered(fact: producing.RequestAnswered) -> None:
        requests.labels(f"{fact.status // 100}xx").inc()
        size.inc(fact.size)
        waits.observe(fact.seconds)

    def pushed(fact: producing.PushAnswered) -> None:
        pushes.labels(f"{fact.status // 100}xx").inc()
        push_waits.observe(fact.seconds)

    return {
        producing.PushAnswered: pushed,
        producing.HostsAssigned: lambda fact: hosts.set(fact.partitions),
        producing.HostsLost: lambda _: lost.inc(),
        producing.RowDiscarded: lambda _: rows.inc(),
        producing.RequestAnswered: answered,
        producing.RequestRetried: lambda _: retries.inc(),
        producing.PostingsPublished: lambda fact: published.inc(fact.records),
        producing.ItemsRejected: lambda fact: rejected.labels(fact.reason).inc(fact.items),
        producing.SourcePolled: lambda fact: polls.labels(fact.kind, fact.state).inc(),
        producing.SourceChanged: lambda fact: changes.labels(fact.change).inc(),
        producing.KafkaUnavailable: lambda _: outages.inc(),
        producing.CheckpointDiscarded: lambda _: discarded.inc(),
        producing.ArchiveDelivered: lambda fact: archives.inc(1 if fact.done else 0),
    }


def _sink(registry: CollectorRegistry) -> Mapping[type, Callable[[Any], None]]:
    rows = Counter("marsad_sink_rows", "Rows that the store has taken.", ["table"], registry=registry)
    inserts = Histogram(
        "marsad_sink_insert_seconds", "Time of an insert.", ["table"], buckets=SECONDS, registry=registry
    )
    away = Counter("marsad_sink_store_away", "Inserts that the store could not take.", registry=registry)

    def written(fact: sinking.RowsWritten) -> None:
        rows.labels(fact.table).inc(fact.rows)
        inserts.labels(fact.table).observe(fact.seconds)

    return {sinking.RowsWritten: written, sinking.StoreAway: lambda _: away.inc()}


def _dashboard(registry: CollectorRegistry) -> Mapping[type, Callable[[Any], None]]:
    answers = Counter("marsad_http_answers", "Answers by class of status.", ["route", "answer"], registry=registry)
    waits = Histogram("marsad_http_seconds", "Time to answer.", ["route"], buckets=SECONDS, registry=registry)
    failures = Counter("marsad_http_failures", "Requests that met a defect.", ["route"], registry=registry)
    clients = Gauge("marsad_live_clients", "Clients that listen to the live stream.", registry=registry)
    dropped = Counter("marsad_live_clients_dropped", "Clients that were too slow.", registry=registry)
    loads = Histogram("marsad_board_load_seconds", "Time to read the board.", buckets=SECONDS, registry=registry)
    records = Counter("marsad_live_records", "Records applied to the board.", registry=registry)
    interruptions = Counter("marsad_live_interruptions", "Times that the live feed began again.", registry=registry)

    def answered(fact: showing.RequestAnswered) -> None:
        answers.labels(fact.route, f"{fact.status // 100}xx").inc()
        waits.labels(fact.route).observe(fact.seconds)

    return {
        showing.RequestAnswered: answered,
        showing.RequestFailed: lambda fact: failures.labels(fact.route).inc(),
        showing.ClientsConnected: lambda fact: clients.set(fact.clients),
        showing.ClientDropped: lambda _: dropped.inc(),
        showing.BoardLoaded: lambda fact: loads.observe(fact.seconds),
        showing.LiveRecords: lambda fact: records.inc(fact.records),
        showing.LiveInterrupted: lambda _: interruptions.inc(),
    }
