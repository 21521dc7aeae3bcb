import json

from schemas.messages import Enrichment, Posting, Signature
from schemas.topics import Namespace
from streams.ads import AdsOptions, AdsStage
from streams.engine.state import MemoryState
from tests.unit.streams.market_world import Raw, enrich, redate

GOOD = b'{"source":"a","id":"%d","side":"offer","observed_at":"2026-05-01T00:00:00Z","title":"Comptable"}'
NOW = 1_800_000_000_000
DAY_MS = 86_400_000


def _stage(taxonomy: str = "one") -> AdsStage:
    return AdsStage(AdsOptions(Namespace("g"), 4, taxonomy), enrich, redate)


def _key(value: bytes) -> bytes:
    """Source and id, joined by a tab, where there are any."""
    try:
        posting = json.loads(value)
    except ValueError:
        return b"?"
    return f"{posting['source']}\t{posting['id']}".encode()


def _fold(stage: AdsStage, state: MemoryState, values: list[bytes], key: bytes | None = None) -> int:
    first = state.notes.get("next", 0)
    run = [Raw("raw", 0, first + n, NOW, key or _key(value), value) for n, value in enumerate(values)]
    outputs = stage.fold(state, run)
    state.notes["next"] = first + len(run)
    return len(outputs)


def test_a_surge_is_seen_only_over_a_full_window() -> None:
    """A few bad records at the beginning stop nothing; more than half of a thousand do, until resumed."""
    stage, state = _stage(), MemoryState()
    _fold(stage, state, [b"{"] * 600)
    assert stage.verdict(state.notes) is None
    _fold(stage, state, [GOOD % n for n in range(400)])
    assert "600 of the last 1000" in str(stage.verdict(state.notes))
    stage.resume(state.notes)
    assert stage.verdict(state.notes) is None


def test_a_window_of_half_bad_records_is_no_surge() -> None:
    """Exactly half is tolerated, and old rejects leave the window."""
    stage, state = _stage(), MemoryState()
    _fold(stage, state, [b"{", GOOD % 1] * 500)
    assert stage.verdict(state.notes) is None


def test_a_generation_is_not_continued_with_other_tables() -> None:
    """Facts read by another lexicon belong to another generation: the worker refuses and names the way out."""
    state = MemoryState()
    _fold(_stage("one"), state, [GOOD % 1])
    assert _stage("one").verdict(state.notes) is None
    assert "`marsad replay` rebuilds" in str(_stage("two").verdict(state.notes))


def test_an_ad_that_comes_back_after_its_lifetime_is_another() -> None:
    """Sixty days of log time unseen, an ad is forgotten: its return is a new ad, and its old row is swept."""
    stage, state = _stage(), MemoryState()
    first = Raw("raw", 0, 0, NOW, b"a\t1", GOOD % 1)
    stage.fold(state, [first])
    later = NOW + 61 * 86_400_000
    stage.fold(state, [Raw("raw", 0, 1, later, b"a\t2", GOOD % 2)])
    assert b"a\t1" not in state.rows
    stage.fold(state, [Raw("raw", 0, 2, later, b"a\t1", GOOD % 1)])
    assert state.notes["new"] == 3


def test_a_posting_under_another_key_is_refused() -> None:
    """A key other than source and id leads to another partition, where the ad would be counted a second time."""
    stage, state = _stage(), MemoryState()
    _fold(stage, state, [GOOD % 7])
    _fold(stage, state, [GOOD % 7, GOOD % 8], key=b"a\t9")
    assert state.notes["new"] == 1
    assert state.notes["rejected"] == {"wrong_key": 2}


def test_the_text_of_an_ad_is_read_once_while_it_says_the_same() -> None:
    """A later sighting is redated; read anew when the content, or the portal's words for its age, have changed."""
    read: list[str] = []
    dated: list[str] = []

    def enriched(posting: Posting) -> tuple[Enrichment, Signature]:
        read.append(posting.observed_at.date().isoformat())
        return enrich(posting)

    def redated(posting: Posting, facts: Enrichment, signature: Signature) -> tuple[Enrichment, Signature]:
        dated.append(posting.observed_at.date().isoformat())
        return redate(posting, facts, signature)

    stage, state = AdsStage(AdsOptions(Namespace("g"), 4, "one"), enriched, redated), MemoryState()
    ad = {"source": "a", "id": "1", "side": "offer", "title": "Comptable", "date_raw": "12/05/2026"}
    for day, changed in enumerate([{}, {}, {"date_raw": "hier"}, {"date_raw": "hier"}, {"title": "Soudeur"}, {}], 1):
        ad |= changed
        value = json.dumps(ad | {"observed_at": f"2026-05-{day:02}T08:00:00Z"}).encode()
        stage.fold(state, [Raw("raw", 0, day, NOW + day * DAY_MS, b"a\t1", value)])
    assert read == ["2026-05-01", "2026-05-03", "2026-05-05"]
    assert dated == ["2026-05-02", "2026-05-04", "2026-05-06"]
