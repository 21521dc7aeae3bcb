"""Identity: one ad, one id, whatever its dates, case, spacing or tracking parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.identity import identify, normal_address

TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)
TIMES = ("date_raw", "deadline_raw", "seen_first", "seen_last", "observed_at")
fields = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("source_id", "url", "title", "company", "city", "description", "salary_raw"), TEXT),
)
paths = st.text(alphabet="abcXYZ019-_./é %", min_size=1, max_size=20)


@given(fields, st.fixed_dictionaries({}, optional=dict.fromkeys(TIMES, TEXT)))
def test_dates_never_make_another_ad(known: dict[str, object], times: dict[str, object]) -> None:
    """An ad that its portal dates anew keeps its id."""
    assert identify("portal", {**known, **times}) == identify("portal", known)


@given(fields, st.text(min_size=1, max_size=20).filter(str.strip))
def test_its_own_identifier_is_the_id(known: dict[str, object], own: str) -> None:
    """What the source calls the ad is its id, whatever else changes."""
    assert identify("portal", {**known, "source_id": own}) == own.strip()


@given(paths, st.sampled_from(["utm_source=x", "UTM_Campaign=y&utm_medium=z", "gclid=1", "fbclid=2&_ga=3"]))
def test_tracking_parameters_do_not_count(path: str, tracking: str) -> None:
    """The same page reached from an advertisement is the same ad, another page is not."""
    plain = {"url": f"https://portal.ma/{path}?id=7"}
    assert identify("p", plain) == identify("p", {"url": f"HTTPS://Portal.MA:443/{path}?{tracking}&id=7#top"})
    assert identify("p", plain) != identify("p", {"url": f"https://portal.ma/{path}?id=8"})


@given(st.one_of(TEXT, paths.map("https://Portal.ma/{}".format), TEXT.map("http://a.ma/?q={}".format)))
def test_normalising_an_address_twice_changes_nothing(address: str) -> None:
    """A normal address is its own normal address."""
    once = normal_address(address)
    assert normal_address(once) == once


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"title": "Comptable  H/F", "city": "Fès"}, {"title": "comptable h/f ", "city": "FÈS"}, True),
        ({"title": "Comptable"}, {"title": "Comptable", "company": "Atlas"}, False),
        ({"title": "Comptable", "city": "Fès"}, {"title": "Comptable", "company": "Fès"}, False),
        ({"title": "A", "description": "x" * 500 + "y"}, {"title": "A", "description": "x" * 500 + "z"}, True),
        ({"title": "A", "description": "x" * 499 + "y"}, {"title": "A", "description": "x" * 499 + "z"}, False),
        ({"title": "A", "salary_raw": "1"}, {"title": "A", "salary_raw": "2"}, True),
    ],
)
def test_content_that_identifies(one: dict[str, object], other: dict[str, object], same: bool) -> None:  # noqa: FBT001
    """Without identifier or address, title, company, city and the description's head make the ad."""
    assert (identify("p", one) == identify("p", other)) is same


def test_two_sources_never_share_an_ad_made_of_content() -> None:
    """Content identifies within its source."""
    assert identify("a", {"title": "Comptable"}) != identify("b", {"title": "Comptable"})


def test_an_id_stays_the_same_over_releases() -> None:
    """Ids are stored for ever: a change here is a new generation."""
    assert identify("p", {"url": "https://portal.ma/a?utm_source=x"}) == "u:3bd636eb8a65e37c9c8e7dee5f998fa7"
    assert identify("p", {"title": "Comptable", "city": "Fès"}) == "c:0e7cd4ecfadd491d958f50145d645c94"
