"""The connectors' parsers: what a source wrote becomes postings, one bad item costs no other."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.file import parse as file
from producers.file.parse import Line
from producers.jsonapi import parse as jsonapi
from producers.jsonld import parse as jsonld
from producers.rss import parse as rss
from producers.shape import Reject
from producers.sources import FileSource, JsonLdSource, JsonSource, Paging, RssSource
from producers.web.parse import is_block_page, retry_after, text_of
from schemas.messages import Posting

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
RSS = RssSource(name="a", url="http://portal.example/feed.xml")
PAGES = JsonLdSource(name="b", url="http://portal.example/sitemap.xml")
API = JsonSource(
    name="c",
    url="http://portal.example/api/jobs",
    items="data.jobs",
    mapping={"source_id": "id", "title": "poste.titre", "city": "lieux.ville", "status": "etat"},
    paging=Paging(last="data.pages"),
)
DROP = FileSource(name="d", path="drop", mapping={"title": "intitulé"})


def postings(found: list[Posting | Reject]) -> list[Posting]:
    """Take `found` as postings: none is a reject."""
    assert [item for item in found if isinstance(item, Reject)] == []
    return [item for item in found if isinstance(item, Posting)]


FEED = """<?xml version="1.0"?>
<rss version="2.0" xmlns:job="http://portal.example/ns"><channel><title>Offres</title>
<item><title>Comptable &amp; paie</title><link>http://portal.example/1?utm_source=rss</link>
<guid isPermaLink="false">77</guid><description>&lt;p&gt;Tenir les &lt;b&gt;livres&lt;/b&gt;&lt;/p&gt;</description>
<pubDate>Mon, 04 May 2026 10:00:00 GMT</pubDate><category>Finance</category><category>Audit</category>
<job:company>Atlas</job:company><job:location>Fès</job:location><job:type>CDI</job:type></item>
<item><title>محاسب</title><guid>http://portal.example/2</guid></item>
</channel></rss>"""


def test_a_feed_is_its_items() -> None:
    """A feed's usual elements fill the posting; a permalink is an address, no identifier."""
    first, second = postings(rss.parse(FEED.encode(), source=RSS, observed_at=NOW))
    assert (first.id, first.title, first.company, first.city) == ("77", "Comptable & paie", "Atlas", "Fès")
    assert (first.contract_raw, first.sector_raw, first.description) == ("CDI", "Finance, Audit", "Tenir les livres")
    assert first.date_raw == "Mon, 04 May 2026 10:00:00 GMT"
    assert (second.title, second.url, second.id[:2]) == ("محاسب", "http://portal.example/2", "u:")


def test_a_feed_that_is_no_xml_is_still_read() -> None:
    """A bare ampersand, an unclosed element or a null byte costs no other item."""
    broken = FEED.replace("&amp; paie", "& paie").replace("محاسب</title>", "m\x00</title>").replace("</rss>", "")
    assert [one.id[:2] for one in postings(rss.parse(broken.encode(), source=RSS, observed_at=NOW))] == ["77", "u:"]


def test_an_entry_that_is_cut_off_is_none() -> None:
    """Of a feed that ends within an entry, the whole ones are read."""
    cut = FEED[: FEED.index("<job:location>")]
    assert rss.parse(cut.encode(), source=RSS, observed_at=NOW) == []
    second = FEED[: FEED.index("<guid>http://portal.example/2")]
    assert [one.id for one in postings(rss.parse(second.encode(), source=RSS, observed_at=NOW))] == ["77"]


def test_a_mapping_names_other_elements() -> None:
    """A source's own element names come from its file."""
    source = RssSource(name="a", url="http://x/", mapping={"city": "job:company", "source_id": "title"})
    first, _ = postings(rss.parse(FEED.encode(), source=source, observed_at=NOW))
    assert (first.city, first.id) == ("Atlas", "Comptable & paie")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"<html><p>Erreur</p></html>", b"http://other.example/"])
def test_what_is_no_feed_is_a_reject(body: bytes) -> None:
    """A body that is no feed is rejected whole, and never an address to be opened."""
    (found,) = rss.parse(body, source=RSS, observed_at=NOW)
    assert isinstance(found, Reject)
    assert (found.reason, found.data) == ("malformed_feed", body)


def test_a_feed_without_items_is_empty() -> None:
    """A quiet portal is no error."""
    assert rss.parse(b'<rss version="2.0"><channel><title>x</title></channel></rss>', source=RSS, observed_at=NOW) == []


def page(written: str) -> bytes:
    """Make an HTML page with JSON-LD."""
    return f'<html><head><script type="application/ld+json">{written}</script></head><body>x</body></html>'.encode()


JOB = {
    "@context": "https://schema.org",
    "@type": "JobPosting",
    "title": "Ingénieur &amp; chef",
    "hiringOrganization": {"@type": "Organization", "name": "Atlas"},
    "jobLocation": [
        {
            "@type": "Place",
            "address": {"addressLocality": "Fès", "addressRegion": "Fès-Meknès", "addressCountry": "MA"},
        },
        {"@type": "Place", "address": {"addressLocality": "Lyon", "addressCountry": {"name": "France"}}},
    ],
    "description": "<p>Tenir<br>bon</p>",
    "datePosted": "2026-05-01",
    "validThrough": "2026-06-01",
    "employmentType": ["FULL_TIME", "CDI"],
    "baseSalary": {
        "@type": "MonetaryAmount",
        "currency": "MAD",
        "value": {"@type": "QuantitativeValue", "minValue": 6000, "maxValue": 8000, "unitText": "MONTH"},
    },
    "industry": "BTP",
    "educationRequirements": {"credentialCategory": "Bac+5"},
    "experienceRequirements": {"monthsOfExperience": 36},
    "totalJobOpenings": 3,
    "identifier": {"@type": "PropertyValue", "name": "Atlas", "value": "R-17"},
}


def job(data: object) -> Posting:
    """Read the one posting of a page whose JSON-LD is `data`."""
    (found,) = postings(
        jsonld.parse(page(json.dumps(data)), source=PAGES, url="http://portal.example/1", observed_at=NOW)
    )
    return found


def test_every_property_has_its_field() -> None:
    """The properties of schema.org JobPosting fill the posting's fields."""
    assert job(JOB) == Posting(
        source="b",
        id="R-17",
        source_id="R-17",
        side="offer",
        observed_at=NOW,
        url="http://portal.example/1",
        title="Ingénieur & chef",
        company="Atlas",
        city="Fès, Lyon",
        region_raw="Fès-Meknès, France",
        description="Tenir\nbon",
        date_raw="2026-05-01",
        deadline_raw="2026-06-01",
        contract_raw="FULL_TIME, CDI",
        salary_raw="6000 - 8000 MAD MONTH",
        sector_raw="BTP",
        education_raw="Bac+5",
        experience_raw="36 mois",
        positions="3",
    )


@pytest.mark.parametrize(
    "data",
    [
        [JOB],
        {"@graph": [{"@type": "WebSite"}, JOB]},
        {"@type": "WebPage", "mainEntity": JOB},
        JOB | {"@type": ["Thing", "http://schema.org/JobPosting"]},
    ],
)
def test_a_posting_is_found_wherever_it_stands(data: object) -> None:
    """In a list, a graph, under a page or with several types, the posting is the same."""
    assert job(data).id == "R-17"


@pytest.mark.parametrize(
    ("name", "value", "field", "text"),
    [
        ("hiringOrganization", "Atlas", "company", "Atlas"),
        ("jobLocation", "Fès", "city", "Fès"),
        ("jobLocation", {"address": "Fès, Maroc"}, "city", "Fès, Maroc"),
        ("jobLocation", {"address": {"addressLocality": "Fès", "addressCountry": "Maroc"}}, "region_raw", None),
        ("baseSalary", "12k dhs", "salary_raw", "12k dhs"),
        ("baseSalary", {"currency": "MAD", "value": 9000}, "salary_raw", "9000 MAD"),
        (
            "baseSalary",
            {"currency": "MAD", "value": {"value": 9000, "unitText": "MONTH"}},
            "salary_raw",
            "9000 MAD MONTH",
        ),
        ("experienceRequirements", "3 à 5 ans", "experience_raw", "3 à 5 ans"),
        ("identifier", 17, "source_id", "17"),
        ("title", "dÃ©veloppeur", "title", "développeur"),
        ("industry", ["BTP", {"name": "Eau"}], "sector_raw", "BTP, Eau"),
        ("url", "http://portal.example/canonical", "url", "http://portal.example/canonical"),
    ],
)
def test_properties_in_other_shapes(name: str, value: object, field: str, text: str | None) -> None:
    """Texts in place of objects, objects in place of texts, lists of either: portals write all of them."""
    assert getattr(job(JOB | {name: value}), field) == text


@pytest.mark.parametrize(
    "written",
    [
        '{"@type": "JobPosting", "title": "A", "description": "deux\nlignes\tbrutes"}',
        '<!-- {"@type": "JobPosting", "title": "A"} -->',
        '//<![CDATA[\n{"@type": "JobPosting", "title": "A"}\n//]]>',
        '{"@type": "JobPosting", "title": "A",}',
        '{"@type": "JobPosting", "title": "A"};',
    ],
)
def test_json_as_pages_write_it(written: str) -> None:
    """Raw newlines in strings, wrappers and stray commas are read."""
    (found,) = postings(jsonld.parse(page(written), source=PAGES, url="http://x/1", observed_at=NOW))
    assert found.title == "A"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (page('{"@type": "JobPosting", "title": '), "malformed_jsonld"),
        (page('{"@type":"JobPosting","x":' + "[" * 50_000), "malformed_jsonld"),
        (b"<html>\xff\xff</html>", "invalid_utf8"),
    ],
)
def test_a_posting_that_cannot_be_read_is_a_reject(body: bytes, reason: str) -> None:
    """Broken JSON-LD of a posting and text in no encoding are rejects."""
    (found,) = jsonld.parse(body, source=PAGES, url="http://x/1", observed_at=NOW)
    assert isinstance(found, Reject)
    assert found.reason == reason


@pytest.mark.parametrize("body", [b"", b"<html></html>", page("{broken"), page('{"@type": "WebSite"}')])
def test_a_page_without_a_posting_is_none(body: bytes) -> None:
    """A page that says nothing of a job is neither posting nor reject."""
    assert jsonld.parse(body, source=PAGES, url="http://x/1", observed_at=NOW) == []


SITEMAP = """<?xml version="1.0" encoding="UTF-8"?><urlset xmlns:image="http://x">
<url><loc> http://portal.example/1?a=1&amp;b=2 </loc><lastmod>2026-05-01</lastmod>
<image:image><image:loc>http://portal.example/i.png</image:loc></image:image></url>
<url><loc><![CDATA[http://portal.example/2]]></loc></url><url><lastmod>2026</lastmod></url></urlset>"""


@pytest.mark.parametrize("body", [SITEMAP.encode(), gzip.compress(SITEMAP.encode())])
def test_a_sitemap_lists_its_pages(body: bytes) -> None:
    """Addresses with their lastmod, plain or compressed, images left out."""
    assert jsonld.sitemap(body).pages == (
        jsonld.Listed("http://portal.example/1?a=1&b=2", "2026-05-01"),
        jsonld.Listed("http://portal.example/2"),
    )


def test_a_sitemap_index_lists_sitemaps() -> None:
    """An index points to sitemaps, namespaced or not."""
    index = b"<s:sitemapindex><s:sitemap><s:loc>http://portal.example/a.xml.gz</s:loc></s:sitemap></s:sitemapindex>"
    assert jsonld.sitemap(index).sitemaps == ("http://portal.example/a.xml.gz",)


@pytest.mark.parametrize("body", [b"", b"<html>404</html>", b"\xff", gzip.compress(b"x")[:-12], b"\x1f\x8bx"])
def test_what_is_no_sitemap_is_known_not_to_be(body: bytes) -> None:
    """An error page in place of a sitemap is not an empty portal."""
    assert not jsonld.sitemap(body).known


def api(items: list[Any], **data: object) -> bytes:
    """Make a body of the API."""
    return json.dumps({"data": {"jobs": items, **data}}).encode()


def test_an_api_page_is_mapped() -> None:
    """Dotted paths find the fields, through lists too; a status that means removal is one."""
    item = {
        "id": 7,
        "poste": {"titre": "Comptable"},
        "lieux": [{"ville": "Fès"}, {"ville": "Rabat"}],
        "etat": "expired",
    }
    read = jsonapi.parse(api([item], pages=9), source=API, observed_at=NOW)
    (found,) = postings(read.items)
    assert (found.id, found.title, found.city, found.event) == ("7", "Comptable", "Fès, Rabat", "removed")
    assert (read.last, read.known) == (9, True)


def test_a_bad_item_costs_no_other() -> None:
    """Items of wrong shape are rejected with their own bytes among good ones."""
    good = {"id": "1", "poste": {"titre": "Comptable"}}
    read = jsonapi.parse(api([good, 5, {"id": "2", "poste": {"titre": [{}]}}, good]), source=API, observed_at=NOW)
    assert [item.reason if isinstance(item, Reject) else item.id for item in read.items] == [
        "1",
        "malformed_json",
        "wrong_type",
        "1",
    ]
    second = read.items[2]
    assert isinstance(second, Reject)
    assert (json.loads(second.data)["id"], second.id) == ("2", "2")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data": []}', b'{"data": {"jobs": {}}}', b"[" * 99_999, b"\xff"])
def test_a_body_that_is_no_page_is_a_reject(body: bytes) -> None:
    """When the list is not where the source says, the whole body is rejected, and it is no empty page."""
    read = jsonapi.parse(body, source=API, observed_at=NOW)
    assert not read.known
    assert isinstance(read.items[0], Reject)


def test_json_that_is_not_strict_is_still_read() -> None:
    """A raw newline inside a string of one item leaves all items readable."""
    body = b'{"data": {"jobs": [{"id": "1", "poste": {"titre": "A\nB"}}]}}'
    (found,) = postings(jsonapi.parse(body, source=API, observed_at=NOW).items)
    assert found.title == "A\nB"


def read_rows(text: bytes, form: file.Format, source: FileSource = DROP) -> list[Posting | Reject]:
    """Read a file's text."""
    lines = [Line(number, line) for number, line in enumerate(text.split(b"\n"), 1)]
    return [file.parse(row, source=source, observed_at=NOW) for row in file.rows(lines, form)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_of_any_separator(separator: str) -> None:
    """Columns named like fields, or as the source's mapping says, with quotes, newlines and a byte order mark."""
    text = 'source_id,intitulé,city,side,phone\n1,"Comptable, paie",Fès,,06\n2,"a\n""b""",Rabat,seeker,06'
    text = text.replace("Comptable, paie", "Comptable~ paie").replace(",", separator).replace("~", ",")
    first, second = postings(read_rows(b"\xef\xbb\xbf" + text.encode(), "csv"))
    assert (first.id, first.title, first.city, first.side) == ("1", "Comptable, paie", "Fès", "offer")
    assert (second.id, second.title, second.side) == ("2", 'a\n"b"', "seeker")


def test_a_bad_csv_row_costs_no_other() -> None:
    """A wrong width, an unclosed quote and invalid UTF-8 are rejects with their bytes, and the next row is read."""
    text = b'source_id,title\n1,A\n2,B,C\n3,"D\n4,E\n5,\xff\n6,12" pipe\n7,"G"'
    outcome = [item.data if isinstance(item, Reject) else item.id for item in read_rows(text, "csv")]
    assert outcome == ["1", b"2,B,C", b'3,"D', "4", b"5,\xff", "6", "7"]


@given(
    st.lists(st.tuples(st.text(alphabet='ab,;"\n é', max_size=8), st.text(alphabet='"x,\n', max_size=8)), max_size=8)
)
def test_csv_that_a_library_writes_is_read_back(values: list[tuple[str, str]]) -> None:
    """Whatever stands in the values, quoted as CSV is quoted, every row comes back."""

    def quoted(value: str) -> str:
        return '"' + value.replace('"', '""') + '"'

    text = "title,city\n" + "\n".join(f"{quoted(title)},{quoted(city)}" for title, city in values)
    lines = [Line(number, line) for number, line in enumerate(text.encode().split(b"\n"), 1)]
    found = [row.fields for row in file.rows(lines, "csv")]
    expected = [{name: value for name, value in (("title", title), ("city", city)) if value} for title, city in values]
    assert found == expected


def test_ndjson_rows_are_their_own() -> None:
    """Each line is a record or a reject; blank lines are neither."""
    text = (
        b'{"source_id":"1","title":"A"}\n\n{"source_id":\n[]\n{"title":"\xff"}\n{"source_id":"2","intitul\xc3\xa9":"B"}'
    )
    outcome = [item.reason if isinstance(item, Reject) else item.title for item in read_rows(text, "ndjson")]
    assert outcome == ["A", "malformed_json", "malformed_json", "invalid_utf8", "B"]


def test_an_unreadable_row_of_a_seekers_file_leaves_a_hash() -> None:
    """In a file of job seekers, what cannot be read is kept as length and hash."""
    (found,) = read_rows(b'{"name":"Amine', "ndjson", FileSource(name="d", path="x", side="seeker"))
    assert isinstance(found, Reject)
    assert (found.data, found.length) == (b"", 14)


def test_an_index_lists_the_files_of_its_folder() -> None:
    """Links to other folders, hosts and kinds of file are not the folder's files."""
    html = (
        '<a href="b.csv">b</a><a href="a.ndjson.gz?C=M">a</a><a href="../up.csv">up</a><a href="sub/c.csv">c</a>'
        '<a href="http://other.example/d.csv">d</a><a href="note.txt">n</a><a href="/drop/e%C3%A9.csv">e</a>'
    )
    base = "http://agence.example/drop/"
    assert file.links(html, base) == [base + name for name in ("a.ndjson.gz?C=M", "b.csv", "e%C3%A9.csv")]


def test_encodings_are_those_that_bodies_claim() -> None:
    """UTF-8 first, then what the answer and the body say."""
    assert text_of("é".encode(), "latin-1") == "é"
    assert text_of("é".encode("latin-1"), "latin-1") == "é"
    assert text_of('<meta charset="windows-1256"><p>شغل'.encode("windows-1256"), None).endswith("شغل")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Mon, 04 May 2026 12:01:00 GMT", 60),
        ("Mon, 04 May 2026 11:00:00 GMT", 0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    """The two forms of Retry-After are read, a past date is now, nonsense is nothing."""
    assert retry_after(value, NOW) == seconds


def test_a_block_page_is_known_by_its_title() -> None:
    """A guard's page is not the page asked for; a job that mentions a captcha is."""
    assert is_block_page(b"<html><head><title>Blocked - Portal</title></head></html>")
    assert is_block_page(b"<title>Just a moment...</title>")
    assert not is_block_page(b"<title>Agent de security</title><script src=captcha.js></script>")
