from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import Signature
from streams.match.pairs import SAME_TEXT, overlap, same_vacancy
from tests.unit.match.finding import finds

Sign = Callable[..., Signature]
Text = Callable[[int, int], str]


def one_vacancy(a: Signature, b: Signature) -> bool:
    """Whether the pair test joins the two and the index would bring them together."""
    because = same_vacancy(a, b)
    assert same_vacancy(b, a) == because
    return because is not None and finds(a, b)


HASHES = st.sets(st.integers(0, 30), min_size=1, max_size=20).map(lambda found: tuple(sorted(found)))


@given(HASHES, HASHES)
def test_an_overlap_is_the_estimate_where_it_could_join(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    """Below the limit it is no less than the estimate: whatever asks for the limit or more gets the same answer."""
    union = sorted({*one, *other})[: max(len(one), len(other))]
    estimate = sum(value in one and value in other for value in union) / len(union)
    found = overlap(Signature(shingles=one), Signature(shingles=other))
    assert found is not None
    assert found == estimate or estimate <= found < SAME_TEXT


@pytest.fixture
def ad(sign: Sign) -> Signature:
    """Make an ad to compare others with."""
    return sign("a", title="Chef comptable (H/F)", company="Zellij Sarl", city="Rabat (Maroc)")


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Chef Comptable - Rabat", "company": "ZELLIJ"},
        {"title": "CHEF COMPTABLE", "company": "Groupe Zellij Maroc", "city": "Rabat, Rabat-Salé-Kénitra, Morocco"},
        {"title": "Chef comptabel", "company": "Zellij", "city": "Rabat"},
    ],
)
def test_thin_ads_of_one_employer_title_and_town_are_one_vacancy(
    sign: Sign, ad: Signature, other: dict[str, str]
) -> None:
    """Portals that show little still show employer, title and town."""
    assert one_vacancy(ad, sign("b", **other))


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Chef comptable", "company": "Zellij", "city": "Fès"},
        {"title": "Chef comptable - Fès", "company": "Zellij", "city": "Rabat"},
        {"title": "Chef comptable junior", "company": "Autre maison", "city": "Rabat"},
        {"title": "Chef de chantier", "company": "Zellij", "city": "Rabat"},
        {"title": "Stage chef comptable", "company": "Zellij", "city": "Rabat"},
        {"title": "Chef comptable", "company": "Zellij"},
        {"title": "Chef comptable", "city": "Rabat"},
    ],
    ids=["other town", "town in title", "other employer", "other job", "internship", "no town", "no employer"],
)
def test_a_difference_that_matters_keeps_ads_apart(sign: Sign, ad: Signature, other: dict[str, str]) -> None:
    """Another town, employer, job or level, or silence about them, is another vacancy."""
    assert not one_vacancy(ad, sign("b", **other))


def test_one_long_text_joins_ads_that_name_two_employers(sign: Sign, long_text: Text) -> None:
    """An agency and its client publish one text under two names."""
    text = long_text(1, 200)
    a = sign("a", title="Acheteur industriel", company="Zellij", city="Fès", description=text)
    b = sign("b", title="Acheteur industriel", company="Agence Atlas", city="Fès", description=f"{text} Postulez vite.")
    assert one_vacancy(a, b)


def test_two_long_texts_of_one_employer_and_title_are_two_vacancies(sign: Sign, long_text: Text) -> None:
    """A large employer seeks several people of one title for different posts."""
    a, b = (
        sign(source, title="Business analyst", company="Zellij", city="Rabat", description=long_text(seed, 250))
        for source, seed in (("a", 1), ("b", 2))
    )
    assert not one_vacancy(a, b)


def test_seniority_that_one_side_does_not_state_needs_a_copied_text(sign: Sign, long_text: Text) -> None:
    """A junior and a senior post share most of their text; a copy shares all of it."""
    text = long_text(1, 200)
    shared = {"company": "Zellij Un", "city": "Rabat"}
    senior = sign("a", title="Développeur Java senior", description=text, **shared)
    near = f"{text[:900]} {long_text(7, 60)}"
    other = {"company": "Agence Atlas", "city": "Rabat"}
    assert one_vacancy(senior, sign("b", title="Développeur Java", description=text, **other))
    assert not one_vacancy(senior, sign("b", title="Développeur Java", description=near, **other))


def test_two_whole_texts_of_one_employer_decide(sign: Sign, long_text: Text) -> None:
    """One title, employer and town are two posts where two whole texts tell different ones."""
    shared = {"title": "Responsable produit", "company": "Zellij", "city": "Rabat"}
    one = sign("a", description=long_text(1, 250), **shared)
    assert not one_vacancy(one, sign("b", description=f"{long_text(1, 90)} {long_text(2, 200)}", **shared))
    assert one_vacancy(one, sign("b", description=f"{long_text(1, 225)} {long_text(2, 25)}", **shared))
    assert one_vacancy(one, sign("b", description=long_text(3, 30), **shared))


def test_employers_that_share_only_what_they_are_are_two(sign: Sign) -> None:
    """Two banks, two hotels: the word that says what an employer is names none."""
    title = {"title": "Chargé de clientèle", "city": "Rabat"}
    assert not one_vacancy(sign("a", company="Bank Atlas", **title), sign("b", company="Bank Toubkal", **title))
    assert one_vacancy(sign("a", company="Manpower Agences", **title), sign("b", company="Manpower Group", **title))


def test_firms_that_share_a_name_but_not_a_trade_are_two(sign: Sign) -> None:
    """Firms of one family or town bear one name beside what they do; a name without a trade may be either's."""
    title = {"title": "Caissière", "city": "Rabat"}
    textile, services = (sign(name, company=f"Zitouna {name}", **title) for name in ("Textile", "Services"))
    assert not one_vacancy(textile, services)
    assert one_vacancy(textile, sign("c", company="Groupe Zitouna", **title))


def test_ads_without_an_employer_are_joined_by_a_rare_title_and_all_else(sign: Sign) -> None:
    """A rare title in one town under one contract is one post; a common title, or a contract unsaid, proves nothing."""
    rare = {"title": "Ingénieur zellijothèque quantarique", "city": "Rabat (Maroc)"}
    assert one_vacancy(sign("a", contract="cdi", **rare), sign("b", contract="cdi", **rare))
    assert not one_vacancy(sign("a", contract="cdi", **rare), sign("b", contract="cdd", **rare))
    assert not one_vacancy(sign("a", **rare), sign("b", **rare))
    common = {"title": "Comptable", "city": "Rabat (Maroc)"}
    assert not one_vacancy(sign("a", contract="cdi", **common), sign("b", contract="cdi", **common))


def test_a_cut_copy_on_one_portal_needs_its_employer_and_no_difference(sign: Sign) -> None:
    """An excerpt that a portal repeats is a repost where the employer is named and nothing differs."""
    excerpt = "Nous ouvrons un grand zellijodrome au centre de la médina bleue"
    ad = {"title": "Chef de zellijodrome", "city": "Tanger", "description": excerpt}
    assert one_vacancy(sign("a", company="Zellij", **ad), sign("a", company="Zellij", **ad))
    assert not one_vacancy(sign("a", **ad), sign("a", **ad))
    other = ad | {"description": f"{excerpt} et un autre tout à fait différent"}
    assert not one_vacancy(sign("a", company="Zellij", **ad), sign("a", company="Zellij", **other))


def test_one_portals_thin_ads_are_never_joined(ad: Signature) -> None:
    """Two ads of one portal with nothing but a common title are two openings until a copied text says otherwise."""
    assert not one_vacancy(ad, msgspec.structs.replace(ad, source="a"))


def test_one_portals_copies_are_joined_in_one_town_only(sign: Sign, long_text: Text) -> None:
    """A repost is one vacancy; the same text for two towns is two."""
    shared = {"title": "Vendeur", "company": "Zellij", "description": long_text(3, 120)}
    rabat, again, fes = (sign("a", city=city, **shared) for city in ("Rabat", "Rabat", "Fès"))
    assert one_vacancy(rabat, again)
    assert not one_vacancy(rabat, fes)


def test_an_advertisers_reference_joins_what_bears_it(sign: Sign) -> None:
    """The same reference and title on two portals are one vacancy, whatever the texts."""
    a, b = (
        sign(source, title="Acheteur", city="Rabat", description=f"Merci de rappeler la référence Ref : ZJ-2041 {rest}")
        for source, rest in (("a", ""), ("b", "dans votre courrier"))
    )
    assert same_vacancy(a, b) == "same reference and title"


NOTICES = (
    (
        {"title": "Avis de concours de recrutement de Technicien de 3ème grade - Echelle 9", "isco": "3119"},
        {"title": "مباراة لتوظيف تقني من الدرجة الثالثة - سلم 9", "isco": "3119"},
        "Ministère de l'Equipement et de l'Eau",
        "وزارة التجهيز والماء",
    ),
    (
        {"title": "Chef de la division Ressources humaines", "isco": "1212"},
        {"title": "رئيس قسم الموارد البشرية", "isco": "1212"},
        "Agence Nationale des Ports",
        "الوكالة الوطنية للموانئ",
    ),
    (
        {"title": "Avis de postes de responsabilités au Ministère de l'intérieur - Province de Khénifra"},
        {"title": "فتح باب الترشيح لمناصب المسؤولية بوزارة الداخلية - إقليم خنيفرة"},
        "Ministère de l'intérieur - Province de Khénifra",
        "وزارة الداخلية - إقليم خنيفرة",
    ),
)


@pytest.mark.parametrize(("french", "arabic", "employer", "same_employer"), NOTICES)
def test_the_french_and_arabic_versions_of_a_notice_are_one_vacancy(
    sign: Sign, french: dict[str, str], arabic: dict[str, str], employer: str, same_employer: str
) -> None:
    """Employer, grade, post and deadline meet without translation; another deadline or employer does not."""
    fr = sign("fr", company=employer, deadline="2026-08-10", **french)
    ar = sign("ar", company=same_employer, deadline="2026-08-10", **arabic)
    assert one_vacancy(fr, ar)
    assert not one_vacancy(fr, msgspec.structs.replace(ar, deadline="2026-08-11"))
    assert not one_vacancy(fr, sign("ar", company="وزارة العدل", deadline="2026-08-10", **arabic))


def test_another_town_keeps_the_two_languages_apart(sign: Sign) -> None:
    """A French and an Arabic ad of one employer and job are two vacancies in two towns."""
    french = sign("fr", title="Chef de la division Ressources humaines", company="Zellij Conseil", city="Khouribga")
    arabic = {"title": "رئيس قسم الموارد البشرية", "company": "Zellij Conseil"}
    assert one_vacancy(french, sign("ar", city="خريبكة", **arabic))
    assert not one_vacancy(french, sign("ar", city="برشيد", **arabic))


def test_a_grade_tells_competitions_of_one_day_apart(sign: Sign) -> None:
    """An administration recruits several grades by one deadline."""
    fr, ar, employer, same_employer = NOTICES[0]
    french = sign("fr", company=employer, deadline="2026-08-10", **fr)
    other = ar | {"title": "مباراة لتوظيف تقني من الدرجة الرابعة - سلم 8"}
    assert not one_vacancy(french, sign("ar", company=same_employer, deadline="2026-08-10", **other))


WORDS = st.sampled_from(
    ["chef", "comptable", "vendeur", "rabat", "fes", "senior", "stage", "zellij", "ورزازات", "محاسب", "وزارة"]
)
TEXTS = st.lists(WORDS, max_size=60).map(" ".join)


@given(st.tuples(TEXTS, TEXTS, TEXTS), st.tuples(TEXTS, TEXTS, TEXTS), st.sampled_from("ab"))
def test_the_pair_test_is_symmetric(
    sign: Sign, first: tuple[str, str, str], second: tuple[str, str, str], source: str
) -> None:
    """Which ad came first makes no difference."""
    a, b = (
        sign(portal, title=title, company=company, description=text)
        for portal, (title, company, text) in (("a", first), (source, second))
    )
    assert same_vacancy(a, b) == same_vacancy(b, a)
