"""The truth of a simulated market: which ads are one vacancy, of which occupation and region, and what was planted."""

from collections.abc import Iterator
from typing import Any

from deploy.market.shelf import Shelf
from deploy.market.world import HISTORY, Ad, Market, Vacancy
from producers.privacy import pseudonym


def truth(market: Market, shelf: Shelf, *, past: bool = False, key: bytes = b"") -> Iterator[dict[str, Any]]:
    """One object a line: the epoch, each spike, each vacancy whose ads were shown; with `past` those of history too.

    Times are epoch seconds UTC. An ad is named as it reaches `postings-raw`: source and id, of a
    job seeker the pseudonym that `key` makes.
    """
    yield {"kind": "epoch", "begin": market.begin, "now": shelf.now, "rate": market.rate, "seed": market.seed}
    for spike in market.spikes:
        if spike.start <= shelf.now:
            yield {
                "kind": "spike",
                "side": spike.side,
                "isco": spike.isco,
                "region": spike.region,
                "start": spike.start,
                "end": spike.end,
                "extra_a_minute": round(spike.extra, 2),
            }
    if past:
        for vacancy in market.born(market.begin - HISTORY, market.begin):
            yield _vacancy(vacancy, [ad for ad in vacancy.ads if ad.appears < market.begin], key)
    for vacancy in shelf.vacancies:
        if ads := shelf.published(vacancy):
            yield _vacancy(vacancy, ads, key)


def source_of(vacancy: Vacancy, ad: Ad) -> str:
    """The source under which an ad is published: the agency's seekers are a source of their own."""
    return "agence-demandes" if ad.portal == "agence" and vacancy.side == "seeker" else ad.portal


def _vacancy(vacancy: Vacancy, ads: list[Ad], key: bytes) -> dict[str, Any]:
    return {
        "kind": "vacancy",
        "key": vacancy.key,
        "side": vacancy.side,
        "isco": vacancy.isco,
        "region": vacancy.region,
        "opened": vacancy.opened,
        "ads": [[source_of(vacancy, ad), _id(vacancy, ad, key)] for ad in ads],
    }


def _id(vacancy: Vacancy, ad: Ad, key: bytes) -> str:
    if vacancy.side == "seeker" and key:
        return pseudonym(key, source_of(vacancy, ad), ad.source_id)
    return ad.source_id
