"""A source file says what it means, or the error names the file and the field."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from producers import sources
from producers.shape import FIELDS, Control
from producers.sources import (
    FileSource,
    HtmlSource,
    JsonLdSource,
    JsonSource,
    Paging,
    Pick,
    RssSource,
    Since,
    SourceError,
)

RSS = 'kind = "rss"\nname = "portal-a"\nurl = "https://portal.example/feed.xml"\n'


def test_a_feed_needs_three_lines() -> None:
    """Name, kind and address are enough for a feed; the rest has polite defaults."""
    source = sources.parse("a.toml", RSS)
    assert source == RssSource(name="portal-a", url="https://portal.example/feed.xml")
    assert (source.side, source.interval, source.requests_per_second) == ("offer", 900.0, 0.5)
    assert sources.kind(source) == "rss"


def test_a_json_api_is_a_mapping() -> None:
    """A JSON API's mapping and paging come from its file."""
    source = sources.parse(
        "c.toml",
        """
        kind = "json"
        name = "portal-c"
        url = "http://127.0.0.1:8000/api/jobs"
        items = "data.jobs"
        mapping = { title = "poste.intitule", city = "lieu", status = "etat" }
        paging = { parameter = "p", first = 0, last = "pages" }
        removed = ["pourvue"]
        """,
    )
    assert isinstance(source, JsonSource)
    assert source.paging
    assert (source.paging.first, source.removed) == (0, ("pourvue",))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (RSS + "intervall = 3", "intervall"),
        (RSS + 'side = "both"', "side"),
        (RSS + "interval = 0", "interval"),
        (RSS + 'mapping = { titel = "x" }', "mapping"),
        (RSS.replace("portal-a", "Portal A"), "name"),
        (RSS.replace("https:", "ftp:"), "url"),
        (RSS.replace('"rss"', '"soap"'), "kind"),
        ('kind = "rss"\nname = "x"', "url"),
        ('name = "x"', "kind"),
        ('kind = "jsonld"\nname = "x"\nurl = "http://x/s.xml"\ninclude = "("', "include"),
        ('kind = "file"\nname = "x"', "url, path"),
        ('kind = "file"\nname = "x"\npath = "a"\narchive = true\nfull = true', "full"),
        ('kind = "json"\nname = "x"\nurl = "http://x/"\nmapping = {}', "mapping"),
        ("kind =", "TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, field: str) -> None:
    """The error names the file and the field that is missing, unknown or wrong."""
    with pytest.raises(SourceError) as error:
        sources.parse("wrong.toml", text)
    assert str(error.value).startswith("wrong.toml: ")
    assert field in str(error.value)


def test_one_wrong_file_stops_no_other(tmp_path: Path) -> None:
    """A folder's good sources are found beside its bad ones, and a name stands for one source."""
    (tmp_path / "a.toml").write_text(RSS)
    (tmp_path / "b.toml").write_text(RSS)
    (tmp_path / "c.toml").write_text("kind = 3")
    (tmp_path / "d.toml").write_bytes(b"\xff")
    (tmp_path / "e.toml").write_text('kind = "file"\nname = "agence"\npath = "drop"\nside = "seeker"')
    (tmp_path / "notes.txt").write_text("not a source")
    found = sources.read(tmp_path)
    assert found.found["agence"] == FileSource(name="agence", path="drop", side="seeker")
    assert set(found.found) == {"portal-a", "agence"}
    assert set(found.wrong) == {"b.toml", "c.toml", "d.toml"}
    assert "portal-a" in found.wrong["b.toml"]


def test_a_folder_that_is_not_there_has_no_sources(tmp_path: Path) -> None:
    """Sources may come later."""
    assert sources.read(tmp_path / "none").found == {}


DOCUMENT = Path(__file__).parents[3] / "docs" / "sources.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_documentation_s_examples_are_sources(text: str) -> None:
    """Every example that the documentation shows can be used as it stands."""
    assert sources.parse("example.toml", text).name


def test_every_field_is_documented() -> None:
    """A field that a source file may hold, or a record, stands in the documentation."""
    text = DOCUMENT.read_text("utf-8")
    kinds = (RssSource, JsonLdSource, JsonSource, HtmlSource, FileSource, Paging, Since, Pick)
    settings = {field.encode_name for kind in kinds for field in msgspec.structs.fields(kind)}
    missing = {
        name for name in {*settings, *FIELDS, *get_args(Control)} if f"`{name}`" not in text and f"{name} =" not in text
    }
    assert not missing
