from tests.faults.proxy import Link, Loss, note_insert


async def test_only_the_end_of_an_insert_is_lost() -> None:
    """The server's columns pass, its end of stream does not, and the connection is cut there."""
    link, loss = Link(), Loss(1)
    assert not note_insert(link, b"\x01...INSERT INTO t (a) VALUES")
    assert not note_insert(link, b"\x02 no external tables")
    assert await loss.insert_answer(link, b"\x01 columns \x05") == b"\x01 columns \x05"
    link.columns_told = True
    assert note_insert(link, b"\x02 rows")
    assert await loss.insert_answer(link, b"\x03 progress \x00") == b""
    assert await loss.insert_answer(link, b"\x05") is None
    assert (loss.left, loss.lost) == (0, 1)


async def test_what_is_no_insert_passes() -> None:
    """Queries are answered while inserts are not."""
    assert await Loss(3).insert_answer(Link(), b"\x05") == b"\x05"
