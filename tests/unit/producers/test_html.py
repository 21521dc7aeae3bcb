"""HTML lists by the example source files, on pages of our own making and on the real saved ones."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

import producers
from producers import sources
from producers.html.parse import HtmlPage, parse
from producers.html.pick import lines
from producers.jsonld import parse as jsonld
from producers.picks import after
from producers.shape import Reject
from producers.sources import HtmlSource, JsonLdSource
from producers.web.parse import is_block_page
from schemas.messages import Posting
from tests.unit.producers.pages import MICRODATA, cards, competitions, table

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
EXAMPLES = Path(producers.__file__).parent / "examples"
SITEMAP = JsonLdSource(name="pages", url="https://portal.example/sitemap.xml")
ADS = [
    ("181", "Assistante | Direction", "Fès", "Régie"),
    ("182", "Comptable (H/F)", "Rabat / Salé", "L'Étoile & Cie"),
    ("183", "Chauffeur", "Tanger", "Nord"),
]
ROWS = [
    ("AG03071", "Employé polyvalent de l’été", "25", "RABAT AGDAL"),
    ("TA03072", "Opérateur à œuvrer", "300", "TANGER"),
]


def example(name: str) -> HtmlSource:
    """Read an example source file."""
    found = sources.parse(name, (EXAMPLES / f"{name}.toml").read_text("utf-8"))
    assert isinstance(found, HtmlSource)
    return found


def read(name: str, body: bytes) -> HtmlPage:
    """Read a page by an example source file."""
    source = example(name)
    return parse(body, source=source, url=source.url, observed_at=NOW)


def postings(page: HtmlPage) -> list[Posting]:
    """The page's items, none of which is a reject."""
    assert [item for item in page.items if isinstance(item, Reject)] == []
    return [item for item in page.items if isinstance(item, Posting)]


def test_cards_are_read_by_selectors_labels_and_patterns() -> None:
    """A card's title is parted from its place, its labels are found, what is commented out or a banner is not."""
    page = read("rekrute-like", cards(ADS, "/offres.html?p=2&amp;s=1"))
    first, second, _ = postings(page)
    assert page.next == "https://portal.example/offres.html?p=2&s=1"
    assert (first.id, first.title, first.city, first.company) == ("181", "Assistante | Direction", "Fès", "Régie")
    assert (second.title, second.city, second.company) == ("Comptable (H/F)", "Rabat / Salé", "L'Étoile & Cie")
    assert (first.date_raw, first.deadline_raw, first.positions) == ("13/04/2026", "13/06/2026", "3")
    assert (first.contract_raw, first.sector_raw, first.education_raw) == ("CDI", "Industrie - Services", "Bac +2")
    assert (first.url, first.experience_raw) == ("https://portal.example/offre-181.html", "3 à 5 ans")


@pytest.mark.parametrize("twice", [False, True])
def test_a_table_decoded_twice_reads_like_one_that_was_not(twice: bool) -> None:  # noqa: FBT001
    """Openings are read, a dash is no company, doubly encoded text is repaired."""
    page = read("anapec-like", table(ROWS, twice=twice))
    first, second = postings(page)
    assert (first.title, second.title) == ("Employé polyvalent de l’été", "Opérateur à œuvrer")
    assert (first.positions, second.positions) == ("25", "300")
    assert (first.company, second.company, first.city) == ("Ménara", None, "RABAT AGDAL")
    assert page.next == "https://agence.example/chercheurs/page:2"


def test_an_empty_search_is_told_from_changed_markup() -> None:
    """A page without ads that is still the list's is empty; one that is not is unknown, and rejected."""
    assert read("anapec-like", table([])) == HtmlPage([], "empty")
    changed = read(
        "anapec-like", table(ROWS).replace(b"<td>", b"<td><b>").replace(b"myTable", b"t").replace(b"Mlt", b"")
    )
    (reject,) = changed.items
    assert isinstance(reject, Reject)
    assert (changed.shape, reject.reason) == ("unknown", "malformed_html")


def test_a_bilingual_list_is_read_in_either_language() -> None:
    """Each field is taken in Arabic where it is there, else in French."""
    first, second = postings(read("emploi-public-like", competitions()))
    assert first.title == "مباراة توظيف تقنيين من الدرجة الثالثة"
    assert (first.id, first.company, first.city, first.positions) == ("c-101", "جماعة فاس", "فاس", "12")
    assert (first.date_raw, first.deadline_raw) == ("04/05/2026", "20/05/2026")
    assert (second.title, second.city, second.deadline_raw) == ("Ingénieurs d'Etat", "Rabat", "25/05/2026")
    assert (second.company, second.lang_portal) == ("Ministère de l'Equipement", "fr")


def test_the_next_page_is_of_the_same_host() -> None:
    """A link to another host, to the page itself or to no address is not followed."""
    for link in ("https://elsewhere.example/p2", "#top", "javascript:next()", "/offres.html?s=1&amp;p=1&amp;o=1#x"):
        assert read("rekrute-like", cards(ADS, link)).next == ""


def test_lines_are_those_that_a_reader_sees() -> None:
    """Blocks break lines, inline elements do not, scripts and comments are not shown."""
    page = LexborHTMLParser(
        "<div>Ville<b> :</b> Rabat<script>x</script><!-- y --><p>Date</p><p> 4 mai</p>Salaire net</div>"
    )
    node = page.css_first("div")
    assert node is not None
    shown = lines(node)
    assert shown == ["Ville : Rabat", "Date", "4 mai", "Salaire net"]
    assert [after(shown, label) for label in ("ville", "Date", "Sal", "Contrat")] == ["Rabat", "4 mai", "", ""]


def test_a_page_nested_without_end_is_read_or_rejected() -> None:
    """Depth costs no recursion."""
    deep = b"<div>" * 20_000 + b"x"
    assert read("rekrute-like", b'<ul id="post-data"><li class="post-id">' + deep).shape == "unknown"


@pytest.mark.parametrize(("closed", "end"), [("", "</article>"), ("</article>", "")])
def test_microdata_is_read_as_json_ld_is(closed: str, end: str) -> None:
    """Properties go to the item around them; an item closed too early has those that nobody holds."""
    body = MICRODATA.format(closed=closed, end=end).encode()
    (found,) = jsonld.parse(body, source=SITEMAP, url="https://portal.example/1", observed_at=NOW)
    assert isinstance(found, Posting)
    assert (found.title, found.company, found.city, found.region_raw) == (
        "Chef de chantier",
        "Atlas BTP",
        "Oujda",
        None,
    )
    assert (found.date_raw, found.salary_raw) == ("2026-05-04", "9000 MAD MONTH")
    assert found.description == "Suivre le chantier."


@pytest.mark.parametrize(
    "written",
    [
        '{"@type":"JobPosting","title":"Chef d\\\'équipe",}',
        "{&quot;@type&quot;:&quot;JobPosting&quot;,&quot;title&quot;:&quot;Chef d'équipe&quot;}",
        '<!-- {"@type":"JobPosting","title":"Chef d\'équipe"} -->',
        '{"@type":"JobPosting","description":"dit "à saisir" ici\n","title":"Chef d\'équipe"}',
    ],
)
def test_broken_json_is_repaired(written: str) -> None:
    """Escapes that JSON has not, entities, comments, quotes inside strings and trailing commas cost no posting."""
    body = f'<script type="application/ld+json">{written}</script>'.encode()
    (found,) = jsonld.parse(body, source=SITEMAP, url="https://portal.example/1", observed_at=NOW)
    assert isinstance(found, Posting)
    assert found.title == "Chef d'équipe"


@pytest.mark.shared_data
def test_the_real_lists_parse(shared_data: Path) -> None:
    """The very example files read the real pages: 10 ads; 15 with openings and repaired text; an empty search."""
    portals = shared_data / "portals"
    listing = postings(read("rekrute-like", (portals / "rekrute_listing.html").read_bytes()))
    assert len(listing) == len({ad.id for ad in listing}) == 10
    assert all(ad.title and ad.city and ad.company and ad.date_raw and ad.deadline_raw for ad in listing)
    table_page = read("anapec-like", (portals / "anapec_2.html").read_bytes())
    assert len(postings(table_page)) == 15
    assert all(ad.title and ad.positions and ad.date_raw for ad in postings(table_page))
    assert not any(mark in (ad.title or "") for ad in postings(table_page) for mark in "Ãâ\x80")
    assert table_page.next.endswith("/page:2/tout:all/language:fr")
    assert read("anapec-like", (portals / "anapec_1.html").read_bytes()) == HtmlPage([], "empty")


@pytest.mark.shared_data
def test_the_real_pages_parse(shared_data: Path) -> None:
    """JSON-LD and microdata give one posting each, a list none; 139 addresses are no jobs; a guard's page is known."""
    portals = shared_data / "portals"

    def found(name: str) -> list[Posting | Reject]:
        body = (portals / name).read_bytes()
        return jsonld.parse(body, source=SITEMAP, url="https://portal.example/1", observed_at=NOW)

    (offer,) = found("rekrute_offer_jsonld_jobposting.html")
    (micro,) = found("reed_uk_jobposting.html")
    assert isinstance(offer, Posting)
    assert isinstance(micro, Posting)
    assert (offer.title, offer.city, (offer.date_raw or "")[:10]) == ("Assistante de Direction", "Fès", "2026-04-13")
    assert (micro.city, micro.company, micro.date_raw) == ("Birmingham", "NonStop Consulting Ltd", "2020-11-09")
    assert found("rekrute_listing.html") == found("anapec_2.html") == []
    listed = jsonld.sitemap((portals / "hirememaroc_sitemap.xml").read_bytes())
    assert (listed.known, len(listed.pages), listed.sitemaps) == (True, 139, ())
    assert found("hirememaroc_sitemap.xml") == []
    blocked = (portals / "indeed_blocked.html").read_bytes()
    assert is_block_page(blocked)
    assert not any(is_block_page(path.read_bytes()) for path in portals.iterdir() if path.name != "indeed_blocked.html")
