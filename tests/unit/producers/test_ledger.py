"""What is known of a source, as rows: whatever changes is a row, and the rows make it again."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from producers.checkpoint import Checkpoint, Known, Low, Page
from producers.hosts.rows import CHUNK, Ledger, Ledgers, host_of
from producers.sources import parse

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
NAME = st.sampled_from(["a", "b\tc", "https://p.example/é", ""])
STEP = st.one_of(
    st.tuples(st.just("item"), NAME, st.none() | st.sampled_from(["x", "y"])),
    st.tuples(st.just("reject"), NAME, st.none() | st.just("2026-05-04")),
    st.tuples(st.just("page"), NAME, st.none() | st.integers(0, 3 * CHUNK + 1)),
    st.tuples(st.just("sums"), NAME, st.none()),
    st.tuples(st.just("write"), NAME, st.none()),
)


def again(log: dict[bytes, bytes | None]) -> Ledger:
    """Make a ledger of what compaction leaves of its rows."""
    ledgers = Ledgers()
    for key, value in log.items():
        ledgers.apply(key, value)
    ledgers.restored()
    return ledgers.of("s")


def test_what_is_forgotten_is_no_row_any_more() -> None:
    """After a reset the rows that compaction leaves make an empty checkpoint, long documents included."""
    ledger = Ledger("s")
    checkpoint = ledger.checkpoint
    checkpoint.items["a"] = Known("x", "2026-05-04", "offer")
    checkpoint.rejected["b"] = "2026-05-04"
    checkpoint.pages["p"] = Page(etag="e", ids=tuple(str(n) for n in range(2 * CHUNK)))
    checkpoint.counts, checkpoint.last_success, checkpoint.filled = (7,), NOW, {"city": 1.0}
    log = dict(ledger.changes())
    ledger.forget()
    log.update(ledger.changes())
    assert again(log).checkpoint == ledger.checkpoint == Checkpoint()
    assert [key for key, value in log.items() if value is not None] == [b"s\tsums\t"]


@given(st.lists(STEP, max_size=30))
def test_the_rows_make_the_checkpoint_again(steps: list[tuple[str, str, object]]) -> None:
    """Whatever is set, changed and deleted, and whenever it is written, the compacted rows make the same checkpoint."""
    ledger, log = Ledger("s"), dict[bytes, bytes | None]()
    checkpoint = ledger.checkpoint
    for part, name, value in steps:
        if part == "write":
            log.update(ledger.changes())
        elif part == "sums":
            checkpoint.counts = (*checkpoint.counts, len(checkpoint.items))[-3:]
            checkpoint.low, checkpoint.last_success = (Low(NOW.isoformat(), 1),), NOW
        else:
            table = {"item": checkpoint.items, "reject": checkpoint.rejected, "page": checkpoint.pages}[part]
            if value is None:
                table.pop(name, None)
            elif part == "item":
                checkpoint.items[name] = Known(str(value), "2026-05-04", "offer")
            elif part == "reject":
                checkpoint.rejected[name] = str(value)
            else:
                checkpoint.pages[name] = Page(etag="e", ids=tuple(str(n) for n in range(int(str(value)))))
    log.update(ledger.changes())
    assert ledger.changes() == []
    found = again(log)
    assert found.checkpoint == checkpoint
    assert found.changes() == []


def test_a_long_document_grows_by_rows_of_its_end() -> None:
    """Each batch of a large document writes the ids that came, not all there are."""
    ledger = Ledger("s")
    ids: tuple[str, ...] = ()
    for start in range(0, 10 * CHUNK, CHUNK // 2):
        ids += tuple(f"id-{n}" for n in range(start, start + CHUNK // 2))
        ledger.checkpoint.pages["p"] = Page(ids=ids)
        assert sum(len(value or b"") for _, value in ledger.changes()) < 20 * CHUNK


def test_a_source_belongs_to_its_host() -> None:
    """Sources of one host and port are together, whoever is named in the address; a local path is by itself."""
    rss = 'kind = "rss"\nname = "a"\n'
    assert host_of(parse("a", rss + 'url = "https://user:key@Portal.example:8443/feed"')) == "portal.example:8443"
    assert host_of(parse("a", 'kind = "file"\nname = "a"\npath = "/srv/drop"')) == "local:a"


def test_a_row_of_an_unknown_form_is_told() -> None:
    """What is no row raises, so that it is told and what it said is delivered again."""
    for key, value in ((b"s\titem\t1", b"{"), (b"nothing", b"{}"), (b"s\titem\t1", b'{"source":"s"}')):
        try:
            Ledgers().apply(key, value)
        except (ValueError, msgspec.MsgspecError):
            continue
        raise AssertionError(key)
