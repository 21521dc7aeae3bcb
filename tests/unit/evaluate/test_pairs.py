import pytest

from schemas.messages import Enrichment
from streams.enrich.enricher import Enricher
from streams.evaluate.figures import Bootstrap
from streams.evaluate.labelled import ANSWERS
from streams.evaluate.pairs import measure, measure_fr_ar
from tests.unit.evaluate.conftest import Told

TEXT = (
    "Nous recherchons un soudeur pour notre atelier de chaudronnerie : lecture de plans, soudure TIG et MIG, contrôle "
    "des cordons, respect des délais et des consignes de sécurité, travail en équipe, horaires postés."
)
ONE = {"source": "a", "source_id": "1", "title": "Soudeur TIG", "company": "Chaudronnerie Atlas", "city": "Kénitra",
       "description": TEXT}  # fmt: skip
SAME = ONE | {"source": "b", "source_id": "7"}
OTHER = {"source": "b", "source_id": "8", "title": "Juriste", "company": "Cabinet Droit", "city": "Rabat"}
ROWS = [
    {"id": "1", "label": "dup", "a": ONE, "b": SAME},
    {"id": "2", "label": "no", "a": ONE, "b": OTHER},
    {"id": "3", "label": "unsure", "a": SAME, "b": OTHER},
]


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    """Load the production code once."""
    return Enricher.load()


def test_a_pair_is_found_when_its_ads_share_a_vacancy(enricher: Enricher, draw: Bootstrap) -> None:
    """The same ad on two portals is joined, another job is not, and unsure rows are left out."""
    report = measure(ROWS, enricher, "t", draw)
    assert report.rows == 2
    assert report.value("precision") == 1.0
    assert report.value("recall") == 1.0
    assert report.value("joined", "label no") == 0.0
    assert report.value("lost by blocking") == 0.0


def test_no_answer_of_a_pair_or_of_its_ads_is_read(draw: Bootstrap) -> None:
    """With answers put into the ads themselves, the production code is asked the same."""
    plain, spiked = Told({}), Told({})
    measure(ROWS, plain, "t", draw)
    tainted = [row | {side: row[side] | dict.fromkeys(ANSWERS, "x") for side in "ab"} for row in ROWS]  # type: ignore[operator]
    measure(tainted, spiked, "t", draw)
    assert plain.asked == spiked.asked


def test_a_wrong_join_of_french_and_arabic_counts_against_precision(draw: Bootstrap) -> None:
    """One of two notices joins another's Arabic side as well; the same is shown with the deadline withheld."""
    rows = [
        {"title_fr": "Technicien", "title_ar": "تقني", "employer_fr": "Commune", "employer_ar": "جماعة",
         "deadline": "12/05/2026", "uuid": "u1", "label": 1},
        {"title_fr": "Administrateur", "title_ar": "متصرف", "employer_fr": "Ministère", "employer_ar": "وزارة",
         "deadline": "13/06/2026", "uuid": "u2", "label": 1},
    ]  # fmt: skip
    told = Told({title: Enrichment(isco_best="3119") for title in ("Technicien", "تقني", "Administrateur", "متصرف")})
    report = measure_fr_ar(rows, told, "t", draw)
    groups = {figure.group for figure in report.figures}
    assert groups == {"", "deadline withheld"}
    seen = [(posting.deadline_raw, posting.url) for posting in told.asked]
    assert seen.count((None, None)) == 4
    assert all(url is None for _, url in seen)
