"""Enrich: what Marsad reads out of one posting, and the signature by which it is compared.

Pure; the tables are loaded once.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Self

import msgspec

from schemas.messages import Enrichment, Posting, Signature
from streams.enrich.attributes import attributes, load
from streams.enrich.occupation import Coder
from streams.enrich.text import read
from streams.match.signature import signature
from streams.match.tables import Tables

_TABLES = ("enrich/*.tsv", "enrich/lexicon/*.tsv", "enrich/gazetteer/*.tsv", "match/concepts.tsv", "match/learnt/*.txt")


class Enricher:
    """Called with a posting, gives its facts and its signature; the same posting gives the same, for one `taxonomy`."""

    def __init__(self, coder: Coder, tables: Tables, taxonomy: str) -> None:
        self._coder = coder
        self._tables = tables
        self.taxonomy = taxonomy

    @classmethod
    def load(cls, imported: Path | None = None) -> Self:
        """Read the lexicon, imported taxonomies, the gazetteer and the words of notices.

        Raises ValueError for a broken file.
        """
        load()
        return cls(Coder.load(imported), Tables.load(), taxonomy_version(imported))

    def __call__(self, posting: Posting) -> tuple[Enrichment, Signature]:
        """Enrich one posting; never raises, whatever its text."""
        coding = self._coder.code(
            posting.title,
            sector=posting.sector_raw,
            description=posting.description,
            company=posting.company,
            contract=posting.contract_raw,
        )
        reading = read(posting)
        facts = Enrichment(**msgspec.structs.asdict(attributes(posting, reading)), **coding._asdict())
        return facts, signature(posting, facts, self._tables, reading)


def taxonomy_version(imported: Path | None = None) -> str:
    """A name that changes with any table that facts are read by: `isco08-` and eight hex digits."""
    digest = blake2b(digest_size=4)
    room = Path(__file__).parent.parent
    for pattern in _TABLES:
        for path in sorted(room.glob(pattern)):
            digest.update(path.name.encode() + b"\x00" + path.read_bytes())
    for path in sorted(imported.glob("*.tsv")) if imported else ():
        digest.update(b"imported/" + path.name.encode() + b"\x00" + path.read_bytes())
    return f"isco08-{digest.hexdigest()}"
