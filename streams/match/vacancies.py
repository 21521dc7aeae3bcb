"""Vacancies as functions of their ads: identity, facts, and the name of what changed."""

from collections.abc import Sequence

import msgspec

from schemas.messages import Ad, CloseReason, Scope, Signature, VacancyEvent
from streams.aggregate import Amount, Cell, contributions


class AdRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What matching and counting need of one ad of a block; times in epoch seconds. `vacancy` is where it is now.

    `log` is the log time of its latest version, `since` that of the first one that reads so (signature, first sight).
    """

    source: str
    id: str
    born: int
    raw_offset: int
    first: int
    close: int
    close_reason: CloseReason
    log: int
    signature: Signature
    isco: str | None
    isco_confidence: float
    regions: tuple[str, ...]
    scope: Scope
    openings: int | None
    url: str | None
    title: str | None
    company: str | None
    contract: str | None
    salary_min: int | None
    salary_max: int | None
    sector_isic: str | None
    vacancy: str
    since: int = 0

    @property
    def order(self) -> tuple[int, str, str, int]:
        """The earliest ad of a vacancy, by which it is known, is the least by this."""
        return self.first, self.source, self.id, self.born


class VacancyRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The state of one vacancy: its members' row keys, and what is counted and shown of it."""

    members: tuple[bytes, ...]
    opened: int
    close: int
    close_reason: CloseReason
    isco: str | None
    isco_confidence: float
    regions: tuple[str, ...]
    scope: Scope
    openings: int | None
    because: tuple[str, ...]
    title: str | None
    company: str | None
    contract: str | None
    salary_min: int | None
    salary_max: int | None
    sector_isic: str | None

    def cells(self) -> dict[Cell, Amount]:
        """Its contributions; none for work abroad."""
        if self.scope == "abroad":
            return {}
        return contributions(
            isco=self.isco,
            regions=self.regions,
            openings=self.openings,
            opened_at=self.opened,
            close_at=self.close,
        )


def ad_row(ad: Ad, before: AdRow | None) -> AdRow:
    """The row of an ad version that follows `before`. Raises ValueError for a version that says no closing."""
    if ad.close_at is None or ad.close_reason is None:
        raise ValueError(f"ad {ad.source}/{ad.id} carries no closing")
    facts = ad.facts
    first, log = int(ad.first_seen.timestamp()), int(ad.log_time.timestamp())
    same = before is not None and (before.signature, before.first) == (ad.signature, first)
    return AdRow(
        source=ad.source,
        id=ad.id,
        born=ad.born,
        raw_offset=ad.raw_offset,
        first=first,
        close=int(ad.close_at.timestamp()),
        close_reason=ad.close_reason,
        log=log,
        signature=ad.signature,
        isco=facts.isco,
        isco_confidence=facts.isco_confidence,
        regions=facts.regions,
        scope=facts.scope,
        openings=facts.openings,
        url=ad.url,
        title=ad.title,
        company=ad.company,
        contract=facts.contract,
        salary_min=facts.salary_min,
        salary_max=facts.salary_max,
        sector_isic=facts.sector_isic,
        vacancy="" if before is None else before.vacancy,
        since=before.since if same and before is not None else log,
    )


def vacancy_of(
    block: str, component: Sequence[tuple[bytes, AdRow]], because: tuple[str, ...]
) -> tuple[str, VacancyRow]:
    """Identity and facts of the vacancy that a component of ads is.

    It is known by its earliest ad, opens with the earliest and closes with the last. Its occupation is that of the ad
    coded with the greatest confidence, its regions all that its ads name, its openings the most that one states.
    """
    if len(component) == 1:
        key, only = component[0]
        return _vacancy_id(block, only), _alone(key, only, because)
    ordered = sorted(component, key=lambda member: member[1].order)
    ads = [ad for _, ad in ordered]
    first = ads[0]
    last = max(ads, key=lambda ad: (ad.close, ad.order))
    coded = max(ads, key=lambda ad: (ad.isco is not None, ad.isco_confidence, ad.isco or "", ad.order))
    scopes = {ad.scope for ad in ads}
    scope: Scope = next((s for s in ("regional", "national", "abroad") if s in scopes), "unknown")
    regions = {region for ad in ads if ad.scope == "regional" for region in ad.regions}
    stated = [ad.openings for ad in ads if ad.openings is not None]
    row = VacancyRow(
        members=tuple(key for key, _ in ordered),
        opened=first.first,
        close=last.close,
        close_reason=last.close_reason,
        isco=coded.isco,
        isco_confidence=coded.isco_confidence if coded.isco is not None else 0.0,
        regions=tuple(sorted(regions)) if scope == "regional" else (),
        scope=scope,
        openings=max(stated) if stated else None,
        because=because,
        title=first.title,
        company=next((ad.company for ad in ads if ad.company), None),
        contract=next((ad.contract for ad in ads if ad.contract), None),
        salary_min=next((ad.salary_min for ad in ads if ad.salary_min is not None), None),
        salary_max=next((ad.salary_max for ad in ads if ad.salary_max is not None), None),
        sector_isic=next((ad.sector_isic for ad in ads if ad.sector_isic), None),
    )
    return _vacancy_id(block, first), row


def _vacancy_id(block: str, first: AdRow) -> str:
    return f"{block}/{first.source}/{first.id}@{first.first // 86_400}"


def _alone(key: bytes, ad: AdRow, because: tuple[str, ...]) -> VacancyRow:
    """The vacancy of one ad, as most are: what `vacancy_of` says of it, without a search."""
    return VacancyRow(
        members=(key,),
        opened=ad.first,
        close=ad.close,
        close_reason=ad.close_reason,
        isco=ad.isco,
        isco_confidence=ad.isco_confidence if ad.isco is not None else 0.0,
        regions=tuple(sorted(set(ad.regions))) if ad.scope == "regional" else (),
        scope=ad.scope,
        openings=ad.openings,
        because=because,
        title=ad.title,
        company=ad.company or None,
        contract=ad.contract or None,
        salary_min=ad.salary_min,
        salary_max=ad.salary_max,
        sector_isic=ad.sector_isic or None,
    )


def event_of(before: VacancyRow, after: VacancyRow) -> VacancyEvent:
    """The name of a change of a vacancy that goes on."""
    if after.close_reason == "removed" and before.close_reason != "removed":
        return "removed"
    if after.isco != before.isco:
        return "recoded"
    return "updated"
