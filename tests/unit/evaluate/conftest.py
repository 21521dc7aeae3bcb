from collections.abc import Mapping

import pytest

from schemas.messages import Enrichment, Posting, Signature
from streams.evaluate.figures import Bootstrap


class Told:
    """Stands for the production code: says of each title what it was told to, and keeps what it was asked."""

    def __init__(self, answers: Mapping[str, Enrichment]) -> None:
        self._answers = answers
        self.asked: list[Posting] = []

    def __call__(self, posting: Posting) -> tuple[Enrichment, Signature]:
        self.asked.append(posting)
        facts = self._answers.get(posting.title or "", Enrichment())
        return facts, Signature(source=posting.source, title=(posting.title or "",), isco=facts.isco_best)


@pytest.fixture(scope="session")
def draw() -> Bootstrap:
    """Draw few resamples: intervals are tested apart."""
    return Bootstrap(resamples=50)
