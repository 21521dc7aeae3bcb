import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.messages import Posting
from streams.enrich.place import Place, place
from streams.enrich.text import read

Ad = Callable[..., Posting]


def located(posting: Posting) -> Place:
    """Where a posting is."""
    return place(posting, read(posting))


@pytest.mark.parametrize(
    ("field", "regions"),
    [
        ("Casablanca", "06"),
        ("CASABLANCA (Maroc)", "06"),
        ("Fez, Fès-Meknès, Morocco (Hybrid)", "03"),
        ("Taroudant · Morocco", "09"),
        ("7 poste(s) sur Oujda et région - Maroc", "02"),
        ("Ouad Ed Dahab et région - Maroc", "12"),
        ("Tan-Tan, 10, MA", "10"),
        ("Douar Inconnu, 8, MA", "08"),
        ("Agadir / Nador ou Settat", "02 06 09"),
        ("Souss-Massa-Drâa", "08 09"),
        ("Meknès-Tafilalet", "03 08"),
        ("Chaouia-Ouardigha", "05 06"),
        ("Guelmim-Es Semara", "10 11"),
        ("Gharb-Chrarda-Béni Hssen", "04"),
        ("Maârif", "06"),
        ("Agdal - Marrakech", "07"),
        ("طنجة", "01"),
        ("الدار البيضاء - عين الشق", "06"),
        ("العيون", "11"),
        ("Marakech", "07"),
        ("Mohammmedia (Maroc)", "06"),
        ("Salé", "04"),
        ("SALE", "04"),
        ("Tétouan (France)", "01"),
        ("Provinces du Sud", "11 12"),
    ],
)
def test_a_place_field_names_regions(ad: Ad, field: str, regions: str) -> None:
    """Towns, old and new regions, portals' idioms, quarters, misspellings and Arabic lead to regions."""
    found = located(ad(title="Comptable", city=field))
    assert found.scope == "regional"
    assert found.regions == tuple(f"MA-{code}" for code in regions.split())
    assert 0 < found.confidence <= 1


@pytest.mark.parametrize(
    ("field", "scope"),
    [
        ("Maroc", "national"),
        ("Morocco (On-site)", "national"),
        ("Tout le Maroc / A distance", "national"),
        ("الصعيد الوطني", "national"),
        ("Agadir / Fès / Nador / Rabat / Safi / Casablanca / Guelmim / Dakhla / Tanger / Paris / Madrid", "national"),
        ("Lyon (France)", "abroad"),
        ("Autres régions - Allemagne", "abroad"),
        ("Dakar", "abroad"),
        ("قطر", "abroad"),
        ("Autre ville", "unknown"),
        ("CDI + primes", "unknown"),
        ("", "unknown"),
        ("🙂", "unknown"),
    ],
)
def test_a_place_field_without_a_region(ad: Ad, field: str, scope: str) -> None:
    """Nationwide, abroad and unknown name no region."""
    found = located(ad(title="Comptable", city=field))
    assert (found.scope, found.regions) == (scope, ())


def test_title_and_fields_are_united_or_the_title_overrules(ad: Ad) -> None:
    """A title that repeats the field's town adds to it; one that names only another overrules it."""
    assert located(ad(title="Chauffeur Nador / Fès", city="Fès")).regions == ("MA-02", "MA-03")
    assert located(ad(title="Chauffeur à Nador", city="Fès")).regions == ("MA-02",)
    assert located(ad(title="Chauffeur", city="Safi", region_raw="Taza et région - Maroc")).regions == (
        "MA-03",
        "MA-07",
    )


@pytest.mark.parametrize(
    "title",
    [
        "Sale manager",
        "Chef de l'équipe Racine",
        "Spécialiste en danse orientale",
        "طبيب العيون",
        "Oasis Manager",
        "Nice job",
    ],
)
def test_common_words_are_no_places_in_titles(ad: Ad, title: str) -> None:
    """Homonyms of common words count only in fields that hold places."""
    assert located(ad(title=title)) == Place((), "unknown", 0.0)


def test_accents_make_a_homonym_a_place(ad: Ad) -> None:
    """`Salé` in a title is the town, `sale` is not."""
    assert located(ad(title="Vendeur à Salé")).regions == ("MA-04",)
    assert located(ad(title="Vendeur for sale")).regions == ()


def test_namesakes_are_told_apart_by_context(ad: Ad) -> None:
    """A name of several places takes the region that the ad names elsewhere, else the likeliest, less surely."""
    alone = located(ad(title="Maçon", city="Sidi Rahal"))
    beside = located(ad(title="Maçon", city="Sidi Rahal", region_raw="Marrakech-Safi"))
    assert (alone.regions, beside.regions) == (("MA-06",), ("MA-07",))
    assert alone.confidence < beside.confidence


def test_a_public_employer_locates_where_fields_are_silent(ad: Ad) -> None:
    """A province, a university or a town's company gives its place; fields come first; private names do not count."""
    assert located(ad(title="Technicien 3e grade", company="Province de Khénifra")).regions == ("MA-05",)
    assert located(ad(title="متصرف", company="وزارة الداخلية -عمالة إقليم طانطان-")).regions == ("MA-10",)
    assert located(ad(title="Professeur", company="Université Ibn Zohr")).regions == ("MA-09",)
    assert located(ad(title="Professeur", city="Taza", company="Université Ibn Zohr")).regions == ("MA-03",)
    assert located(ad(title="Serveur", company="Délices de Tanger")).regions == ()
    assert located(ad(title="مستشار", company="وزارة الشؤون الخارجية والمغاربة المقيمين بالخارج")).scope == "unknown"


def test_the_description_comes_last(ad: Ad) -> None:
    """The workplace in a description counts where all else is silent, and not the towns of a company's blurb."""
    text = "Groupe présent à Fès et Agadir. Lieu de travail : Kénitra ou Tanger. Postulez."
    assert located(ad(title="Soudeur", description=text)).regions == ("MA-01", "MA-04")
    assert located(ad(title="Soudeur", city="Oujda", description=text)).regions == ("MA-02",)
    assert located(ad(title="Soudeur", description="Groupe présent à Fès et Agadir.")).scope == "unknown"


def test_work_abroad_overrules_the_portals_town(ad: Ad) -> None:
    """A description or a title that says that the work is abroad is believed; a client abroad is not."""
    abroad = ad(title="Architect", city="Casablanca", description="We are hiring now in Riyadh, KSA.")
    assert located(abroad).scope == "abroad"
    assert located(ad(title="Maçon - mission en France", city="Fès")).scope == "abroad"
    assert located(ad(title="Conseiller", city="Fès", description="Notre client, basé à Paris, recrute.")).regions == (
        "MA-03",
    )
    assert located(ad(title="Téléconseiller marché France", city="Fès")).regions == ("MA-03",)


@pytest.mark.parametrize(
    "junk", ["Casa " * 2000, "sidi " * 2000, "a" * 10_000, "/" * 10_000, "Lieu de travail : Paris " * 10_000]
)
def test_long_input_is_cheap(ad: Ad, junk: str) -> None:
    """Ten thousand characters anywhere cost milliseconds."""
    posting = ad(title=junk, city=junk, region_raw=junk, company=junk, description=junk)
    started = time.process_time()
    located(posting)
    assert time.process_time() - started < 0.25


@pytest.mark.shared_data
def test_real_location_strings(ad: Ad, shared_data: Path) -> None:
    """On the labelled location strings: right in at least .985 weighted by frequency and .95 unweighted."""
    right = total = hits = 0
    labelled = [json.loads(line) for line in (shared_data / "locations_dev.ndjson").read_text("utf-8").splitlines()]
    for row in labelled:
        found = located(ad(title="Comptable", **{row["field"]: row["raw"]}))
        wanted = row["region"]
        if wanted in (["NAT"], ["ABROAD"]):
            good = found.scope == {"NAT": "national", "ABROAD": "abroad"}[wanted[0]]
        else:
            good = list(found.regions) == ([] if wanted == ["X"] else wanted)
        right, total, hits = right + good * row["n"], total + row["n"], hits + good
    assert right / total >= 0.985
    assert hits / len(labelled) >= 0.95
