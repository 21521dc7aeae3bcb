"""The faults and actions that a schedule draws from: what each does, and by what its effect is told. Pure data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`seconds` is what it takes with its recovery, `waits` the part of it that a short schedule shortens."""

    name: str
    effect: str
    seconds: float
    waits: float = 0.0


@dataclass(frozen=True)
class Action:
    """What happens in an ordinary day, between faults."""

    name: str
    seconds: float


FAULTS = (
    # -- the worker
    Fault("worker killed", "SIGKILL ended it; its next start took the partitions over", 16),
    Fault("worker terminated", "it gave its partitions back and ended with 0", 14),
    Fault("worker paused past its session", "its write was refused: fenced (75)", 30),
    Fault("worker killed in its recovery", "SIGKILL while changelog rows were written back", 24),
    Fault("killed before the transaction", "SIGKILL at step folded; next start opened", 18),
    Fault("killed as the transaction begins", "SIGKILL at step begun; next start opened", 18),
    Fault("killed in the transaction", "SIGKILL with the records at the broker, uncommitted", 18),
    Fault("killed before the local write", "SIGKILL at step committed; the changelog was ahead and replayed", 18),
    Fault("killed before the group commit", "SIGKILL at step stored; next start opened", 18),
    Fault("worker stopped in a transaction", "readers were held up, and on again within 20 s", 36),
    Fault("partitions rebalanced in flight", "the one worker closed shards that the other opened", 20),
    Fault("scaled 1, 2, 3, 1", "three workers held shards at once, then one", 36),
    Fault("rebalanced again and again", "shards were given back three times", 34),
    # -- the broker
    Fault("broker restarted", "another broker process answers", 24),
    Fault("broker away", "clients failed meanwhile", 90, 60),
    Fault("broker stopped", "requests timed out meanwhile", 30, 15),
    Fault("transaction coordinator slow", "a flush's transaction took the delay", 28),
    Fault("producer's answers lost", "batches were written and their answers dropped", 14),
    # -- the store
    Fault("store killed in an insert", "SIGKILL with an insert half sent; it was repeated", 16),
    Fault("store away", "the sink waited and then wrote", 140, 120),
    Fault("store slow", "inserts took the delay", 14),
    Fault("too many parts", "ClickHouse refused with code 252; the insert was repeated", 20),
    Fault("insert's answer lost", "the rows were in, the insert was repeated", 14),
    Fault("sink terminated while the store is away", "it ended in time, unwritten", 24),
    Fault("sink killed", "SIGKILL; it went on where it had committed", 16),
    # -- the input
    Fault("poison records", "rejects of each reason", 8),
    Fault("tombstones", "rejects without bytes", 8),
    Fault("null keys", "records without a key were judged", 8),
    Fault("oversize records", "rejects as too large", 8),
    Fault("late postings", "days long past changed", 8),
    Fault("postings from the future", "rejects as of the future", 8),
    Fault("skewed clocks", "observations ahead of the broker's clock were counted", 8),
    Fault("idle partition", "its log clock went on by heartbeats", 14),
    Fault("backfill older than retention", "years before any retention are counted", 10),
    # -- the local state
    Fault("local state lost", "all was replayed from the changelog", 16),
    Fault("local state old", "kept, and caught up from the changelog", 26),
    Fault("local state corrupt", "discarded as unreadable", 16),
    Fault("local state ahead of the changelog", "discarded as ahead", 16),
    Fault("disk full", "a write failed for want of space", 34),
    Fault("changelog compacted", "a restore read fewer records than were written", 34),
    Fault("changelog empty", "opened with nothing to replay", 22),
    # -- generations
    Fault("topic recreated", "the worker refused (78) and said why", 30),
    Fault("rebuild with one partition ahead", "one raw partition was done before the others began", 36),
    Fault("backfill beside the live worker", "both generations flushed at once", 34),
)

ACTIONS = (
    Action("feed", 6),
    Action("idle", 4),
    Action("backfill", 6),
    Action("scale", 14),
    Action("rebalance", 14),
)
