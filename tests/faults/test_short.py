from collections.abc import Mapping
from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.run import STRIKES, run
from tests.faults.schedule import Schedule, Step

SHORT = ("killed in the transaction", "insert's answer lost", "poison records", "local state corrupt")


def test_every_fault_of_the_catalogue_can_be_injected() -> None:
    """The catalogue names what strikes and nothing else."""
    assert {fault.name for fault in FAULTS} == set(STRIKES)


async def test_a_short_schedule_loses_and_doubles_nothing(tmp_path: Path, kafka_libs: Path) -> None:
    """Worker, store, input and local rows are struck once each; every check but that of time holds."""
    steps = tuple(Step(name, fault=True, seed=n) for n, name in enumerate(SHORT))
    outcome = await run(Schedule(1, 0.75, 0.15, (Step("feed", fault=False, seed=9), *steps)), tmp_path, kafka_libs)
    unseen: Mapping[str, int] = outcome.injected - outcome.observed
    assert unseen == {}
    timed = "lag 0 within"  # a loaded machine may take longer: `marsad test faults` judges that
    assert [check for check in outcome.checks if not check.held and timed not in check.claim] == []
