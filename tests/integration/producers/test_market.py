"""Forty portals of every kind that edit, remove and fail: what stood is delivered, nothing else, hosts are spared.

`marsad test market --items 1000000` is the same at full size, with its table.
"""

from pathlib import Path

from schemas.connections import KafkaConnection
from schemas.topics import Namespace
from tests.market.ads import PHASES
from tests.market.run import run

ITEMS = 20_000
SEED = 7


async def test_a_market_is_delivered_through_faults(
    kafka: KafkaConnection, namespace: Namespace, tmp_path: Path
) -> None:
    """Every version is in the raw topic, once in the unique one, every removal too, none invented; limits hold."""
    found = await run(kafka, namespace, tmp_path, items=ITEMS, seed=SEED)
    tally = found.tally
    assert (tally.lacking(), tally.examples) == ([], [])
    assert tally.exact, (tally.stood, tally.in_raw, tally.once, tally.invented, tally.removals)
    assert found.over_limit == []
    assert len(found.faults) >= 9
    assert found.unflagged == []
    assert {name: len(held) for name, held in found.memory.items()} == {"producers": PHASES, "streams": PHASES}
    assert found.flat, found.memory
