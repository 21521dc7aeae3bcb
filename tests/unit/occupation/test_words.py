import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.occupation.words import (
    _FRAMES,
    _OFFERS,
    _SEVERAL,
    CITIES,
    NOISE,
    SEGMENTS,
    STEMS,
    STOP,
    Segment,
    normal,
    read,
    stem,
)
from streams.enrich.text import fold, words


@given(st.from_regex(_FRAMES) | st.from_regex(_SEVERAL))
def test_what_is_asked_first_is_in_every_frame(text: str) -> None:
    """Whatever the frames of an offer and announcements of several jobs match holds one of the words asked first."""
    for frames in (_FRAMES, _SEVERAL):
        assert all(any(map(match[0].__contains__, _OFFERS)) for match in frames.finditer(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vendeur", "vendeuses"),
        ("infirmier", "infirmière"),
        ("directeur", "directrice"),
        ("technicien", "techniciennes"),
        ("commercial", "commerciaux"),
        ("administratif", "administrative"),
        ("مهندس", "المهندسين"),
        ("محاسب", "محاسبة"),
    ],
)
def test_genders_and_numbers_share_a_stem(one: str, other: str) -> None:
    """A title means the same job whichever form the advertiser wrote."""
    assert stem(fold(one)) == stem(fold(other))


@pytest.mark.parametrize(
    "title",
    [
        "Assistant(e) comptable H/F",
        "Assistante comptable (F/H) - CDI - Casablanca",
        "URGENT : nous recrutons un assistant comptable expérimenté",
        "Recherche emploi assistant comptable, 6 000 DH net",
        "Assistant comptable Assistant comptable",
    ],
)
def test_noise_around_a_title_leaves_its_job(title: str) -> None:
    """Sexes, contract, town, urgency, salary, seniority and doubled titles are no part of the job."""
    assert [segment.core for segment in read(title).segments if segment.core] == [("assistant", "comptabl")]


def test_words_of_noise_are_kept_apart_as_soft_evidence() -> None:
    """A word that is noise in most titles still counts towards a lexicon title that holds it."""
    assert read("Femme de ménage").segments == (Segment(("menag",), ("femm",)),)


def test_an_employers_own_words_are_noise_in_its_title() -> None:
    """The employer's name says nothing of the job."""
    assert read("Cuisinier Ourika", frozenset({"ourika"})).segments[0].core == ("cuisinier",)


@pytest.mark.parametrize(
    "title",
    [
        "Avis de postes de responsabilités au Ministère de la Pêche",
        "فتح باب الترشيح لمناصب المسؤولية بوزارة الصيد",
    ],
)
def test_posts_of_responsibility_are_recognised_in_both_languages(title: str) -> None:
    """A notice that opens posts of responsibility at an employer names no occupation."""
    assert read(title).responsibility


@pytest.mark.parametrize(
    ("written", "core"),
    [
        ("Chargée de recrutement IT", ("charg", "recrutement")),
        ("Responsable recrutement", ("responsabl", "recrutement")),
        ("Comptables - recrutement urgent", ("comptabl",)),
        ("Atlas est à la recherche d'une assistante", ("assistant",)),
        ("Nous recherchons des maçons", ("macon",)),
        ("كنقلب على خدمة شيفور", ("شيفور",)),
        ("بغيت نخدم شيفور", ("شيفور",)),
    ],
)
def test_recruiting_is_a_frame_unless_it_is_the_job(written: str, core: tuple[str, ...]) -> None:
    """What says that somebody is sought is taken off in French and Moroccan Arabic; who recruits by trade keeps it."""
    assert core in [segment.core[: len(core)] for segment in read(written).segments]
    assert all("recrutement" in core or "recrutement" not in segment.core for segment in read(written).segments)


@pytest.mark.parametrize("written", ["R&D", "R & D", "recherche et développement", "Research and Development"])
def test_research_and_development_is_one_word_however_it_is_written(written: str) -> None:
    """Its parts alone name the software developer and the researcher."""
    assert read(f"Ingénieur {written}").segments[0].core == ("ingenieur", "rnd")


@pytest.mark.parametrize("market", ["B2B", "B to B", "b-to-b", "BtoC", "B 2 C"])
def test_to_whom_is_sold_is_noise(market: str) -> None:
    """Sellers to firms and to persons have one occupation."""
    assert read(f"Commercial {market}").segments[0].core == ("commercial",)


@given(st.text(max_size=600))
def test_any_text_reads_into_bounded_segments(title: str) -> None:
    """Whatever the title, few segments of few stems come out, and nothing is raised."""
    segments = read(title).segments
    assert len(segments) <= SEGMENTS
    assert all(len(s.core) <= STEMS and len(s.soft) <= STEMS for s in segments)


def test_the_words_that_titles_are_cleaned_of_are_folded() -> None:
    """A word that is written otherwise than `fold` gives would never be met."""
    assert [word for word in (*STOP, *NOISE, *CITIES) if fold(word) != word] == []


@pytest.mark.parametrize(
    "mark",
    ["H/F", "(h|f)", "M & F", "f-h", "homme/femme", "femmes ou hommes", "Hommes et Femmes", "رجل/امرأة", "ذكور/إناث"],
)
def test_every_form_of_both_sexes_is_taken_out(mark: str) -> None:
    """A title that is open to both sexes reads as the title without saying so."""
    assert words(normal(f"Comptable {mark}")) == ["comptable"]
