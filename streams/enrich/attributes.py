"""All that `enrich` reads out of a posting but its occupation; each field null when unknown, never a default."""

from typing import Literal

import msgspec

from schemas.messages import Posting, Scope
from streams.enrich.contract import contract
from streams.enrich.dates import deadline_on, period_end, published_on
from streams.enrich.education import education
from streams.enrich.experience import experience
from streams.enrich.gazetteer import foreign, names
from streams.enrich.language import language, languages
from streams.enrich.openings import openings
from streams.enrich.place import place
from streams.enrich.remote import remote
from streams.enrich.salary import salary
from streams.enrich.sector import sector
from streams.enrich.skills import lexicon, skills
from streams.enrich.text import Reading, read


class Attributes(msgspec.Struct, frozen=True):
    """The fields of `schemas.messages.Enrichment` that do not depend on the occupation, with the same meanings."""

    lang: str | None
    regions: tuple[str, ...]
    scope: Scope
    contract: str | None
    isced: int | None
    experience_min: float | None
    experience_max: float | None
    salary_min: int | None
    salary_max: int | None
    salary_basis: Literal["net", "gross"] | None
    openings: int | None
    sector_isic: str | None
    skills: tuple[str, ...]
    remote: Literal["remote", "hybrid"] | None
    languages: tuple[str, ...]
    published_on: str | None
    deadline_on: str | None


def load() -> None:
    """Read the tables of places and of skills now: the first posting need not wait for them."""
    names()
    foreign()
    lexicon()


def attributes(posting: Posting, reading: Reading | None = None) -> Attributes:
    """Read a posting; `reading` saves the folding where the caller has done it (`text.read`)."""
    text = read(posting) if reading is None else reading
    where = place(posting, text)
    years = experience(posting, text)
    pay = salary(posting, text)
    return Attributes(
        lang=language(posting, text),
        regions=where.regions,
        scope=where.scope,
        contract=contract(posting, text),
        isced=education(posting, text),
        experience_min=years[0],
        experience_max=years[1],
        salary_min=pay.least,
        salary_max=pay.most,
        salary_basis=pay.basis,
        openings=openings(posting, text),
        sector_isic=sector(posting, text),
        skills=skills(posting, text),
        remote=remote(posting, text),
        languages=languages(text),
        published_on=published_on(posting.date_raw, posting.observed_at),
        deadline_on=deadline_on(posting.deadline_raw, posting.observed_at) or period_end(posting.date_raw),
    )
