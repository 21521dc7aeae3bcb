"""File drops of any format and encoding: what the institution saved is what is read."""

import gzip
import hashlib
import io
import json
import os
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from producers.checkpoint import Checkpoint
from producers.file.fetch import Drop, drops, fetch
from producers.file.manifest import Claim, manifest
from producers.file.parse import encoding_of, format_of, separator_of
from producers.file.read import Unreadable, records
from producers.listing import Batch, Sweep
from producers.novelty import changes, settle
from producers.shape import Reject
from producers.sources import FileSource
from producers.web.failure import FetchFailed
from producers.web.fetch import Web
from schemas.messages import Posting

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DROP = FileSource(name="d", path="drop", mapping={"title": "intitulé", "city": "ville"})
FRENCH = "intitulé;ville;description\nÉlectricien;Fès;Câblage, dépannage à l'année\nMaçon;Salé;Gros œuvre\n"
ARABIC = "المرجع;العنوان;المدينة\n1;محاسب رئيسي;الدار البيضاء\n2;ممرض متعدد التخصصات;فاس\n"
CODE_PAGES = [
    (FRENCH, "utf-8", "utf-8"),
    (FRENCH, "utf-8-sig", "utf-8"),
    (FRENCH, "cp1252", "cp1252"),
    (FRENCH, "cp850", "cp850"),
    (FRENCH, "utf-16", "utf-16-le"),
    (FRENCH, "utf-16-be", "utf-16-be"),
    (ARABIC, "cp1256", "cp1256"),
    (ARABIC, "utf-8", "utf-8"),
    (ARABIC, "utf-16", "utf-16-le"),
]


def rows_of(path: Path, source: FileSource = DROP) -> list[dict[str, object]]:
    """The fields of a file's records."""
    form = format_of(path.name)
    assert form is not None
    return [dict(row.fields or {}) for row in records(path, form, source)]


@pytest.mark.parametrize(("text", "saved", "known"), CODE_PAGES)
def test_a_csv_file_is_read_in_the_encoding_it_was_saved_in(text: str, saved: str, known: str, tmp_path: Path) -> None:
    """Whatever the code page, the rows are the same; compressed or not."""
    text = text.replace("œ", "oe") if saved == "cp850" else text
    names, *expected = (line.split(";") for line in text.strip().split("\n"))
    assert encoding_of(text.encode(saved)) == known
    plain, packed = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    plain.write_bytes(text.encode(saved))
    packed.write_bytes(gzip.compress(text.encode(saved)))
    for path in (plain, packed):
        assert [list(row.values()) for row in rows_of(path)] == expected
        assert list(rows_of(path)[0]) == names


def test_one_bad_byte_is_one_bad_row(tmp_path: Path) -> None:
    """A UTF-8 file stays one although a row of it is none."""
    path = tmp_path / "a.csv"
    path.write_bytes("titre;ville\nÉlève;Fès\n".encode() + b"caf\xe9;Rabat\n" + "Métier;Salé\n".encode())
    outcomes = [row.reject.reason if row.reject else "" for row in records(path, "csv", DROP)]
    assert outcomes == ["", "invalid_utf8", ""]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", ":", "^", "~"])
def test_the_separator_is_the_one_that_gives_every_row_the_header_s_width(separator: str) -> None:
    """Commas inside values, and quotes around those with the separator, do not mislead."""
    rows = [
        ["titre", "ville, pays", "texte"],
        ["A", "Fès, Maroc", f'"x{separator} y, z"'],
        ["B", "Rabat, Maroc", "u, v, w"],
    ]
    assert (
        separator_of(
            "\n".join(
                separator.join(cell if cell[0] == '"' else f'"{cell}"' if separator in cell else cell for cell in row)
                for row in rows
            )
        )
        == separator
    )


def sheet(rows: list[list[str | float | None]]) -> bytes:
    """A workbook of one sheet, as spreadsheet programs write it."""

    def cell(value: str | float | None) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, str) and value.startswith("="):
            return f'<c t="str"><f>{value[1:]}</f><v>12</v></c>'
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        return f"<c><v>{value}</v></c>"

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    body = "".join(f"<row>{''.join(cell(value) for value in row)}</row>" for row in rows)
    kinds = (
        f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
    )
    files = {
        "[Content_Types].xml": kinds,
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        '<sheet name="Offres" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + content)
    return packed.getvalue()


def test_a_sheet_is_its_rows(tmp_path: Path) -> None:
    """Numbers and dates are their text, empty cells are absent, a formula is what it last gave."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(sheet([["intitulé", "ville", "positions"], ["Élève", None, 3], [None], ["=1+1", "Fès", 2.5]]))
    assert rows_of(path) == [
        {"intitulé": "Élève", "positions": "3"},
        {"intitulé": "12", "ville": "Fès", "positions": "2.5"},
    ]


def test_a_workbook_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    """What would fill the memory is not opened; what is no workbook is unreadable."""
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("x", "w") as part:
        for _ in range(501):
            part.write(bytes(1_000_000))
    with pytest.raises(Unreadable, match="unpacks to over"):
        rows_of(path)
    path.write_bytes(b"no workbook")
    with pytest.raises(Unreadable):
        rows_of(path)


def test_parquet_is_its_rows(tmp_path: Path) -> None:
    """Types are their text, lists stay lists, nulls are absent; a broken file is unreadable."""
    path = tmp_path / "a.parquet"
    columns = {
        "source_id": [1, 2],
        "title": ["محاسب", "Maçon"],
        "date_raw": [date(2026, 5, 4), None],
        "skills_raw": [["sql", "excel"], None],
        "positions": [2.0, None],
    }
    pq.write_table(pa.table(columns), path)
    assert rows_of(path) == [
        {
            "source_id": "1",
            "title": "محاسب",
            "date_raw": "2026-05-04",
            "skills_raw": ["sql", "excel"],
            "positions": "2",
        },
        {"source_id": "2", "title": "Maçon"},
    ]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(Unreadable):
        rows_of(path)


def test_a_manifest_is_read_in_its_usual_forms() -> None:
    """Sums, sizes, JSON; a name with a folder in it is none."""
    digest = "ab" * 32
    assert manifest(f"{digest} *a.csv\n{digest}  ../up.csv\n".encode()) == {"a.csv": Claim(sha256=digest)}
    assert manifest(b"a b.csv;12\nc.csv 7\nd.csv\n") == {"a b.csv": Claim(12), "c.csv": Claim(7), "d.csv": Claim()}
    told = {"files": [{"name": "a.csv", "size": 3, "sha256": digest.upper()}, "b.csv"]}
    assert manifest(json.dumps(told).encode()) == {"a.csv": Claim(3, digest), "b.csv": Claim()}
    for wrong in (b'{"files": 3}', b"[{}]", b"{", b"\xff"):
        with pytest.raises(ValueError, match=r"."):
            manifest(wrong)


async def delivered(source: FileSource, memory: Checkpoint, tmp_path: Path) -> tuple[list[str], Sweep]:
    """Read a drop once as the producers do: titles, and the sweep."""
    web = Web(observe=lambda _: None, clock=lambda: NOW)
    titles: list[str] = []
    async for part in fetch(source, memory=memory, web=web, spool=tmp_path / "spool", now=NOW):
        if isinstance(part, Sweep):
            return titles, part
        assert isinstance(part, Batch)
        titles += [item.title or "" for item in part.items if isinstance(item, Posting)]
        assert not any(isinstance(item, Reject) for item in part.items)
        settle(memory, part, changes(memory, part.items, "2026-05-04", last_wins=False), keep_ids=source.full)
    raise AssertionError


def saved(path: Path, text: str, *, age: float = 60) -> None:
    """A file that was written `age` seconds ago."""
    path.write_text(text, "utf-8")
    at = path.stat().st_mtime - age
    os.utime(path, (at, at))


async def test_an_upload_under_way_is_waited_for(tmp_path: Path) -> None:
    """A file is read once it has rested; another name that ends otherwise is never looked at."""
    drop = tmp_path / "drop"
    drop.mkdir()
    source = FileSource(name="d", path=str(drop), settle=30)
    memory = Checkpoint()
    saved(drop / "a.csv", "title\nA\n", age=5)
    saved(drop / "b.csv.part", "title\nB\n")
    saved(drop / "~$c.xlsx", "lock")
    assert (await delivered(source, memory, tmp_path))[0] == []
    saved(drop / "a.csv", "title\nA\nA2\n")
    assert (await delivered(source, memory, tmp_path))[0] == ["A", "A2"]
    assert (await delivered(source, memory, tmp_path))[0] == []


async def test_what_the_manifest_does_not_vouch_for_waits(tmp_path: Path) -> None:
    """Without manifest nothing is read; with it, what it lists as it lists it."""
    drop = tmp_path / "drop"
    drop.mkdir()
    source = FileSource(name="d", path=str(drop), manifest="SHA256SUMS")
    memory = Checkpoint()
    saved(drop / "a.csv", "title\nA\n")
    saved(drop / "b.csv", "title\nB\n")
    with pytest.raises(FetchFailed):
        await delivered(source, memory, tmp_path)
    whole = hashlib.sha256(b"title\nA\nA2\n").hexdigest()
    saved(drop / "SHA256SUMS", f"{whole}  a.csv\n")
    titles, sweep = await delivered(source, memory, tmp_path)
    assert (titles, sweep.complete, "a.csv" in sweep.trouble) == ([], False, True)
    saved(drop / "a.csv", "title\nA\nA2\n")
    titles, sweep = await delivered(source, memory, tmp_path)
    assert (titles, sweep.complete) == (["A", "A2"], True)


async def test_a_delivered_file_is_put_away_and_stays_the_listing(tmp_path: Path) -> None:
    """Files move once an earlier reading delivered them, never over one another; the last delivery is what there is."""
    drop = tmp_path / "drop"
    drop.mkdir()
    source = FileSource(name="d", path=str(drop), full=True, processed="done")
    memory = Checkpoint()
    saved(drop / "a.csv", "source_id,title\n1,A\n2,B\n")
    titles, sweep = await delivered(source, memory, tmp_path)
    assert (titles, sweep.pages, (drop / "a.csv").exists()) == (["A", "B"], {"a.csv"}, True)
    for _ in range(2):
        titles, sweep = await delivered(source, memory, tmp_path)
        assert (titles, sweep.pages, [path.name for path in drop.iterdir()]) == ([], {"a.csv"}, ["done"])
    saved(drop / "a.csv", "source_id,title\n1,A\n", age=30)
    titles, sweep = await delivered(source, memory, tmp_path)
    assert (titles, sweep.pages, memory.pages["a.csv"].ids) == (["A"], {"a.csv"}, ("1",))
    await delivered(source, memory, tmp_path)
    assert len(list((drop / "done").iterdir())) == 2


async def test_a_file_that_is_not_yet_delivered_stays(tmp_path: Path) -> None:
    """Nothing is moved in the reading that delivers it: what it gave may not be acknowledged yet."""
    drop = tmp_path / "drop"
    drop.mkdir()
    source = FileSource(name="d", path=str(drop), processed="done")
    saved(drop / "a.csv", "title\nA\n")
    web = Web(observe=lambda _: None, clock=lambda: NOW)
    async for found in drops(source, memory=Checkpoint(), web=web, spool=tmp_path, today="2026-05-04"):
        assert isinstance(found, Drop)
    assert (drop / "a.csv").exists()
