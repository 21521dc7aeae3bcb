"""Which figures a source feeds, so that one that is not well flags these and no others. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dashboard.parameters import UNSTATED
from schemas.messages import NATION


@dataclass(frozen=True)
class Scope:
    """What a question is about: a side and a code's beginning, empty for any, and a region."""

    side: str = ""
    region: str = NATION
    isco: str = ""


def scope_of(query: Mapping[str, str], *, side: str = "") -> Scope:
    """Return what a query is about; `side` where it names none."""
    return Scope(query.get("side", side), query.get("region", NATION), query.get("isco", ""))


class Reach:
    """Side, region ('' the nation) and major group ('' not stated) of what each source has ever fed."""

    def __init__(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        self._fed: defaultdict[str, set[tuple[str, str, str]]] = defaultdict(set)
        for source, side, place, major in rows:
            self._fed[source].add((side, place, major))

    def feeds(self, source: str, scope: Scope) -> bool:
        """Whether a source feeds what is asked; one of which nothing is known yet may fail to feed anything."""
        if source not in self._fed:
            return True
        region = "" if scope.region == NATION else scope.region
        major = "" if scope.isco == UNSTATED else scope.isco[:1]
        return any(
            place == region and scope.side in {"", side} and (not scope.isco or group == major)
            for side, place, group in self._fed[source]
        )
