from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.messages import Posting
from streams.enrich.enricher import Enricher

SAID = [None, "Il y a 3 jours", "hier", "12/05/2026", "12 mai", "du 11/05/2026 au 20/06/2026", "3 postes proposés",
        "encore 10 jours", "أمس", "12 غشت 2026", "2 days ago"]  # fmt: skip
SEEN = datetime(2026, 5, 20, 22, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    """Load the tables once."""
    return Enricher.load()


@given(st.sampled_from(SAID), st.sampled_from(SAID), st.sampled_from([None, "ar"]), st.integers(0, 60 * 24 * 40))
def test_a_later_sighting_redated_is_as_if_read_anew(
    enricher: Enricher, published: str | None, until: str | None, lang: str | None, minutes: int
) -> None:
    """Whatever the portal says of dates: all else that is read of an ad does not depend on when it was seen."""
    posting = Posting(
        source="a",
        id="1",
        side="offer",
        observed_at=SEEN,
        title="Avis de concours: technicien 3ème grade",
        company="Ministère de la Santé",
        city="Rabat",
        description="Recrutement de 4 techniciens, bac+2, deux ans d'expérience, depuis hier et jusqu'au 30 juin",
        date_raw=published,
        deadline_raw=until,
        lang_portal=lang,
    )
    later = structs.replace(posting, observed_at=SEEN + timedelta(minutes=minutes))
    assert enricher.redate(later, *enricher(posting)) == enricher(later)
