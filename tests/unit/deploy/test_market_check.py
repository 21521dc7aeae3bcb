import io
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from rich.console import Console

from deploy.market_check import Found, check
from deploy.market_view import show_verdict
from schemas.messages import Ad, AdRef, Alert, Enrichment, Vacancy
from streams.detect import WEEK, DetectOptions

BEGIN = int(datetime(2026, 3, 4, 14, tzinfo=UTC).timestamp())
AT = datetime.fromtimestamp(BEGIN, UTC)


def _true(key: str, isco: str, region: str, opened: int, *ads: str) -> dict[str, Any]:
    return {
        "kind": "vacancy",
        "key": key,
        "side": "offer",
        "isco": isco,
        "region": region,
        "opened": opened,
        "ads": [["portal", ad] for ad in ads],
    }


def _ad(name: str, isco: str, region: str) -> tuple[tuple[str, str], Ad]:
    facts = Enrichment(isco=isco[:2], isco_best=isco, regions=(region,))
    ad = Ad("live", "upsert", "offer:1", "portal", name, "offer", 0, 1, 1, AT, AT, AT, facts=facts)
    return ("portal", name), ad


def _vacancy(*ads: str) -> Vacancy:
    refs = tuple(AdRef("portal", ad) for ad in ads)
    return Vacancy("live", ads[0], 1, "created", "offer:1", "offer", AT, AT, "imputed", AT, AT, ads=refs)


def _alert(isco: str, region: str, event: Literal["started", "ended", "withdrawn"] = "started") -> Alert:
    return Alert("live", f"hour/{isco}/{region}", 1, event, "offer", isco, region, "hour", AT, 30, 2.0, 9.0, AT)


TRUTH = [
    {"kind": "epoch"},
    {"kind": "spike", "side": "offer", "isco": "5223", "region": "MA-06", "start": BEGIN, "end": BEGIN + 600},
    _true("a", "5223", "MA-06", BEGIN, "1", "2"),
    _true("b", "2411", "MA-04", BEGIN, "3"),
    _true("c", "2411", "MA-04", BEGIN, "4", "5"),
]


def test_shares_and_pairs_are_counted_over_what_is_both_true_and_found() -> None:
    """One wrong code, one wrong region, one pair missed and one joined wrongly are said as such."""
    ads = dict(
        [_ad("1", "5223", "MA-06"), _ad("2", "5221", "MA-06"), _ad("3", "2411", "MA-01"), _ad("4", "2411", "MA-04")]
    )
    verdict = check(TRUTH, Found(ads, [_vacancy("1", "2"), _vacancy("3", "4")], []), DetectOptions())
    assert (verdict.ads_true, verdict.ads_found) == (5, 4)
    assert verdict.occupation_right == {1: 1.0, 2: 1.0, 3: 1.0, 4: 0.75}
    assert (verdict.published_right, verdict.published_digits) == (1.0, 2.0)
    assert verdict.region_right == 0.75
    assert (verdict.pairs_true, verdict.pairs_found, verdict.pairs_right) == (1, 2, 1)
    assert (verdict.pair_precision, verdict.pair_recall) == (0.5, 1.0)


def test_a_spike_is_found_by_an_alert_on_its_cell_and_others_are_named() -> None:
    """The nation and a coarser code count as the spike's cell; another region does not; a withdrawn one is silent."""
    past = [_true(f"p{n}", "5223", "MA-06", BEGIN - n * WEEK, f"p{n}") for n in range(1, 7)]
    now = [_true(f"n{n}", "5223", "MA-06", BEGIN + n, f"n{n}") for n in range(40)]
    alerts = [_alert("52", "MA"), _alert("5223", "MA-01"), _alert("9", "MA-02", "withdrawn")]
    verdict = check([*TRUTH, *past, *now], Found({}, [], alerts), DetectOptions())
    (spike,) = verdict.spikes
    assert (spike.count, spike.clear, spike.found) == (41, True, True)
    assert [line.split(":")[0] for line in verdict.alerts_elsewhere] == ["hour/5223/MA-01"]
    later = _alert("5223", "MA-06")
    late = Alert(**{name: getattr(later, name) for name in later.__struct_fields__} | {"start": AT + timedelta(days=1)})
    assert not check([*TRUTH, *past, *now], Found({}, [], [late]), DetectOptions()).spikes[0].found


def test_the_terminal_shows_a_missed_spike() -> None:
    """A clear spike that no alert names is printed as missed."""
    past = [_true(f"p{n}", "5223", "MA-06", BEGIN - n * WEEK, f"p{n}") for n in range(1, 7)]
    now = [_true(f"n{n}", "5223", "MA-06", BEGIN + n, f"n{n}") for n in range(40)]
    out = io.StringIO()
    show_verdict(check([*TRUTH, *past, *now], Found({}, [], []), DetectOptions()), Console(file=out, width=120))
    assert "MISSED" in out.getvalue()
