"""An archive becomes sightings at its own times, in their order; nothing in it is lost but contacts, or invented."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.archive import Sighting, sightings
from producers.file.fetch import ordered
from producers.file.parse import Line, rows
from producers.file.read import Unreadable
from producers.sources import FileSource
from schemas.messages import Posting, Side

DAYS = st.dates(date(2022, 1, 1), date(2026, 12, 31)).map(date.isoformat)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"source": st.sampled_from(["a", "b"]), "seen_first": DAYS, "seen_last": DAYS},
        optional={"source_id": st.integers(0, 9).map(str), "title": st.text(max_size=5), "extra": st.integers()},
    ),
    max_size=30,
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(lines: list[bytes], side: Side = "offer") -> list[Sighting]:
    """Read NDJSON lines as an archive whose rows state no side."""
    numbered = (Line(number, line) for number, line in enumerate(lines, 1))
    return list(sightings(rows(numbered, "ndjson"), source="archive", side=side))


def told(found: list[Sighting]) -> list[dict[str, Any]]:
    """Decode the sightings' values."""
    return [json.loads(sighting.value) for sighting in found]


def archive(path: Path, lines: list[bytes]) -> FileSource:
    """Write an archive, and describe it."""
    path.write_bytes(b"\n".join(lines) + b"\n")
    return FileSource(name="archive", path=str(path), archive=True)


@given(ROWS)
def test_every_row_is_seen_once_and_again_when_last_seen_later(known: list[dict[str, Any]]) -> None:
    """As many sightings as rows and rows whose `seen_last` is later, each a posting at midnight UTC of its day."""
    found = read([json.dumps(row).encode() for row in known])
    expected = [
        day
        for row in known
        for day in (
            (row["seen_first"], row["seen_last"]) if row["seen_last"] > row["seen_first"] else (row["seen_first"],)
        )
    ]
    postings = [msgspec.json.decode(sighting.value, type=Posting) for sighting in found]
    assert [posting.observed_at.isoformat() for posting in postings] == [f"{day}T00:00:00+00:00" for day in expected]
    assert [sighting.key.decode() for sighting in found] == [f"{one.source}\t{one.id}" for one in postings]


@given(ROWS, st.integers(1, 5000))
def test_order_is_that_of_time_then_of_rows(
    tmp_path_factory: pytest.TempPathFactory, known: list[dict[str, Any]], held: int
) -> None:
    """However little is held in memory, sightings come by time, and those of one time by row."""
    folder = tmp_path_factory.mktemp("archive")
    lines = [json.dumps(row | {"city": str(number)}).encode() for number, row in enumerate(known)]
    source = archive(folder / "rows.ndjson", lines)
    found = list(ordered(folder / "rows.ndjson", "ndjson", source=source, spool=folder / "spool", sorted_bytes=held))
    assert found == sorted(read(lines), key=lambda sighting: sighting.at)


def test_two_rows_of_one_identifier_are_one_ad() -> None:
    """The key is source and id: rows that share them are sightings of one ad."""
    lines = [b'{"source":"p","source_id":"7","seen_first":"2026-01-01"}', b'{"source":"p","source_id":"7","title":"x"}']
    assert {sighting.key for sighting in read(lines)} == {b"p\t7"}


def test_a_row_may_carry_its_own_time() -> None:
    """`observed_at` is one sighting at that time, whatever zone it is written in."""
    line = b'{"title":"A","observed_at":"2026-01-01T10:00:00+01:00","seen_first":"2020-01-01","seen_last":"2021-01-01"}'
    (found,) = read([line])
    assert json.loads(found.value)["observed_at"] == "2026-01-01T09:00:00Z"
    assert found.at == (datetime(2026, 1, 1, 9, tzinfo=UTC) - EPOCH).total_seconds() * 1e6


@pytest.mark.parametrize(
    "line",
    [b"not json", b"\xff\xfe", b"[1]", b'{"title":"\xff"}', b'{"title":"a\x00"}', b'{"title":"a"', b"[" * 100_000],
)
def test_a_line_that_is_no_object_goes_as_it_is(line: bytes) -> None:
    """Unreadable lines without contacts are raw records of their own bytes, for the streams to reject and count."""
    (found,) = read([line])
    assert found.value == line
    assert found.key.startswith(b"archive\tx:")


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ({"title": 5}, {"title": 5}),
        ({"title": 10**30}, {"title": 10**30}),
        ({"side": "both"}, {"side": "both"}),
        ({"source": 3}, {"source": 3}),
        ({"observed_at": "hier"}, {"observed_at": "hier"}),
        ({"seen_first": 4}, {"observed_at": 4}),
        ({"title": "\u0000"}, {"title": "\u0000"}),
    ],
)
def test_what_is_wrong_in_a_row_goes_with_it(row: dict[str, Any], kept: dict[str, Any]) -> None:
    """A row of wrong types is one sighting with the same wrong types, which the posting schema refuses."""
    (found,) = told(read([json.dumps({"seen_first": "2026-01-01"} | row).encode()]))
    assert kept.items() <= found.items()


def test_unknown_fields_are_dropped() -> None:
    """What the posting schema has no field for does not reach Kafka."""
    (found,) = told(read([b'{"title":"A","phone":"0661223344","v":9,"seen_first":"2026-01-01"}']))
    assert set(found) == {"source", "id", "side", "title", "observed_at"}


def test_a_row_without_a_time_keeps_its_place() -> None:
    """A line that tells no time stays behind the one before it, so that bad lines come as thinly as they were."""
    lines = [b'{"seen_first":"2026-01-02"}', b"bad", b'{"seen_first":"2026-01-01"}']
    places = [sighting.at for sighting in read(lines)]
    assert places[0] == places[1] > places[2]


def test_seekers_are_scrubbed_in_archives_too() -> None:
    """A seeker's row has the fields that a seeker may have, without contacts; what is no text in it is blanked."""
    line = (
        b'{"side":"seeker","title":"Comptable 0661223344","url":"https://a.ma/amine","company":"x",'
        b'"city":{"name":"Amine"},"seen_first":"2026-01-01"}'
    )
    (found,) = told(read([line]))
    assert (found["title"], found["city"]) == ("Comptable [tel]", False)
    assert not {"url", "company"} & set(found)


def test_offers_lose_contacts_in_archives_too() -> None:
    """An offer's row goes without contacts, wherever they stand in it; what else it says, and its numbers, stay."""
    line = (
        b'{"title":"Comptable","description":"Contactez M. Karim Alaoui, 06 61 22 33 44, karim@poste.example",'
        b'"company":"Atlas","url":"https://a.ma/offre-ref-005760-72108390/","positions":3,"salary_raw":212661223344,'
        b'"city":{"nom":"Karim Alaoui"},"source_id":"0661223344","seen_first":"2026-01-01"}'
    )
    (found,) = told(read([line]))
    assert found["description"] == "Contactez M. [nom], [tel], [e-mail]"
    assert (found["company"], found["url"], found["positions"]) == (
        "Atlas",
        "https://a.ma/offre-ref-005760-72108390/",
        3,
    )
    assert (found["city"], found["salary_raw"]) == (False, False)
    assert found["id"].startswith("s:")
    (cut,) = read([line[:-2]])
    assert b"Karim" not in cut.value
    assert b"0661223344" not in cut.value


def test_an_unreadable_seeker_is_a_hash() -> None:
    """A line that cannot be read and may be a seeker's keeps its place in the count, but not its bytes."""
    for found in (*read([b"Amine 0661223344"], side="seeker"), *read([b'{"side":"seeker","title":"Amine'])):
        assert b"Amine" not in found.value
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(found.value, type=Posting)


def test_a_row_too_large_for_kafka_is_a_reject(tmp_path: Path) -> None:
    """Beyond 8 MB a row is rejected here, with its first MB and the measure of the whole; its neighbours flow on."""
    good = b'{"title":"A","seen_first":"2026-01-01"}'
    source = archive(tmp_path / "a.ndjson", [good, b'{"title":"' + b"x" * 9_000_000 + b'"}', good])
    found = list(ordered(tmp_path / "a.ndjson", "ndjson", source=source, spool=tmp_path))
    reject = found[1].reject
    assert reject
    assert (reject.reason, len(reject.data), reject.length) == ("oversize", 1_000_000, 9_000_012)
    assert [sighting.reject for sighting in (found[0], found[2])] == [None, None]


def test_compressed_archives_read_the_same(tmp_path: Path) -> None:
    """Gzip is known by its bytes, and a file cut short is an error, not a shorter archive."""
    lines = [json.dumps({"title": str(number), "seen_first": "2026-01-01"}).encode() for number in range(1000)]
    source = archive(tmp_path / "a.ndjson", lines)
    plain = (tmp_path / "a.ndjson").read_bytes()
    packed = tmp_path / "packed.ndjson"
    packed.write_bytes(gzip.compress(plain))
    expected = list(ordered(tmp_path / "a.ndjson", "ndjson", source=source, spool=tmp_path))
    assert list(ordered(packed, "ndjson", source=source, spool=tmp_path)) == expected
    packed.write_bytes(gzip.compress(plain)[:-20])
    with pytest.raises(Unreadable):
        list(ordered(packed, "ndjson", source=source, spool=tmp_path))


@pytest.mark.shared_data
def test_the_development_archive_has_its_sightings(shared_data: Path, tmp_path: Path) -> None:
    """21,111 rows of nine portals are 23,124 sightings, each a posting by its schema."""
    path = shared_data / "postings_dev.ndjson.gz"
    source = FileSource(name="archive", path=str(path), archive=True)
    found = list(ordered(path, "ndjson", source=source, spool=tmp_path))
    assert len(found) == 23_124
    for sighting in found:
        msgspec.json.decode(sighting.value, type=Posting)
