"""The name of the taxonomy: every record carries it, so that what was read by other tables is told apart."""

from hashlib import blake2b
from pathlib import Path

_TABLES = (
    "enrich/*.tsv",
    "enrich/lexicon/*.tsv",
    "enrich/gazetteer/*.tsv",
    "match/concepts.tsv",
    "match/learnt/*.txt",
    "match/keys.py",  # a generation's index holds the keys that it began with,
    "match/pairs.py",  # and its vacancies what this test joined
)


def taxonomy_version(imported: Path | None = None) -> str:
    """A name that changes with any table that facts are read by, or how ads are compared: `isco08-`, eight digits."""
    digest = blake2b(digest_size=4)
    room = Path(__file__).parent.parent
    for pattern in _TABLES:
        for path in sorted(room.glob(pattern)):
            digest.update(path.name.encode() + b"\x00" + path.read_bytes())
    for path in sorted(imported.glob("*.tsv")) if imported else ():
        digest.update(b"imported/" + path.name.encode() + b"\x00" + path.read_bytes())
    return f"isco08-{digest.hexdigest()}"
