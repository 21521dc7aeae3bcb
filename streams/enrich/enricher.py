"""Enrich: what Marsad reads out of one posting, and the signature by which it is compared.

Pure; the tables are loaded once.
"""

from pathlib import Path
from typing import Self

from msgspec import structs

from schemas.messages import Enrichment, Posting, Signature
from streams.enrich.attributes import attributes, dates, phrasebook
from streams.enrich.occupation import Coder
from streams.enrich.taxonomy import taxonomy_version
from streams.enrich.text import read
from streams.match.signature import signature
from streams.match.sketch import sketch
from streams.match.tables import Tables


class Enricher:
    """Called with a posting, gives its facts and its signature; the same posting gives the same, for one `taxonomy`."""

    def __init__(self, coder: Coder, tables: Tables, taxonomy: str) -> None:
        self._coder = coder
        self._phrases = phrasebook()
        self._tables = tables
        self.taxonomy = taxonomy

    @classmethod
    def load(cls, imported: Path | None = None) -> Self:
        """Read the lexicon, imported taxonomies, the gazetteer and the words of notices.

        Raises ValueError for a broken file.
        """
        tables = Tables.load()
        sketch(("compiled", "before", "postings", "wait"), tables.boilerplate)
        return cls(Coder.load(imported), tables, taxonomy_version(imported))

    def __call__(self, posting: Posting) -> tuple[Enrichment, Signature]:
        """Enrich one posting; never raises, whatever its text."""
        coding = self._coder.code(
            posting.title,
            sector=posting.sector_raw,
            description=posting.description,
            company=posting.company,
            contract=posting.contract_raw,
        )
        reading = read(posting, self._phrases)
        facts = attributes(posting, reading, coding)
        return facts, signature(posting, facts, self._tables, reading)

    def redate(self, posting: Posting, facts: Enrichment, compared: Signature) -> tuple[Enrichment, Signature]:
        """Return what a call would, for a posting that differs from the one so read in when it was seen only."""
        published, until = dates(posting)
        if (published, until) == (facts.published_on, facts.deadline_on):
            return facts, compared
        return (
            structs.replace(facts, published_on=published, deadline_on=until),
            structs.replace(compared, deadline=until),
        )
