"""Which page comes next, and what changed since: by numbers, offsets, cursors, links and times."""

from datetime import UTC, datetime
from typing import cast

import pytest

from producers import paging
from producers.checkpoint import Checkpoint
from producers.jsonapi.fetch import changes, fetch
from producers.jsonapi.parse import parse
from producers.listing import Sweep
from producers.paging import Seen
from producers.sources import JsonSource, Paging, Since
from producers.web.failure import Gone, Missing
from producers.web.fetch import Answer, Web
from schemas.messages import Posting

URL = "http://portal.example/api?q=a"
NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def walk(paged: Paging, told: list[Seen]) -> list[str]:
    """The addresses that a listing of these pages is read by, without their common head."""
    found = [paging.first(URL, paged)]
    read = 0
    for index, seen in enumerate(told):
        read += seen.items
        found.append(paging.following(URL, paged, index=index, seen=seen, read=read))
    return [address.removeprefix(URL) for address in found]


def test_pages_are_counted_to_the_last() -> None:
    """Numbers go on to the one that the body states, else until a page is empty."""
    assert walk(Paging(), [Seen(5), Seen(5), Seen(0)]) == ["&page=1", "&page=2", "&page=3", ""]
    assert walk(Paging(parameter="p", first=0), [Seen(5, last=1), Seen(5, last=1)]) == ["&p=0", "&p=1", ""]


def test_offsets_grow_by_what_was_read() -> None:
    """A stated size is the step; without one, the items seen are; the total ends it."""
    offset = Paging(style="offset", parameter="start")
    assert walk(offset, [Seen(5), Seen(3), Seen(0)]) == ["&start=0", "&start=5", "&start=8", ""]
    sized = Paging(style="offset", parameter="start", size=10)
    assert walk(sized, [Seen(10, total=13), Seen(3, total=13)]) == ["&start=0", "&start=10", ""]


def test_cursors_and_links_are_followed() -> None:
    """A cursor goes into its parameter, a link is an address of the same host."""
    cursor = Paging(style="cursor", parameter="after", next="next")
    assert walk(cursor, [Seen(5, next="x y"), Seen(5)]) == ["", "&after=x+y", ""]
    link = Paging(style="link", next="links.next")
    assert walk(link, [Seen(5, next="/api?q=a&p=2"), Seen(5, next="http://other.example/api")]) == ["", "&p=2", ""]


def test_a_page_in_the_path_is_a_template() -> None:
    """Where the query does not hold the number, the address says where it goes."""
    path = Paging(address="http://portal.example/jobs/{page}.json")
    assert paging.following(URL, path, index=0, seen=Seen(5), read=5) == "http://portal.example/jobs/2.json"


def test_a_body_says_where_it_goes_on() -> None:
    """Last page, total and cursor are read where the source says; the header's link where it does not."""
    body = b'{"items": [{"id": 1}], "meta": {"pages": "3", "total": 41, "next": "abc"}}'
    mapped = {"source_id": "id"}
    pages = JsonSource(name="a", url=URL, items="items", mapping=mapped, paging=Paging(last="meta.pages"))
    assert parse(body, source=pages, observed_at=NOW).last == 3
    cursor = Paging(style="cursor", next="meta.next", total="meta.total")
    found = parse(
        body, source=JsonSource(name="a", url=URL, items="items", mapping=mapped, paging=cursor), observed_at=NOW
    )
    assert (found.next, found.total) == ("abc", 41)
    header = JsonSource(name="a", url=URL, items="items", mapping=mapped, paging=Paging(style="link"))
    assert parse(body, source=header, observed_at=NOW, link="http://portal.example/2").next == "http://portal.example/2"


def test_an_object_a_line_is_a_list() -> None:
    """A stream's answer may be NDJSON; removals in it are removals."""
    source = JsonSource(name="a", url=URL, mapping={"source_id": "id", "title": "t", "status": "removed"})
    body = b'{"id": "1", "t": "A", "removed": false}\n{"id": "2", "removed": true}\n{"id":\n'
    found = parse(body, source=source, observed_at=NOW)
    events = [(item.id, item.event) if isinstance(item, Posting) else item.reason for item in found.items]
    assert events == [("1", "seen"), ("2", "removed"), "malformed_json"]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("rfc3339", "2026-05-04T12:29:00Z"),
        ("local", "2026-05-04T12:29:00"),
        ("date", "2026-05-04"),
        ("epoch", "1777897740"),
    ],
)
def test_changes_are_asked_for_from_a_little_before(form: str, value: str) -> None:
    """The host's clock is not ours: a minute is asked for twice."""
    since = Since(parameter="updated-after", format=form, url="http://portal.example/stream")  # type: ignore[arg-type]
    source = JsonSource(name="a", url=URL, mapping={"source_id": "id"}, since=since)
    address = changes(source, since, NOW)
    assert address.replace("%3A", ":") == f"http://portal.example/stream?updated-after={value}"


class Host:
    """Stands for the web client: answers addresses with bodies, others as missing, `broken` ones as not to be had."""

    def __init__(self, bodies: dict[str, bytes], broken: str = "") -> None:
        self.bodies = bodies
        self.broken = broken

    async def get(self, _source: object, url: str, **_options: object) -> Answer:
        if url == self.broken:
            raise Gone("more than 5 redirects")
        if url not in self.bodies:
            raise Missing("HTTP 404")
        return Answer(url, True, self.bodies[url], "", "", None, url)


async def sweep(host: Host) -> Sweep:
    """Read a listing of pages once."""
    source = JsonSource(name="a", url="http://portal.example/api", mapping={"source_id": "id"}, paging=Paging())
    parts = [part async for part in fetch(source, memory=Checkpoint(), web=cast(Web, host), clock=lambda: NOW)]
    assert isinstance(parts[-1], Sweep)
    return parts[-1]


async def test_only_a_host_that_says_so_ends_a_listing() -> None:
    """A page that is missing is past the last; one that cannot be had, or read, leaves the sweep unbelieved."""
    first, second = "http://portal.example/api?page=1", "http://portal.example/api?page=2"
    pages = {first: b'[{"id": "1"}]', second: b'[{"id": "2"}]'}
    assert ((await sweep(Host(pages))).complete, len((await sweep(Host(pages))).pages)) == (True, 2)
    assert (await sweep(Host({first: pages[first]}, broken=second))).complete is False
    assert (await sweep(Host(pages | {second: b'[{"id": "\xff"}]'}))).complete is False
