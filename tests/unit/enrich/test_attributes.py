import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.messages import Enrichment, Posting
from streams.enrich import text
from streams.enrich.attributes import attributes, phrasebook

Ad = Callable[..., Posting]
TEXT_FIELDS = (
    "title", "company", "city", "region_raw", "description", "profile", "date_raw", "deadline_raw", "contract_raw",
    "salary_raw", "sector_raw", "education_raw", "experience_raw", "skills_raw", "positions", "lang_portal",
)  # fmt: skip


def read(posting: Posting, *fields: str) -> Any:  # noqa: ANN401
    """The fields named, one as itself, several as a tuple."""
    found = attributes(posting)
    values = tuple(getattr(found, field) for field in fields)
    return values[0] if len(values) == 1 else values


def test_silence_is_null(ad: Ad) -> None:
    """An ad that says nothing gives nothing."""
    assert attributes(ad()) == Enrichment()


@given(st.dictionaries(st.sampled_from(TEXT_FIELDS), st.text(max_size=200)))
def test_any_text_is_answered(fields: dict[str, str]) -> None:
    """No text raises, and the answer is the same twice."""
    posting = Posting(source="t", id="1", side="offer", observed_at=datetime(2026, 5, 20, tzinfo=UTC), **fields)
    assert attributes(posting) == attributes(posting)


BOOK = phrasebook()
SAID = st.lists(st.sampled_from(sorted({word for phrase in BOOK._values for word in phrase.split()})), max_size=40)


@given(SAID, st.lists(st.sampled_from(sorted(BOOK._values)), max_size=6))
def test_tables_that_are_looked_for_at_once_change_nothing(said: list[str], phrases: list[str]) -> None:
    """A description, and a title, is read alike with the phrasebook and without."""
    body = " ".join([*said[:20], *phrases, *said[20:]])
    for fields in ({"description": body}, {"title": body[:400]}):
        ad = Posting(source="t", id="1", side="offer", observed_at=datetime(2026, 5, 20, tzinfo=UTC), **fields)
        assert attributes(ad, text.read(ad, BOOK)) == attributes(ad)


PARTS = "12;3;2026;99/99/9999;31/02/2025;k;dh;ans;d'expérience;salaire;bac+;9;postes;-;à;il y a;999;mois;ago;٣;²;x;%"
NUMBERS = st.lists(st.sampled_from(PARTS.split(";")), max_size=25)


@given(NUMBERS)
@example(["12", "à", "3", "mois"])
def test_numbers_in_any_order_are_answered(parts: list[str]) -> None:
    """No row of numbers and units raises, and ranges are in order."""
    text = " ".join(parts)
    found = attributes(
        Posting(
            source="t",
            id="1",
            side="offer",
            observed_at=datetime(2026, 5, 20, tzinfo=UTC),
            **dict.fromkeys(TEXT_FIELDS, text),
        )
    )
    for least, most in ((found.salary_min, found.salary_max), (found.experience_min, found.experience_max)):
        assert least is None or most is None or least <= most


@pytest.mark.parametrize(
    "junk", ["1 000 " * 2000, "12/12/", "bac+", "expérience 3 ans ", "recrute 10 ", "à", "<a ", "&amp", "دج"]
)
def test_the_cost_is_bounded(ad: Ad, junk: str) -> None:
    """Ten thousand characters of title and 200,000 of description cost milliseconds."""
    long = (junk * 200_000)[:200_000]
    posting = ad(**dict.fromkeys(TEXT_FIELDS, long[:10_000]) | {"description": long, "profile": long})
    started = time.process_time()
    attributes(posting)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("fields", "contract"),
    [
        ({"contract_raw": "CDI - Télétravail : Hybride"}, "cdi"),
        ({"contract_raw": "Intérim"}, "interim"),
        ({"contract_raw": "CI"}, "anapec"),
        ({"contract_raw": "internship"}, "stage"),
        ({"contract_raw": "المباريات"}, "public"),
        ({"contract_raw": "CDI, CDD & Freelance"}, None),
        ({"contract_raw": "CDI & CDD", "title": "Maçon CDD"}, "cdd"),
        ({"contract_raw": "A discuter", "title": "Stage PFE qualité"}, "stage"),
        ({"contract_raw": "fulltime"}, None),
        ({"title": "Responsable des stages"}, None),
        ({"title": "Apprenti en alternance"}, "alternance"),
        ({"title": "مباراة لتوظيف تقنيين"}, "public"),
        ({"title": "Soudeur", "description": "Nous proposons un CDI à Safi."}, "cdi"),
        ({"title": "Soudeur", "description": "CDD évoluant en CDI."}, None),
        ({"title": "Soudeur", "description": "Société d'intérim reconnue."}, None),
    ],
)
def test_contract(ad: Ad, fields: dict[str, str], contract: str | None) -> None:
    """The field decides, then the title, then the description; a choice of several is unknown."""
    assert read(ad(**fields), "contract") == contract


@pytest.mark.parametrize(
    ("fields", "isced"),
    [
        ({"education_raw": "Bac plus 2"}, 5),
        ({"education_raw": "Bac +5 et plus Minimum - Ecole d'ingénieur"}, 7),
        ({"education_raw": "Bac +3 Minimum - Master"}, 6),
        ({"education_raw": "Bac+4 & Bac+5 et plus"}, 6),
        ({"education_raw": "Qualification avant bac, Bac, Bac+1"}, 3),
        ({"education_raw": "Pas important"}, None),
        ({"education_raw": "Doctorat"}, 8),
        ({"title": "Comptable / bac+2/3"}, 5),
        ({"description": "Titulaire d'une licence en droit"}, 6),
        ({"description": "Vous êtes Scrum Master et gérez les licences logicielles"}, None),
        ({"description": "Diplôme de technicien spécialisé (OFPPT)"}, 5),
        ({"description": "الحصول على شهادة الإجازة"}, 6),
        ({"description": "Bachelor’s degree in finance"}, 6),
    ],
)
def test_education(ad: Ad, fields: dict[str, str], isced: int | None) -> None:
    """The lowest level that suffices, as ISCED."""
    assert read(ad(**fields), "isced") == isced


@pytest.mark.parametrize(
    ("fields", "years"),
    [
        ({"experience_raw": "De 3 à 5 ans"}, (3, 5)),
        ({"experience_raw": "De 1 à 3 ans - De 3 à 5 ans"}, (1, 5)),
        ({"experience_raw": "Moins de 1 an"}, (0, 1)),
        ({"experience_raw": "6 mois"}, (0.5, None)),
        ({"experience_raw": "Expérience entre 2 ans et 5 ans et plus"}, (2, None)),
        ({"experience_raw": "Pas neccessaire"}, (0, None)),
        ({"experience_raw": "Déjà expérimenté"}, (None, None)),
        ({"description": "Minimum 2 ans d’expérience dans la vente"}, (2, None)),
        ({"description": "Expérience de 5 à 10 ans dans un poste similaire"}, (5, 10)),
        ({"description": "3+ years of relevant experience"}, (3, None)),
        ({"description": "Fort de 30 ans d'expérience, le groupe recrute"}, (None, None)),
        ({"description": "Âge : 25 à 35 ans"}, (None, None)),
        ({"description": "Débutants acceptés"}, (0, None)),
        ({"description": "خبرة 3 سنوات على الأقل"}, (3, None)),
    ],
)
def test_experience(ad: Ad, fields: dict[str, str], years: tuple[float | None, float | None]) -> None:
    """Years asked of the candidate, not boasted of by the company, not ages."""
    assert read(ad(**fields), "experience_min", "experience_max") == years


@pytest.mark.parametrize(
    ("fields", "salary"),
    [
        ({"salary_raw": "6 000 – 8 000 DH"}, (6000, 8000, None)),
        ({"salary_raw": "Plus de 10 000 DH"}, (10000, None, None)),
        ({"salary_raw": "de 4000 dh à 6000 dh / de 6000 dh à 8000 dh"}, (4000, 8000, None)),
        ({"salary_raw": "8-12k dhs"}, (8000, 12000, None)),
        ({"salary_raw": "120 000 MAD par an"}, (10000, 10000, None)),
        ({"salary_raw": "A discuter"}, (None, None, None)),
        ({"salary_raw": "SMIG"}, (None, None, None)),
        ({"salary_raw": "50 DH / heure"}, (None, None, None)),
        ({"title": "Vendeur 5000 dhs net"}, (5000, 5000, "net")),
        ({"title": "Vendeur – 2000 DH prime de bienvenue"}, (None, None, None)),
        ({"description": "Rémunération : entre 8000 dh et 10.000 dh net selon profil"}, (8000, 10000, "net")),
        ({"description": "Salaire de base 4500 DHS + primes"}, (4500, None, None)),
        ({"description": "Un chiffre d'affaires de 20000 MAD"}, (None, None, None)),
        ({"description": "Salaire : 12k MAD brut"}, (12000, 12000, "gross")),
        ({"description": "الأجر 5000 درهم"}, (5000, 5000, None)),
    ],
)
def test_salary(ad: Ad, fields: dict[str, str], salary: tuple[int | None, int | None, str | None]) -> None:
    """MAD a month, only where pay is stated: no bonus, no turnover, no statutory minimum."""
    assert read(ad(**fields), "salary_min", "salary_max", "salary_basis") == salary


@pytest.mark.parametrize(
    ("fields", "openings"),
    [
        ({"region_raw": "3 poste(s) sur Rabat et région - Maroc"}, 3),
        ({"positions": "25"}, 25),
        ({"title": "10 techniciens en froid"}, 10),
        ({"title": "Recrute 6 chargés de clientèle"}, 6),
        ({"title": "Chargé d'appui – mission de 3 mois"}, None),
        ({"title": "Hôtel 4 étoiles"}, None),
        ({"title": "Trois soudeurs qualifiés"}, 3),
        ({"title": "Deux ans minimum"}, None),
        ({"title": "Assistante", "description": "Nous cherchons pour notre agence deux (2) candidates"}, 2),
        ({"title": "Chef de partie", "description": "Nous recherchons deux (02) soudeurs"}, 2),
        ({"title": "مباراة", "description": "عدد المناصب: 25"}, 25),
        ({"title": "Chef", "description": "Développeur Sage X3 avec 2 ans"}, None),
        ({"title": "Chef", "date_raw": "Publication : du 11/02/2022 au 11/04/2022 | Postes proposés: 4"}, 4),
    ],
)
def test_openings(ad: Ad, fields: dict[str, str], openings: int | None) -> None:
    """Positions are counted where they are stated, never taken from durations or names."""
    assert read(ad(**fields), "openings") == openings


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("2026-05-01", "2026-05-01"),
        ("26/12/2022", "2022-12-26"),
        ("05.12.2024", "2024-12-05"),
        ("18 Déc 2024 10:49", "2024-12-18"),
        ("29 Aoû 08:57", "2025-08-29"),
        ("Aujourd'hui 17:43", "2026-05-20"),
        ("Publié hier", "2026-05-19"),
        ("il y a 3 jours", "2026-05-17"),
        ("L'offre est là il y a 2 semaines", "2026-05-06"),
        ("il y a 3 mois", "2026-02-20"),
        ("12 days ago", "2026-05-08"),
        ("30+ days ago", None),
        ("May 3, 2026", "2026-05-03"),
        ("5 ماي 2026", "2026-05-05"),
        ("12 غشت 2025", "2025-08-12"),
        ("٣ يوليوز ٢٠٢٥", "2025-07-03"),
        ("منذ 4 أيام", "2026-05-16"),
        ("99/99/2024", None),
        ("26/12/2026", None),
        ("bientôt", None),
    ],
)
def test_published(ad: Ad, raw: str, day: str | None) -> None:
    """Absolute and relative dates of three languages; none after the sighting."""
    assert read(ad(date_raw=raw), "published_on") == day


def test_deadline(ad: Ad) -> None:
    """A deadline may lie ahead; one without a year is the nearest; a period's end serves where no other stands."""
    assert read(ad(deadline_raw="15 شتنبر"), "deadline_on") == "2026-09-15"
    assert read(ad(deadline_raw="31/12/2026"), "deadline_on") == "2026-12-31"
    assert read(ad(deadline_raw="Non disponible"), "deadline_on") is None
    assert read(ad(date_raw="Publication : du 11/02/2026 au 11/06/2026"), "deadline_on") == "2026-06-11"


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ({"title": "Femme de ménage"}, "fr"),
        ({"title": "Chaudronnier"}, "fr"),
        ({"title": "Software engineer"}, "en"),
        ({"title": "مطلوب سائق شاحنة"}, "ar"),
        ({"title": "Cherche coiffeuse مطلوب حلاقة محترفة"}, "mixed"),
        ({"title": "HSE"}, None),
        ({"title": "HSE", "lang_portal": "fr-MA"}, "fr"),
        ({"title": "Lead", "description": "Vous serez chargé de la gestion de notre équipe et des clients."}, "fr"),
        ({"title": "Lead", "description": "You will be responsible for the management of our team."}, "en"),
    ],
)
def test_language(ad: Ad, fields: dict[str, str], language: str | None) -> None:
    """The ad's own words decide; the portal's language only where they are silent."""
    assert read(ad(**fields), "lang") == language


def test_languages_asked_for(ad: Ad) -> None:
    """A language counts as a language, not as a nationality."""
    text = "Maîtrise du français et de l'anglais. Client français. Espagnol apprécié."
    assert read(ad(title="Agent", description=text), "languages") == ("en", "es", "fr")
    assert read(ad(title="Agent", description="Leader du marché français"), "languages") == ()
    assert read(ad(title="موظف استقبال يتقن الإنجليزية"), "languages") == ("en",)


@pytest.mark.parametrize(
    ("fields", "section"),
    [
        ({"sector_raw": "Informatique / Electronique - Secteur Banque / Finance -"}, "K"),
        ({"sector_raw": "BTP / Génie Civil"}, "F"),
        ({"sector_raw": "Comptabilité / Gestion / Audit"}, None),
        ({"sector_raw": "Autre"}, None),
        ({"company": "Clinique Ibn Sina"}, "Q"),
        ({"company": "Assurances du Détroit", "sector_raw": "Autre"}, "K"),
        ({"description": "Une société de gardiennage recrute un agent."}, "N"),
        ({"description": "Notre client, acteur majeur du secteur bancaire, cherche un développeur."}, "K"),
        ({"description": "Vous avez une expérience dans le secteur bancaire."}, None),
        ({"company": "Ministère de l'Intérieur"}, "O"),
        ({"company": "Université Ibn Zohr"}, "P"),
        ({"company": "Dupont"}, None),
    ],
)
def test_sector(ad: Ad, fields: dict[str, str], section: str | None) -> None:
    """An activity gives its ISIC section, an occupational family none."""
    assert read(ad(**fields), "sector_isic") == section


def test_skills(ad: Ad) -> None:
    """Skills are named in three languages, each once, in order."""
    posting = ad(title="Développeur C++ / .NET", description="Java, java et Excel. Permis B. sage-femme. المحاسبة")
    assert read(posting, "skills") == ("cpp", "dotnet", "java", "excel", "driving-b", "accounting")


@pytest.mark.parametrize(
    ("fields", "remote"),
    [
        ({"contract_raw": "CDI - Télétravail : Hybride"}, "hybrid"),
        ({"contract_raw": "CDI - Télétravail : Non", "description": "Télétravail possible"}, None),
        ({"city": "Rabat, Morocco (Remote)"}, "remote"),
        ({"city": "Tout le Maroc / A distance"}, None),
        ({"title": "Traducteur en télétravail"}, "remote"),
        ({"title": "مصمم عن بعد"}, "remote"),
        ({"description": "2 jours de télétravail par semaine"}, "hybrid"),
        ({"description": "Expert in remote sensing and hybrid cloud"}, None),
    ],
)
def test_remote(ad: Ad, fields: dict[str, str], remote: str | None) -> None:
    """Remote and hybrid where stated; on site and silence are null."""
    assert read(ad(**fields), "remote") == remote
