"""What hostile text can cost is bounded: beyond the limits nothing is read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.messages import Posting
from streams.enrich.enricher import Enricher
from streams.enrich.place import FIELD_LIMIT
from streams.enrich.text import TEXT_LIMIT, TITLE_LIMIT

PIECES = (
    "deux (", "société leader secteur ", "ref ", "job id: a1", "recrute un ", "\u0651", "<", "&amp;", "e ", "bac + ",
    "3 à 5 ans d'expérience ", "1 000 dh ", "Rabat / ", "\u202e", "🙂", "ﷺ", "مطلوب ", "ـ", "منصب مسؤولية ", "H/F ",
)  # fmt: skip
LIMITS = {
    "title": TITLE_LIMIT, "company": TITLE_LIMIT, "city": FIELD_LIMIT, "region_raw": FIELD_LIMIT,
    "description": TEXT_LIMIT, "contract_raw": 400, "sector_raw": 400, "education_raw": 400, "experience_raw": 400,
    "salary_raw": 200, "date_raw": 200, "deadline_raw": 200, "skills_raw": 2 * TITLE_LIMIT,
}  # fmt: skip


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    """Load the enricher once."""
    return Enricher.load()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), min_size=1, max_size=4), st.sampled_from(sorted(LIMITS)))
def test_nothing_is_read_beyond_the_limits(enricher: Enricher, pieces: list[str], field: str) -> None:
    """A field of a hundred thousand characters gives what its first ones give, whatever it repeats; nothing raises."""
    piece = "".join(pieces) or "x"
    long = (piece * (100_000 // len(piece) + 1))[:100_000]
    others = {} if field == "title" else {"title": "Comptable"}

    def posting(value: str) -> Posting:
        seen = datetime(2026, 5, 1, tzinfo=UTC)
        return Posting(source="s", id="1", side="offer", observed_at=seen, **others, **{field: value})

    assert enricher(posting(long)) == enricher(posting(long[: LIMITS[field]]))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=80))
def test_any_text_has_an_answer(enricher: Enricher, title: str, description: str, company: str) -> None:
    """Emoji, marks, mixed scripts, other languages: an answer, the same on every call, and sure of little."""
    seen = datetime(2026, 5, 1, tzinfo=UTC)
    posting = Posting(
        source="s", id="1", side="offer", observed_at=seen, title=title, description=description, company=company
    )
    facts, signature = enricher(posting)
    assert (facts, signature) == enricher(posting)
    assert 0 <= facts.isco_confidence <= 1
