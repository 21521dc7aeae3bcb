"""A feed's bytes to postings. Pure; tolerant of feeds that are no XML, as feedparser is."""

import io
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import feedparser
import msgspec

from producers.picks import kept
from producers.shape import Field, Reject, posting
from producers.sources import Pick, RssSource, picks
from producers.text import plain
from schemas.messages import Posting

# Elements that job feeds use, by field: feedparser writes `job:company` as job_company.
USUAL: dict[Field, tuple[str, ...]] = {
    "title": ("title",),
    "url": ("link",),
    "description": ("content", "summary", "description"),
    "date_raw": ("published", "updated", "pubdate"),
    "company": ("company", "job_company", "companyname", "employer", "job_employer", "author"),
    "city": ("city", "job_city", "location", "job_location"),
    "region_raw": ("region", "job_region", "state", "job_state"),
    "contract_raw": (
        "contract",
        "job_contract",
        "jobtype",
        "job_type",
        "job_jobtype",
        "employmenttype",
        "job_employmenttype",
    ),
    "salary_raw": ("salary", "job_salary"),
    "sector_raw": ("sector", "job_sector", "industry", "job_industry", "tags"),
    "education_raw": ("education", "job_education"),
    "experience_raw": ("experience", "job_experience"),
    "deadline_raw": ("deadline", "job_deadline", "validthrough", "job_validthrough", "expires", "job_expires"),
    "positions": ("positions", "job_positions", "openings", "job_openings"),
    "lang_portal": ("lang", "language", "job_language"),
}


def parse(
    body: bytes, *, source: RssSource, observed_at: datetime, charset: str | None = None
) -> list[Posting | Reject]:
    """Return the postings of a feed, in its order; one Reject of the whole when it is no feed."""
    content_type = "application/xml" + (f"; charset={charset}" if charset else "")
    feed = feedparser.parse(
        io.BytesIO(body),
        response_headers={"content-type": content_type},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not feed.entries and (feed.bozo or not feed.get("version")):
        return [Reject("malformed_feed", body, str(feed.get("bozo_exception", "no feed"))[:200])]
    entries = feed.entries[:-1] if _cut(body) else feed.entries
    return [_posting(entry, source, observed_at) for entry in entries]


def _cut(body: bytes) -> bool:
    """Whether a feed ends within an entry: half an ad would be taken for an edit of it."""
    opened = max(body.rfind(b"<item"), body.rfind(b"<entry"))
    return opened > max(body.rfind(b"</item>"), body.rfind(b"</entry>"))


def _posting(entry: Mapping[str, object], source: RssSource, observed_at: datetime) -> Posting | Reject:
    fields: dict[str, object] = {field: _first(entry, names) for field, names in USUAL.items()}
    for field, places in source.mapping.items():
        fields[field] = next((text for pick in picks(places) if (text := element(entry, pick))), None)
    guid = entry.get("id")
    if isinstance(guid, str) and guid and "source_id" not in source.mapping:
        if re.match(r"https?://", guid):
            fields["url"] = fields["url"] or guid
        else:
            fields["source_id"] = guid
    return posting(
        {field: value for field, value in fields.items() if value},
        source=source.name,
        side=source.side,
        observed_at=observed_at,
        data=msgspec.json.encode({key: str(value) for key, value in entry.items()}),
    )


def element(entry: Mapping[str, Any], pick: Pick) -> str | None:
    """Return what `pick` finds in an entry: its `css` is the element's name."""
    found = entry.get(_key(pick.css))
    if pick.attr:
        told = found.get(pick.attr.lower()) if isinstance(found, dict) else None
        return kept([plain(told)], pick) if isinstance(told, str) else None
    return kept((shown(found) or "").split("\n"), pick)


def _key(name: str) -> str:
    """Feedparser's key for an element as a feed writes it: `job:company` is job_company."""
    return name.lower().replace(":", "_")


def _first(entry: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := shown(entry.get(name)))), None)


def shown(value: Any) -> str | None:  # noqa: ANN401 (feedparser has no types)
    """Return an element's text: a plain one, the longest of several contents, or the terms of its categories."""
    match value:
        case str():
            return plain(value) or None
        case [{"value": str()}, *_] | [{"term": _}, *_]:
            parts = [plain(str(part.get("value") or part.get("term") or "")) for part in value]
            return max(parts, key=len) if "value" in value[0] else ", ".join(filter(None, parts)) or None
    return None
