"""A run: the schedule's steps against the real stack, each healed and caught up, then the recount."""

import asyncio
import random
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streams.enrich.enricher import Enricher
from tests.faults import faults_generation, faults_input, faults_kafka, faults_state, faults_store, faults_worker
from tests.faults.invariants import Sampler, final_checks
from tests.faults.report import Check, say
from tests.faults.schedule import Schedule, Step
from tests.faults.stack import CATCH_UP_SECONDS, PATIENCE_SECONDS, Stack

Strike = Callable[[Stack, random.Random], Awaitable[bool]]

STRIKES: Mapping[str, Strike] = {
    "worker killed": faults_worker.killed,
    "worker terminated": faults_worker.terminated,
    "worker paused past its session": faults_worker.zombie,
    "worker killed in its recovery": faults_worker.killed_in_recovery,
    "killed before the transaction": faults_worker.killed_at("folded"),
    "killed as the transaction begins": faults_worker.killed_at("begun"),
    "killed in the transaction": faults_worker.killed_at("written"),
    "killed before the local write": faults_worker.killed_at("committed"),
    "killed before the group commit": faults_worker.killed_at("stored"),
    "worker stopped in a transaction": faults_worker.stopped_in_transaction,
    "partitions rebalanced in flight": faults_worker.rebalanced,
    "scaled 1, 2, 3, 1": faults_worker.scaled,
    "rebalanced again and again": faults_worker.rebalanced_repeatedly,
    "broker restarted": faults_kafka.restarted,
    "broker away": faults_kafka.away,
    "broker stopped": faults_kafka.stopped,
    "transaction coordinator slow": faults_kafka.coordinator_slow,
    "producer's answers lost": faults_kafka.answers_lost,
    "store killed in an insert": faults_store.killed_in_insert,
    "store away": faults_store.away,
    "store slow": faults_store.slow,
    "too many parts": faults_store.too_many_parts,
    "insert's answer lost": faults_store.answer_lost,
    "sink terminated while the store is away": faults_store.sink_terminated_in_outage,
    "sink killed": faults_store.sink_killed,
    "poison records": faults_input.poison,
    "tombstones": faults_input.tombstones,
    "oversize records": faults_input.oversize,
    "late postings": faults_input.late,
    "postings from the future": faults_input.from_the_future,
    "skewed clocks": faults_input.skewed,
    "null keys": faults_input.null_keys,
    "idle partition": faults_input.idle_partition,
    "backfill older than retention": faults_input.backfill,
    "local state lost": faults_state.lost,
    "local state old": faults_state.old,
    "local state corrupt": faults_state.corrupt,
    "local state ahead of the changelog": faults_state.ahead,
    "disk full": faults_state.disk_full,
    "changelog compacted": faults_state.compacted,
    "changelog empty": faults_generation.changelog_empty,
    "topic recreated": faults_generation.topic_recreated,
    "rebuild with one partition ahead": faults_generation.rebuilt_unevenly,
    "backfill beside the live worker": faults_generation.backfilled_beside,
}
"""What strikes, by the catalogue's names."""


@dataclass
class Outcome:
    """What a run did and found."""

    injected: Counter[str] = field(default_factory=Counter)
    observed: Counter[str] = field(default_factory=Counter)
    checks: list[Check] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Put another run's beside it."""
        self.injected += other.injected
        self.observed += other.observed
        self.checks += other.checks


async def run(schedule: Schedule, folder: Path, libs: Path) -> Outcome:
    """Run a schedule in `folder`; every process of it has ended when this returns."""
    outcome = Outcome()
    stack = Stack(folder, libs, schedule.seed, schedule.scale)
    sampler = Sampler(stack)
    sampling: asyncio.Task[None] | None = None
    try:
        await stack.start()
        say(f"seed {schedule.seed}: {len(schedule.faults)} faults in {len(schedule.steps)} steps")
        sampling = asyncio.create_task(sampler.run())
        await stack.caught_up()
        for step in schedule.steps:
            await _step(stack, step, outcome)
        stack.feeding.clear()
        await asyncio.sleep(1)
        await _heal(stack, "the last step", outcome)
        await asyncio.sleep(2)  # the partitions of a transaction become readable one by one
        await stack.caught_up()
        outcome.checks += await final_checks(stack, sampler, Enricher.load())
        slowest = max(stack.catch_ups, default=0.0)
        outcome.checks.append(
            Check(
                f"lag 0 within {CATCH_UP_SECONDS:.0f} s of each healing",
                bool(stack.catch_ups) and slowest <= CATCH_UP_SECONDS,
                f"{len(stack.catch_ups)} times, {slowest:.1f} s at most",
            )
        )
        outcome.checks = [replace(one, claim=f"seed {schedule.seed}: {one.claim}") for one in outcome.checks]
    finally:
        if sampling is not None:
            sampling.cancel()
            await asyncio.gather(sampling, return_exceptions=True)
        await stack.stop()
    return outcome


async def _step(stack: Stack, step: Step, outcome: Outcome) -> None:
    began = time.monotonic()
    draws = random.Random(step.seed)
    told = ""
    if step.fault:
        outcome.injected[step.name] += 1
        try:
            seen = await STRIKES[step.name](stack, draws)
        except Exception as error:  # noqa: BLE001 - whatever a strike met is its failure, and the run goes on
            seen, told = False, f" ({type(error).__name__}: {error}) {_where(error)}"
        outcome.observed[step.name] += seen
        told = f"{'observed' if seen else 'NOT OBSERVED'}{told}"
    else:
        await act(stack, step.name, draws)
    caught = await _heal(stack, step.name, outcome)
    say(f"  {step.name:<40} {told:<14} {time.monotonic() - began:5.1f} s, caught up in {caught:.1f} s")


async def _heal(stack: Stack, name: str, outcome: Outcome) -> float:
    try:
        caught = await stack.caught_up()
    except TimeoutError as error:
        outcome.checks.append(Check(f"lag 0 after {name}", held=False, figures=str(error)))
        return PATIENCE_SECONDS
    stack.catch_ups.append(caught)
    return caught


async def act(stack: Stack, name: str, draws: random.Random) -> None:
    """An action of an ordinary day."""
    match name:
        case "feed":
            await stack.publish(list(stack.market.sightings(draws.randint(400, 1500))))
        case "idle":
            async with stack.quiet():
                await asyncio.sleep(draws.uniform(2, 4))
                await stack.heartbeat()
        case "backfill":
            seen = datetime.now(UTC).replace(microsecond=0) - timedelta(days=draws.randint(60, 2000))
            await stack.publish(list(stack.market.fresh(draws.randint(50, 200), seen, source="history")))
        case "scale":
            first = stack.worker
            stack.add_worker()
            await asyncio.sleep(draws.uniform(4, 8))
            await stack.only(first)
        case "rebalance":
            first = stack.worker
            second = stack.add_worker()
            await asyncio.sleep(draws.uniform(4, 8))
            await stack.only(second)
            assert first is not second
        case _:
            raise ValueError(f"no action {name}")


def _where(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tests/faults/faults_" in frame.filename]
    return f"at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
