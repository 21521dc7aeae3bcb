"""No e-mail address or telephone number of a job seeker passes; figures that are none do."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.privacy import bare_id, scrub, scrub_link

GAPS = st.sampled_from(["", " ", ".", "-", " - ", "/", "\u00a0", "\u200f"])
DIGITS = st.sampled_from(["0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹"])


@given(
    st.sampled_from(["0", "+212", "00212", "+212 (0)", "212"]),
    st.sampled_from("5678"),
    st.lists(st.integers(0, 9), min_size=8, max_size=8),
    GAPS,
    DIGITS,
)
def test_every_way_to_write_a_moroccan_number_is_scrubbed(
    prefix: str, first: str, rest: list[int], gap: str, digits: str
) -> None:
    """Any prefix, any spacing, Western or Arabic digits: nothing of the number is left."""
    pairs = [f"{rest[index]}{rest[index + 1]}" for index in range(0, 8, 2)]
    number = (prefix + gap + first + gap + gap.join(pairs)).translate(str.maketrans("0123456789", digits))
    assert scrub(f"appelez {number} svp") == "appelez [tel] svp"


@pytest.mark.parametrize(
    "text", ["amine@poste.ma", "amine.b+cv@mail.poste.co.ma", "amine (at) poste (dot) ma", "amine [arobase] poste.ma"]
)
def test_addresses_are_scrubbed(text: str) -> None:
    """E-mail addresses go, those written out included."""
    assert scrub(f"écrire à {text} ou non") == "écrire à [e-mail] ou non"


@pytest.mark.parametrize(
    "text",
    [
        "salaire 6 000 – 8 000 DH",
        "le 05/06/2021 10:00",
        "Bac+2 2021 2022 2023",
        "référence 2024061234567",
        "5 ans d'expérience, 35 h",
    ],
)
def test_other_figures_stay(text: str) -> None:
    """Salaries, dates, diplomas and references are no telephone numbers."""
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("https://p.ma/offre-ref-005760-72108390/", "https://p.ma/offre-ref-005760-72108390/"),
        ("https://p.ma/offres/2026/05/17", "https://p.ma/offres/2026/05/17"),
        ("https://wa.me/212661223344", "https://wa.me/[tel]"),
        ("https://p.ma/rh?t=06-61-22-33-44&x=1", "https://p.ma/rh?t=[tel]&x=1"),
        ("https://p.ma/?c=amine.b@poste.ma", "https://p.ma/?c=[e-mail]"),
        ("https://p.ma/?c=amine.b%40poste.ma&x=1", "https://p.ma/?c=[e-mail]&x=1"),
    ],
)
def test_a_link_loses_contacts_and_keeps_its_numbers(url: str, left: str) -> None:
    """Addresses and numbers of persons go from a link; a portal's own reference stays, so that it leads somewhere."""
    assert scrub_link(url) == left


def test_an_identifier_that_is_a_telephone_number_is_hashed() -> None:
    """A seeker known by a telephone number is known by its hash."""
    assert bare_id("0661223344").startswith("s:")
    assert bare_id("demande-17") == "demande-17"
    assert bare_id("c:0479555fb0852408991a5bc391b2e4b9") == "c:0479555fb0852408991a5bc391b2e4b9"


@pytest.mark.parametrize("piece", ["x", "x@", " ", "0 ", "0", "212 ", "+", "a.", "(at) ", "05/06/2021 "])
def test_hostile_text_takes_time_in_proportion(piece: str) -> None:
    """Megabytes made to be slow are scrubbed in seconds, not in hours."""
    started = time.process_time()
    scrub(piece * (2_000_000 // len(piece)))
    assert time.process_time() - started < 20
