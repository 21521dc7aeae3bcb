"""The stream worker: stages `ads`, `market` and `detect` on one Faust host.

This is the composition root of the room.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from streams.ads import AdsOptions, AdsStage
from streams.aggregate import DAY
from streams.alerts import DetectStage
from streams.detect import DetectOptions
from streams.engine.ending import end_process
from streams.engine.host import Host
from streams.engine.shard import FoldShard, Observe, ShardContext, Span
from streams.engine.shards import ShardFactory
from streams.engine.stage import Stage, StageOptions
from streams.enrich.enricher import Enricher
from streams.market import MarketOptions, MarketStage
from streams.match.keys import keys
from streams.match.pairs import same_vacancy


@dataclass(frozen=True)
class StreamsSettings:
    """One worker. `identities` are the topics' registered identities, `partitions` those of raw and enriched.

    `taxonomies` is the folder of imported ones. An `archive` keeps every row (its log time says nothing of its age) and
    looks for no spikes, as does a worker without `detect`. `spans` is the part of each raw partition that the
    generation reads, by partition; empty: all of it.
    """

    connection: KafkaConnection
    namespace: Namespace
    identities: Mapping[str, str]
    partitions: int
    state_dir: Path
    taxonomies: Path | None = None
    archive: bool = False
    resume: bool = False
    spans: Mapping[int, Span] = field(default_factory=dict)
    options: StageOptions = field(default_factory=StageOptions)
    detect: DetectOptions | None = field(default_factory=DetectOptions)


def stages(settings: StreamsSettings, enricher: Enricher) -> list[Stage]:
    """The stages of a worker, in the order of the flow."""
    namespace = settings.namespace
    lifetime = None if settings.archive else 60 * DAY
    found: list[Stage] = [
        AdsStage(AdsOptions(namespace, settings.partitions, enricher.taxonomy, lifetime), enricher, enricher.redate),
        MarketStage(
            MarketOptions(
                namespace,
                settings.partitions,
                enricher.taxonomy,
                lifetime,
                minute_lifetime=None if settings.archive else 92 * DAY,
            ),
            same_vacancy,
            keys,
        ),
    ]
    if settings.detect is not None and not settings.archive:
        found.append(DetectStage(namespace, settings.detect))
    return found


def build(
    settings: StreamsSettings, enricher: Enricher, observe: Observe, on_fatal: Callable[[BaseException], None]
) -> Host:
    """A worker that is ready to start. `on_fatal` must end the process."""
    context = ShardContext(
        connection=settings.connection,
        generation=settings.namespace.generation,
        identities=settings.identities,
        state_dir=settings.state_dir,
        # One thread: folds are Python and share one interpreter lock; more threads would only interleave them.
        executor=ThreadPoolExecutor(1, thread_name_prefix="fold"),
        observe=observe,
        transaction_timeout_ms=settings.options.transaction_timeout_ms,
        resume=settings.resume,
        spans={(settings.namespace.topic("postings-raw"), number): span for number, span in settings.spans.items()},
    )

    def factory(stage: Stage) -> ShardFactory:
        changelog = settings.namespace.topic(f"{stage.name}-changelog")
        return lambda partition: FoldShard(context, stage, changelog, partition)

    return Host(
        group=settings.namespace.group("streams"),
        connection=settings.connection,
        plan={tuple(stage.inputs): factory(stage) for stage in stages(settings, enricher)},
        options=settings.options,
        on_fatal=on_fatal,
    )


async def run(settings: StreamsSettings, observe: Observe, stop: asyncio.Event) -> None:
    """Run a worker until `stop` is set; a fatal error ends the process at once with the code that says why."""
    host = build(settings, Enricher.load(settings.taxonomies), observe, end_process)
    await host.start()
    await stop.wait()
    if not await host.stop_within():
        end_process(None)
