"""All that `enrich` reads out of a posting beside its occupation; each field null when unknown, never a default."""

from schemas.messages import Enrichment, Posting
from streams.enrich.contract import BODY as CONTRACTS
from streams.enrich.contract import TITLE as TITLED_CONTRACTS
from streams.enrich.contract import contract
from streams.enrich.dates import deadline_on, period_end, published_on
from streams.enrich.education import TEXT as LEVELS
from streams.enrich.education import education
from streams.enrich.experience import experience
from streams.enrich.gazetteer import foreign, names
from streams.enrich.language import LANGUAGES, language, languages
from streams.enrich.occupation.confidence import Coding
from streams.enrich.openings import openings
from streams.enrich.place import CUES, WORK_CUES, place
from streams.enrich.remote import TEXT as REMOTE
from streams.enrich.remote import TITLE as TITLED_REMOTE
from streams.enrich.remote import remote
from streams.enrich.salary import salary
from streams.enrich.sector import CUES as EMPLOYERS
from streams.enrich.sector import DOES, sector
from streams.enrich.skills import lexicon, skills
from streams.enrich.text import Phrasebook, Reading, read

NOT_STATED = Coding()


def phrasebook() -> Phrasebook:
    """Return the tables of phrases that are looked for in titles and descriptions, read from their files."""
    places = (names(), foreign(), CUES, WORK_CUES)
    titled = (TITLED_CONTRACTS, TITLED_REMOTE)
    return Phrasebook((*places, *titled, lexicon(), CONTRACTS, LEVELS, REMOTE, LANGUAGES, DOES, EMPLOYERS))


def dates(posting: Posting) -> tuple[str | None, str | None]:
    """Return the days of publication and of the deadline (ISO): all that depends on when the posting was seen."""
    until = deadline_on(posting.deadline_raw, posting.observed_at) or period_end(posting.date_raw)
    return published_on(posting.date_raw, posting.observed_at), until


def attributes(posting: Posting, reading: Reading | None = None, coding: Coding = NOT_STATED) -> Enrichment:
    """Read a posting of which `coding` is the occupation.

    `reading` saves the folding where the caller has done it (`text.read`).
    """
    text = read(posting) if reading is None else reading
    where = place(posting, text)
    years = experience(posting, text)
    pay = salary(posting, text)
    published, until = dates(posting)
    return Enrichment(
        lang=language(posting, text),
        isco=coding.isco,
        isco_confidence=coding.isco_confidence,
        isco_best=coding.isco_best,
        isco_p=coding.isco_p,
        isco_also=coding.isco_also,
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
        published_on=published,
        deadline_on=until,
    )
