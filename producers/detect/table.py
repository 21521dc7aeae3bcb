"""A file that nobody described: which of its columns is which field. Pure."""

from collections.abc import Sequence

from producers.detect.choose import Candidate, choose
from producers.detect.finding import Finding
from producers.file.parse import Row, parse
from producers.shape import FIELDS, Control, Field
from producers.sources import FileSource
from producers.web.fetch import Clock

SAMPLED = 40


def table(rows: Sequence[Row], source: FileSource, clock: Clock) -> Finding:
    """Return the source that reads a file's rows: columns that are not called as fields are mapped."""
    sample = [row.fields for row in rows[:SAMPLED] if row.fields]
    columns = dict.fromkeys(name for fields in sample for name in fields)
    own = [name for name in columns if name in FIELDS]
    candidates = [
        Candidate(
            name, ((name,),), tuple(str(value) if (value := row.get(name)) else None for row in sample), {}, order
        )
        for order, name in enumerate(columns)
        if name not in own
    ]
    chosen = choose(candidates, own)
    mapping: dict[Field | Control, str] = {name: one.key for name, one in chosen.items()}
    described = FileSource(**{name: getattr(source, name) for name in source.__struct_fields__} | {"mapping": mapping})
    items = [parse(row, source=described, observed_at=clock()) for row in rows[:SAMPLED]]
    mapped = {name: name for name in own} | {str(name): column for name, column in mapping.items()}
    taken = {one.key for one in chosen.values()}
    return Finding(described, items, mapped, [name for name in columns if name not in taken and name not in own])
