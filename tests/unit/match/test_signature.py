from collections.abc import Callable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.messages import Signature
from streams.match.keys import LIMIT, keys
from streams.match.pairs import overlap

Sign = Callable[..., Signature]


def test_portals_ways_of_writing_one_title_give_one_signature_of_it(sign: Sign) -> None:
    """Sexes, towns, the employer's name and doubled titles do not tell titles apart."""
    plain = sign(title="Chef comptable", company="Zellij Sarl", city="Rabat")
    for title in ("Chef Comptable (H/F) - Rabat", "CHEF COMPTABLE ZELLIJ", "Chef comptable Chef comptable"):
        assert sign(title=title, company="ZELLIJ", city="Rabat").title == plain.title


def test_towns_have_one_name_in_every_spelling(sign: Sign) -> None:
    """French, English and Arabic spellings, and the portals' fields, name the same town."""
    cities = ("Tanger", "Tangier, Tanger-Tetouan-Al Hoceima, Morocco", "Tanger (Maroc)", "طنجة")
    assert {sign(title="Comptable", city=city).places for city in cities} == {("tanger",)}


def test_a_towns_name_may_lack_a_letter_in_a_place_field(sign: Sign) -> None:
    """A portal's clerk types it; a word that merely looks like a town's is left alone."""
    assert set(sign(title="Comptable", city="Région Talioune / Agadir").places) == {"agadir", "taliouine"}
    assert sign(title="Comptable", city="Agance Rabat").places == ("rabat",)


def test_the_titles_town_comes_before_the_field(sign: Sign) -> None:
    """Agencies file ads of small towns under the next city; the title tells."""
    assert sign(title="Chargé de crédit - Mohammedia", city="Casablanca").places == ("mohammedia",)


def test_a_menu_of_towns_names_none(sign: Sign) -> None:
    """A portal that lists every town it knows says nothing of the place."""
    menu = "Agadir / Casablanca / Fes / Kenitra / Marrakech / Meknes / Oujda / Rabat / Tanger"
    assert sign(title="Comptable", city=menu).places == ()


def test_an_employer_is_read_from_the_address_where_the_page_hides_it(sign: Sign) -> None:
    """Some portals write the employer in the address alone."""
    url = "https://portal.example/offre-emploi-comptable-recrutement-zellij-maroc-176963.html"
    assert sign(title="Comptable", url=url).company == sign(title="Comptable", company="Zellij").company


def test_the_sketch_tells_how_much_two_texts_share(sign: Sign, long_text: Callable[[int, int], str]) -> None:
    """Equal texts overlap wholly, a text with a tenth exchanged mostly, unrelated ones not."""
    base = long_text(0, 300)
    texts = (base, f"{long_text(9, 30)} {base[240:]}", long_text(5, 300))
    one, close, other = (sign(title="Comptable", description=text) for text in texts)
    assert overlap(one, one) == 1
    assert (overlap(one, close) or 0) > 0.5
    assert (overlap(one, other) or 0) < 0.2
    assert overlap(one, sign(title="Comptable")) is None


@settings(max_examples=60)
@given(st.text(max_size=200), st.text(max_size=400), st.text(max_size=60), st.text(max_size=60))
def test_any_text_has_a_small_signature_and_few_keys(
    sign: Sign, title: str, description: str, company: str, city: str
) -> None:
    """No text raises; a signature stays under 1.5 kB of JSON and has at most `LIMIT` keys, the same on every call."""
    signature = sign(title=title, description=description, company=company, city=city)
    packed = msgspec.json.encode(signature)
    assert len(packed) < 1_500
    again = msgspec.json.decode(packed, type=Signature)
    assert again == signature
    assert len(keys(signature).entered) <= LIMIT
    assert keys(again) == keys(signature)
