import gc
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.enrich.occupation import Coder, Coding, words
from streams.enrich.occupation.confidence import Calibration
from streams.enrich.occupation.lexicon import Entry
from streams.enrich.occupation.weights import Weights

SMALL = (
    Entry("2512", "fr", "développeur logiciel"),
    Entry("2513", "fr", "développeur web"),
    Entry("7112", "fr", "maçon"),
    Entry("21", "fr", "ingénieur"),
    Entry("2142", "fr", "ingénieur génie civil"),
    Entry("2149", "fr", "ingénieur sécurité"),
    Entry("2166", "fr", "graphiste"),
    Entry("1321", "en", "production manager"),
)


@pytest.mark.parametrize(
    ("title", "isco"),
    [
        ("Infirmière polyvalente", "2221"),
        ("Soudeur TIG (H/F) - Tanger", "7212"),
        ("Développeur web PHP", "2513"),
        ("Agent de sécurité", "5414"),
        ("Chauffeur poids lourd", "8332"),
        ("Civil engineer", "2142"),
        ("Graphic designer", "2166"),
        ("محاسب", "3313"),
        ("أبحث عن عمل سائق شاحنة", "8332"),
        ("مطلوب طباخ بأكادير", "5120"),
        ("cherche poste de coiffeuse", "5141"),
    ],
)
def test_plain_titles_of_three_languages_are_coded(coder: Coder, title: str, isco: str) -> None:
    """Offers' and seekers' everyday titles reach their unit group through one lexicon."""
    assert coder.code(title).isco_best == isco


@pytest.mark.parametrize(
    "title",
    ["Plusieurs postes", "Avis de concours", "Candidature spontanée", "Stage PFE", "فتح باب الترشيح لمناصب المسؤولية"],
)
def test_a_title_without_an_occupation_is_not_stated(coder: Coder, title: str) -> None:
    """Frames of an offer or competition alone give no code, never a guess."""
    assert coder.code(title) == Coding()


def test_the_description_answers_where_the_title_is_silent(coder: Coder) -> None:
    """What a text says is sought stands in for a title that names nothing."""
    assert coder.code("Urgent", description="Notre société recherche un comptable sérieux.").isco_best == "3313"


def test_the_sector_chooses_between_candidates() -> None:
    """A title that fits several groups follows the words of its sector."""
    coder = Coder(SMALL)
    assert coder.code("développeur", sector="Internet et web").isco_best == "2513"
    assert coder.code("développeur", sector="Édition de logiciel").isco_best == "2512"


def test_the_first_of_several_occupations_is_coded_and_the_others_listed() -> None:
    """An ad of several jobs is counted once, by the first."""
    coding = Coder(SMALL).code("Maçon / Développeur web")
    assert (coding.isco_best, coding.isco_also) == ("7112", ("2513",))


def test_a_misspelt_word_is_read_as_its_neighbour() -> None:
    """One wrong letter in a long word does not lose the job."""
    assert Coder(SMALL).code("devellopeur wab logiciell").isco_best == "2512"


def test_a_broad_title_is_published_at_the_digits_it_supports() -> None:
    """A title that names a two-digit group has a sure prefix and unsure further digits."""
    coding = Coder(SMALL, calibration=Calibration(publish=0.85)).code("Ingénieur")
    assert coding.isco == "21"
    assert coding.isco_best == "2149"


def test_a_lexicon_title_may_begin_with_a_number() -> None:
    """As labels of a nomenclature do; an English title turns on the last word before the hyphen that is none."""
    assert Coder((*SMALL, Entry("8332", "en", "18-wheeler driver"))).code("18 wheeler driver").isco_best == "8332"


def test_a_decision_overrules_what_other_files_say() -> None:
    """The title of the file of decisions stands alone, in every form that differs by noise only."""
    entries = (Entry("9621", "fr", "livreur"), Entry("9621", "fr", "livreur débutant"))
    decided = Entry("8322", "fr", "livreur", decides=True)
    assert Coder((*entries, decided)).code("Livreur débutant").isco_best == "8322"


@pytest.mark.parametrize(
    "title",
    [
        "Nous recrutons plusieurs profils",
        "Candidatures spontanées",
        "Candidature spontanée IT",
        "A la recherche de plusieurs profils hôteliers",
        "Various career opportunities",
        "وظائف مختلفة",
    ],
)
def test_an_announcement_of_several_jobs_is_not_stated_whatever_its_text(coder: Coder, title: str) -> None:
    """A title that offers any job names none, also where the text names one."""
    assert coder.code(title, description="Nous recherchons un comptable.") == Coding()


@pytest.mark.parametrize(
    "title",
    [
        "Usine textile recrute du personnel",
        "Recrutement banque",
        "Besoin urgent école",
        "Job supermarché",
        "مطلوب مطعم",
    ],
)
def test_work_announced_at_a_place_or_in_a_field_is_not_stated(coder: Coder, title: str) -> None:
    """A title that says only where people are sought names no job, whatever jobs the place is known for."""
    assert coder.code(title) == Coding()


@pytest.mark.parametrize(
    ("title", "isco"),
    [("Recrutement soudeur", "7212"), ("Chargé de recrutement", "2423"), ("Restaurant recherche serveurs", "5131")],
)
def test_a_job_named_in_an_announcement_is_coded(coder: Coder, title: str, isco: str) -> None:
    """Beside a place, a field or "recrutement" a job still counts; who recruits by trade is no announcement."""
    assert coder.code(title).isco_best == isco


def test_a_title_known_whole_is_surer_than_the_many_that_share_a_word_with_it() -> None:
    """A title that the lexicon holds as it stands is not doubted for dozens that share one word with it."""
    names = [first + second for first in "bdfgklmnprst" for second in ("ako", "emi", "uso", "oli")]
    others = [Entry(str(3111 + k), "fr", f"agent {name}") for k, name in enumerate(names)]
    entries = (*others, Entry("5414", "fr", "agent sécurité"))
    told = Coder(entries).weigh("Agent sécurité").rating
    spread = Coder(entries, Weights(explained=0.0)).weigh("Agent sécurité").rating
    assert told is not None
    assert spread is not None
    assert 1 - told.masses[0] < 0.8 * (1 - spread.masses[0])


def test_a_title_that_is_held_whole_where_another_turns_wins_over_scattered_words() -> None:
    """A short title inside a longer one outweighs titles that only share the longer one's other words."""
    coder = Coder((*SMALL, Entry("2513", "en", "web programmer"), Entry("8160", "en", "frozen pizza operator")))
    assert coder.code("Frozen pizza web production manager").isco_best == "1321"


def test_the_longest_title_that_is_held_whole_counts() -> None:
    """An English title wins over its first word, though that word alone is a title and French ones turn there."""
    coder = Coder((*SMALL, Entry("2423", "fr", "hr"), Entry("1212", "en", "hr manager")))
    assert coder.code("HR manager").isco == "1212"


def test_the_employers_name_speaks_where_it_says_what_it_does() -> None:
    """Words of the employer's name that the lexicon knows choose between candidates."""
    coder = Coder(SMALL)
    assert coder.code("développeur", company="Agence Web du Sud").isco_best == "2513"
    assert coder.code("développeur", company="Logiciel et Fils").isco_best == "2512"


def test_words_that_no_title_explains_point_where_their_group_says_them() -> None:
    """A title of which no lexicon title holds all words goes to the group that says such words."""
    entries = (
        Entry("3118", "fr", "dessinateur bâtiment"),
        Entry("3118", "fr", "dessinateur de plans"),
        Entry("3118", "fr", "dessin de plans"),
        Entry("3119", "fr", "technicien"),
    )
    assert Coder(entries).code("Technicien plans bâtiment dessin").isco_best == "3118"


def test_candidates_come_with_the_title_that_speaks_for_them() -> None:
    """An explanation names unit groups by falling mass, each with a lexicon title and its words that were found."""
    coder = Coder(SMALL)
    first, *others = coder.candidates(coder.weigh("Développeur web senior"))
    assert (first.isco, first.title, set(first.found)) == ("2513", "développeur web", {"developpeur", "web"})
    assert all(first.mass >= other.mass for other in others)
    assert coder.candidates(coder.weigh("Xyzzy")) == ()


def test_an_unknown_word_alone_is_not_stated() -> None:
    """Where the lexicon knows no word, the answer is "not stated"."""
    assert Coder(SMALL).code("Xyzzy") == Coding()


@pytest.mark.parametrize("masses", [(1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.0), (0.9, 0.2, 0.1, 0.0)])
def test_no_mass_is_quite_sure_nor_impossible(masses: tuple[float, ...]) -> None:
    """Probabilities stay inside 0 and 1 and never rise, whatever the masses."""
    told = Calibration(stated=0.0).coding("2512", masses).isco_p
    assert all(0 < p < 1 for p in told)
    assert list(told) == sorted(told, reverse=True)


@pytest.mark.parametrize(
    ("title", "same"),
    [
        ("Technicien / Technicienne matériel médical", "Technicien matériel médical"),
        ("Opérateurs/opératrices de saisie", "Opérateur de saisie"),
        ("Conseiller (conseillère) clientèle", "Conseiller clientèle"),
        ("Assistant/ante personnel", "Assistant personnel"),
        ("Consultant(ante) systèmes et réseaux", "Consultant systèmes et réseaux"),
        ("مهندس/ة البناء", "مهندس البناء"),
        ("سائق (ة) شاحنة", "سائق شاحنة"),
        ("ممرض أو ممرضة في التخدير", "ممرض في التخدير"),
        ("سائقي شاحنات", "سائق شاحنات"),
        ("موظفي استقبال", "موظف استقبال"),
        ("مندوبو مبيعات", "مندوب مبيعات"),
        ("مديري التواصل", "مدير التواصل"),
        ("Bon technicien comptable", "Technicien comptable"),
        ("Bonne vendeuse", "Vendeuse"),
        ("Ébéniste avec permis B", "Ébéniste"),
    ],
)
def test_what_leaves_the_job_the_same_leaves_its_code(coder: Coder, title: str, same: str) -> None:
    """Genders and numbers of one job, Arabic plurals before what they govern, praise and a licence change no code."""
    assert coder.code(title).isco_best == coder.code(same).isco_best is not None


@pytest.mark.parametrize(
    ("title", "isco"), [("Bonne", "9111"), ("Bonne à tout faire", "9111"), ("Chauffeur avec permis C", "8332")]
)
def test_what_makes_the_job_stays(coder: Coder, title: str, isco: str) -> None:
    """A housemaid is no praise, and a licence for lorries makes the driver."""
    assert coder.code(title).isco_best == isco


def test_two_words_that_begin_alike_stay_two(coder: Coder) -> None:
    """Only two forms of one word are read once: two jobs, or a word said twice, stay apart."""
    assert coder.code("Serveur / Service manager").isco_best == coder.code("Serveur, Service manager").isco_best
    assert words.normal("Senior Associate / Associate Principal") == "senior associate / associate principal"


ALPHABET = st.one_of(
    st.characters(),
    st.sampled_from("abcdeéè أبتمهندس/()-,.+*'\u200f\ufe8d🙂0123456789"),
)


@settings(max_examples=60)
@given(title=st.text(ALPHABET, max_size=300), description=st.text(ALPHABET, max_size=300), company=st.text(max_size=60))
def test_any_text_has_an_answer_with_falling_probabilities(
    coder: Coder, title: str, description: str, company: str
) -> None:
    """No text raises; probabilities lie in 0..1 and never rise with the digits; the published code is a prefix."""
    coding = coder.code(title, description=description, company=company, sector=title, contract=company)
    if coding.isco_best is None:
        assert coding == Coding()
        return
    assert len(coding.isco_p) == 4
    assert all(1 >= a >= b >= 0 for a, b in zip((1.0, *coding.isco_p), coding.isco_p, strict=False))
    assert coding.isco is None or coding.isco_best.startswith(coding.isco)


def calls(**fields: str) -> int:
    """Count the calls, Python's and C's, by which a coder that remembers nothing answers."""
    coder = Coder(SMALL)
    for remembered in (words.stem, words._normal):
        remembered.cache_clear()
    counted = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    gc.disable()  # the finalizers of what others left behind are no cost of this answer
    sys.setprofile(count)
    try:
        coder.code(**fields)
    finally:
        sys.setprofile(None)
        gc.enable()
    return counted


HARD = ("مهندس comptable ", "a/", "(e)", "ingénieur ", "-", "𝕏🙂", "recrute un ", "aeiou", "ـــ", "\u200f\ufe8dب")


@settings(max_examples=15, deadline=None)
@given(unit=st.one_of(st.sampled_from(HARD), st.text(ALPHABET, min_size=1, max_size=8)))
def test_the_cost_of_a_title_grows_no_faster_than_its_length(unit: str) -> None:
    """Whatever a title repeats, twice the text takes at most some twice the operations, in every field."""
    for field in ("title", "sector", "company", "description", "contract"):
        half, whole = (calls(**({"title": "x"} | {field: (unit * 200)[:size]})) for size in (100, 200))
        assert whole <= 2.4 * half + 200


@pytest.mark.parametrize("unit", HARD)
def test_the_cost_of_a_giant_text_is_bounded(unit: str) -> None:
    """Beyond the limits of what is read, ten times the text takes the same operations."""
    long, longer = ((unit * 100_000)[:size] for size in (10_000, 100_000))
    assert calls(title=longer, company=longer, sector=longer, description=longer, contract=longer) == calls(
        title=long, company=long, sector=long, description=long, contract=long
    )


@pytest.mark.parametrize(
    "title",
    [
        "",
        "   ",
        "🙂🎉",
        "\u200f\u202b",
        "1234567",
        "<b></b>",
        "&nbsp;&#8203;",
        "x" * 10_000,
        "ищем бухгалтера",
        "会計士を募集",
        "Λογιστής",
    ],
)
def test_a_title_that_says_nothing_it_can_read_is_not_stated(coder: Coder, title: str) -> None:
    """Empty titles, emoji, marks, numbers, markup, endless words and other alphabets give no code, and no exception."""
    assert coder.code(title) == Coding()


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("<p>Soudeur&nbsp;<b>TIG</b></p>", "Soudeur TIG"),
        ("مـــحـــاســـب", "محاسب"),
        ("\u200fمحاسب\u200e", "محاسب"),
        ("\ufee3\ufea4\ufe8e\ufeb3\ufe90", "محاسب"),
        ("مُحاسِب", "محاسب"),
        ("𝗦𝗼𝘂𝗱𝗲𝘂𝗿 TIG", "Soudeur TIG"),
        ("SOUDEUR   tig 🔥🔥", "Soudeur TIG"),
    ],
)
def test_a_title_is_the_same_however_it_is_dressed(coder: Coder, written: str, plain: str) -> None:
    """Markup, tatweel, direction marks, presentation forms, vowels, bold letters and emoji change nothing."""
    assert coder.code(written) == coder.code(plain)
    assert coder.code(plain).isco_best is not None


def test_a_title_in_two_scripts_is_coded_by_what_it_says_first(coder: Coder) -> None:
    """French and Arabic names of one job in one title agree."""
    assert coder.code("Comptable / محاسب").isco_best == coder.code("Comptable").isco_best


def test_a_fourth_language_is_never_published_with_confidence(coder: Coder) -> None:
    """Spanish, German and Italian titles that share no known word publish nothing."""
    for title in ("Se busca albañil", "Wir suchen Maurer", "Cercasi muratore"):
        assert coder.code(title).isco is None
