"""The messages that cross Marsad's topics, one frozen struct each, and the schema version that each carries.

Times are timezone-aware UTC datetimes and travel as RFC 3339 strings. Absent means unknown: no default value is ever
invented for a fact. The JSON Schemas beside this module (`schemas/json/<message>/v<n>.json`) say the same to
subscribers in other languages; a contract test holds the two together.
"""

from datetime import datetime
from typing import Literal

import msgspec

Side = Literal["offer", "seeker"]
Scope = Literal["regional", "national", "abroad", "unknown"]
VacancyEvent = Literal["created", "updated", "removed", "merged", "split", "moved", "recoded"]
CloseReason = Literal["removed", "deadline", "imputed"]
Grain = Literal["minute", "day"]
SourceState = Literal["ok", "degraded", "silent", "blocked", "paused"]

NATION = "MA"
"""Region of a national cell: every counted vacancy is in it once, however many regions it names."""


class Posting(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """A sighting of one ad on one portal (topic `postings-raw`), or its removal; keyed by (source, id).

    `id` is the identity within the source: its own identifier, else derived from its address, else from its content.
    `observed_at` is when the source showed it. A job seeker's posting (`side="seeker"`) carries no name, address,
    telephone or e-mail: there are no fields for them, and text fields are scrubbed before they reach Kafka.
    """

    source: str
    id: str
    side: Side
    observed_at: datetime
    v: int = 1
    event: Literal["seen", "removed"] = "seen"
    source_id: str | None = None
    url: str | None = None
    title: str | None = None
    company: str | None = None
    company_slug: str | None = None
    company_blurb: str | None = None
    city: str | None = None
    region_raw: str | None = None
    description: str | None = None
    profile: str | None = None
    date_raw: str | None = None
    deadline_raw: str | None = None
    contract_raw: str | None = None
    salary_raw: str | None = None
    sector_raw: str | None = None
    education_raw: str | None = None
    experience_raw: str | None = None
    skills_raw: str | None = None
    age_band: str | None = None
    positions: str | None = None
    lang_portal: str | None = None
    lang: str | None = None


class Heartbeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Moves the log clock of an otherwise idle raw partition; carries no fact and is counted nowhere."""

    heartbeat: Literal[True]
    v: int = 1


class Enrichment(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What Marsad reads out of one posting; every field is null when unknown.

    `isco` is the code as published (1–4 digits), `isco_best` the best four digits whatever the confidence, `isco_p` the
    probabilities of its 1-, 2-, 3- and 4-digit prefixes (never rising). Salaries are MAD a month.
    """

    lang: str | None = None
    isco: str | None = None
    isco_confidence: float = 0.0
    isco_best: str | None = None
    isco_p: tuple[float, ...] = ()
    isco_also: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    scope: Scope = "unknown"
    contract: str | None = None
    isced: int | None = None
    experience_min: float | None = None
    experience_max: float | None = None
    salary_min: int | None = None
    salary_max: int | None = None
    salary_basis: Literal["net", "gross"] | None = None
    openings: int | None = None
    sector_isic: str | None = None
    skills: tuple[str, ...] = ()
    remote: Literal["remote", "hybrid"] | None = None
    languages: tuple[str, ...] = ()
    published_on: str | None = None
    deadline_on: str | None = None


class Signature(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The normalised evidence by which two ads are compared (streams/match); never the text itself.

    `title` are its stems without noise, places and employer; `levels` its words of seniority and contract; `company`
    the employer's distinctive words; `places` towns and `quarters` parts of them, each by one canonical name;
    `regions` and `isco` from enrichment; `reference` an advertiser's own number; `concepts` what public employers and
    competitions say, in codes that French and Arabic share, `grade` their grade and scale; `shingles` the smallest
    hashes (24 bits) of the text's word triples, `text_words` the number of its words, both less the sentences that
    stand under many jobs; `rarity` how rare the title's words are together; `experience` the least
    years asked for.
    """

    source: str = ""
    title: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    company: str | None = None
    places: tuple[str, ...] = ()
    quarters: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    isco: str | None = None
    contract: str | None = None
    salary: int | None = None
    deadline: str | None = None
    reference: str | None = None
    arabic: bool = False
    concepts: tuple[str, ...] = ()
    grade: str | None = None
    shingles: tuple[int, ...] = ()
    text_words: int = 0
    rarity: float = 0.0
    experience: float | None = None


class Ad(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One portal's ad, deduplicated and enriched: its whole state at a version (topic `postings-enriched`).

    `raw_offset` is the offset in raw partition `raw_partition` of the sighting that made this version: the guard that
    orders the versions of an ad. `born` is that of its first sighting: an ad that comes back after the state's
    lifetime is another ad. `event="moved"` withdraws the ad from `block`; it stands in block `moved_to` since.
    `last_seen` has the resolution of a day when only re-sightings moved it.
    """

    generation: str
    event: Literal["upsert", "moved"]
    block: str
    source: str
    id: str
    side: Side
    raw_partition: int
    raw_offset: int
    born: int
    log_time: datetime
    first_seen: datetime
    last_seen: datetime
    v: int = 1
    moved_to: str | None = None
    removed_at: datetime | None = None
    close_at: datetime | None = None
    close_reason: CloseReason | None = None
    url: str | None = None
    title: str | None = None
    company: str | None = None
    facts: Enrichment = Enrichment()
    signature: Signature = Signature()
    taxonomy: str = ""


class Tick(msgspec.Struct, frozen=True, gc=False):
    """The log clock of one raw partition, passed on to every partition of `postings-enriched`; no fact."""

    generation: str
    event: Literal["tick"]
    raw_partition: int
    log_time: datetime
    v: int = 1


class UniquePosting(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A posting that was new or changed (topic `postings-unique`); unchanged sightings are not forwarded."""

    generation: str
    outcome: Literal["new", "updated"]
    raw_partition: int
    raw_offset: int
    first_seen: datetime
    posting: Posting
    v: int = 1


class AdRef(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A member of a vacancy."""

    source: str
    id: str
    url: str | None = None


class Vacancy(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The canonical vacancy behind its duplicate ads: its whole state, with the event that made it (topic `vacancies`).

    `id` names its block and its earliest ad. `version` is the offset in the block's `postings-enriched` partition
    that made this state: later is greater. A vacancy that vanished (`live=False`) names its `successor`. `counted` is
    false for work abroad: kept, flagged, in no cell.
    """

    generation: str
    id: str
    version: int
    event: VacancyEvent
    block: str
    side: Side
    opened_at: datetime
    close_at: datetime
    close_reason: CloseReason
    event_time: datetime
    ingest_time: datetime
    v: int = 1
    live: bool = True
    counted: bool = True
    successor: str | None = None
    isco: str | None = None
    isco_confidence: float = 0.0
    regions: tuple[str, ...] = ()
    scope: Scope = "unknown"
    openings: int | None = None
    title: str | None = None
    company: str | None = None
    contract: str | None = None
    salary_min: int | None = None
    salary_max: int | None = None
    sector_isic: str | None = None
    ads: tuple[AdRef, ...] = ()
    ad_count: int = 1
    merged_because: tuple[str, ...] = ()
    source: str = ""
    taxonomy: str = ""


class Count(msgspec.Struct, frozen=True, gc=False, omit_defaults=False):
    """One absolute cell of the market (topic `market-counts`): side × occupation × region × window, by block.

    A cell has one writer, its block's partition: the total of a code that several blocks share (the empty one) is
    their sum.

    `isco` is the published code of the vacancies (1–4 digits, empty when not stated), `region` an ISO 3166-2:MA code or
    `MA`. `opened` and `closed` are vacancies whose opening or closing falls in the window; `openings` sums the stated
    positions of those opened. `version` orders the states of a cell; `revision` counts them.
    """

    generation: str
    block: str
    side: Side
    isco: str
    region: str
    grain: Grain
    start: datetime
    opened: int
    closed: int
    openings: int
    version: int
    revision: int
    v: int = 1


class Alert(msgspec.Struct, frozen=True, omit_defaults=True):
    """A spike of demand or supply, started or ended (topic `market-alerts`).

    The later version of an id replaces the earlier.
    """

    generation: str
    id: str
    version: int
    event: Literal["started", "ended", "withdrawn"]
    side: Side
    isco: str
    region: str
    window: Literal["hour", "day"]
    start: datetime
    count: int
    expected: float
    limit: float
    event_time: datetime
    v: int = 1
    flagged: tuple[str, ...] = ()


class SourceStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a source is doing (topic `source-status`): the latest record of a source is its state."""

    source: str
    at: datetime
    state: SourceState
    v: int = 1
    kind: str = ""
    seen: int = 0
    expected: float | None = None
    published: int = 0
    rejected: int = 0
    last_success: datetime | None = None
    message: str = ""
    filled: float | None = None
    drifted: tuple[str, ...] = ()


class Rejected(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record that could not be used (topic `postings-rejected`), with its bytes, where it stood and why.

    `data` is the original bytes in base64, whole up to 8 MB; beyond that the first MB with `truncated`, and `length`
    and `sha256` of the whole. `generation` is empty when a producer rejected it before any generation saw it.
    """

    stage: str
    reason: str
    at: datetime
    data: str
    length: int
    sha256: str
    v: int = 1
    generation: str = ""
    detail: str = ""
    source: str = ""
    topic: str = ""
    partition: int = -1
    offset: int = -1
    truncated: bool = False


class PushAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A claim on an idempotency key of the push endpoint, or the answer that was given (topic `push-answers`).

    `entry` is the API key's id and the SHA-256 of the idempotency key, `holder` the request that claims or answered it,
    `body` the SHA-256 of what was sent, `answer` the body of the answer.
    """

    entry: str
    state: Literal["claimed", "answered"]
    holder: str
    body: str
    at: datetime
    v: int = 1
    status: int | None = None
    answer: str = ""


class CheckpointRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What producers know of a source, one row of it (topic `producer-checkpoints`).

    `part` is what the row is about, `name` which of them, `data` what is known, as producers pack it.
    """

    source: str
    part: Literal["item", "page", "shown", "reject", "sums"]
    name: str
    data: str
    v: int = 1
