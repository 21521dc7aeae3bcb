"""The production code on files: `marsad enrich` and `marsad match` without Kafka, one output row an input row.

`match` sees a file as an archive's replay does: rows of one source and id are sightings of one ad, whose latest
content counts; ads are compared inside their blocks; so the vacancies, and their ids, do not depend on the order of
the rows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.messages import Enrichment, Posting, Side, Signature
from streams import dedupe
from streams.block import block_of
from streams.decode import Reject
from streams.enrich import text
from streams.match.cluster import components
from streams.match.keys import keys
from streams.match.learnt import Learnt, Text
from streams.match.learnt import learn as learn_from
from streams.match.pairs import same_vacancy
from streams.match.signature import signature
from streams.match.sketch import triples
from streams.match.tables import Tables

Row = dict[str, Any]
Enrich = Callable[[Posting], tuple[Enrichment, Signature]]

_TEXT_FIELDS = frozenset(Posting.__struct_fields__) - {"v", "source", "id", "side", "observed_at", "event"}
_CONTENT = ("title", "company", "city", "description")
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER_CLOSES = 1 << 40


@dataclass(frozen=True)
class Line:
    """One line of a file: the row as read, and its posting or why it is none; `dated` when it says when it was seen."""

    number: int
    row: Row
    posting: Posting | Reject
    dated: bool = False


@dataclass(frozen=True)
class _Ad:
    """What clustering needs of one ad; files have no log time."""

    name: str
    signature: Signature
    first: int
    close: int
    since: int = 0
    log: int = 0


def read(lines: Iterable[bytes]) -> Iterator[Line]:
    """Read NDJSON; blank lines count as lines and are errors."""
    for number, line in enumerate(lines, 1):
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield Line(number, {}, Reject("malformed_json", str(error)))
            continue
        if not isinstance(row, dict):
            yield Line(number, {}, Reject("wrong_type", "not an object"))
            continue
        yield _line(number, row)


def enrich(lines: Iterable[bytes], enricher: Enrich) -> Iterator[Row]:
    """Rows with the attributes of each posting added."""
    for line in read(lines):
        if isinstance(line.posting, Reject):
            yield _error(line.number, line.posting)
        else:
            yield _merged(line.row, _added(_facts(line, line.posting, enricher)[0]))


def match(lines: Iterable[bytes], enricher: Enrich) -> Iterator[Row]:
    """Rows with attributes, the vacancy of each, and why it was merged. Reads all lines before the first row."""
    found = list(read(lines))
    facts: dict[int, Enrichment] = {}
    signatures: dict[int, Signature] = {}
    sightings: dict[tuple[Side, str, str], list[int]] = defaultdict(list)
    for index, line in enumerate(found):
        if isinstance(line.posting, Posting):
            facts[index], signatures[index] = _facts(line, line.posting, enricher)
            sightings[line.posting.side, line.posting.source, line.posting.id].append(index)
    blocks: dict[str, list[tuple[list[int], _Ad]]] = defaultdict(list)
    for (side, source, name), indices in sightings.items():
        latest, first, close = _folded([found[i] for i in indices], [facts[i] for i in indices])
        ad = _Ad(f"{source}/{name}@{first // dedupe.DAY}", signatures[indices[latest]], first, close)
        blocks[block_of(side, facts[indices[latest]])].append((indices, ad))
    vacancies: dict[int, tuple[str, tuple[str, ...]]] = {}
    for block, ads in blocks.items():
        for members, because in components([ad for _, ad in ads], same_vacancy, keys, None):
            earliest = min((ads[k][1] for k in members), key=lambda ad: (ad.first, ad.name))
            for k in members:
                for index in ads[k][0]:
                    vacancies[index] = (f"{block}/{earliest.name}", because)
    for index, line in enumerate(found):
        if isinstance(line.posting, Reject):
            yield _error(line.number, line.posting)
        else:
            vacancy, because = vacancies[index]
            yield _merged(line.row, _added(facts[index]) | {"vacancy_id": vacancy, "merged_because": list(because)})


def learn(lines: Iterable[bytes], tables: Tables) -> Learnt:
    """Learn from the ads of a file, each counted once: what stands under many jobs, and how rare title words are."""
    ads: dict[tuple[Side, str, str], Text] = {}
    for line in read(lines):
        posting = line.posting
        if isinstance(posting, Posting):
            reading = text.read(posting)
            title = signature(posting, Enrichment(), tables, reading).title
            found = Text(title, tuple(triples(reading.body_words).tolist()))
            known = ads.get((posting.side, posting.source, posting.id), found)
            ads[posting.side, posting.source, posting.id] = max(found, known)  # whatever the order of the lines
    return learn_from(ads.values())


def _line(number: int, row: Row) -> Line:
    try:
        posting, dated = _posting(row)
    except (ValueError, msgspec.ValidationError) as error:
        return Line(number, row, Reject("wrong_type", str(error)))
    if not (posting.title and posting.title.strip()):
        return Line(number, row, Reject("missing_title"))
    return Line(number, row, posting, dated)


def _posting(row: Row) -> tuple[Posting, bool]:
    fields = {name: value for name, value in row.items() if name in _TEXT_FIELDS and value is not None}
    fields["source"] = row.get("source") or "unknown"
    fields["id"] = _identity(row)
    fields["side"] = row.get("side") or "offer"
    observed = row.get("observed_at") or row.get("seen_last") or row.get("seen_first")
    fields["observed_at"] = _time(observed) if observed else _UNDATED
    for name in ("seen_first", "seen_last"):
        if row.get(name):
            _time(row[name])
    return msgspec.convert(fields, Posting), bool(observed)


def _identity(row: Row) -> str:
    """Return the portal's own number, else a hash of the address, else of the content; never of a place in the file."""
    if row.get("source_id"):
        return str(row["source_id"])
    told = [row["url"]] if row.get("url") else [row.get(name) for name in _CONTENT]
    return blake2b(msgspec.json.encode(told), digest_size=8).hexdigest()


def _time(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError(f"not a time: {value!r}")  # noqa: TRY004 - a row's value, told apart from our own mistakes
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _facts(line: Line, posting: Posting, enricher: Enrich) -> tuple[Enrichment, Signature]:
    """Enrich; a relative or yearless date is unknown in a row that does not say when it was seen."""
    facts, signature = enricher(posting)
    if line.dated:
        return facts, signature
    guessed = {name: None for name in ("published_on", "deadline_on") if (getattr(facts, name) or "9") < "1972"}
    if not guessed:
        return facts, signature
    return msgspec.structs.replace(facts, **guessed), msgspec.structs.replace(
        signature, deadline=None if "deadline_on" in guessed else signature.deadline
    )


def _folded(lines: Sequence[Line], facts: Sequence[Enrichment]) -> tuple[int, int, int]:
    """Fold the sightings of one ad: which has its content, when it was first seen, when it closes (epoch seconds).

    An ad that a row shows without a date may overlap any other.
    """
    postings = [line.posting for line in lines if isinstance(line.posting, Posting)]
    observed = [int(posting.observed_at.timestamp()) for posting in postings]
    latest = max(range(len(postings)), key=lambda k: (observed[k], dedupe.content_hash(postings[k])))
    if not all(line.dated for line in lines):
        return latest, 0, _NEVER_CLOSES
    seen = [_time(line.row[name]) for line in lines for name in ("seen_first", "seen_last") if line.row.get(name)]
    times = [*observed, *(int(moment.timestamp()) for moment in seen)]
    known = dedupe.Known(b"", observed[latest], min(times), max(times), 0, 0, 0)
    deadline = facts[latest].deadline_on
    day = None if deadline is None else (date.fromisoformat(deadline) - date(1970, 1, 1)).days * dedupe.DAY
    return latest, known.first, dedupe.closing(known, day)[0]


def _added(facts: Enrichment) -> Row:
    return {name: getattr(facts, name) for name in facts.__struct_fields__}


def _merged(row: Row, added: Row) -> Row:
    kept = {(f"input.{name}" if name in added else name): value for name, value in row.items()}
    return kept | added


def _error(number: int, reject: Reject) -> Row:
    return {"error": f"{reject.reason}: {reject.detail}" if reject.detail else reject.reason, "line": number}
