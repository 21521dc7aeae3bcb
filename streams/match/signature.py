"""The evidence by which two ads are compared, normalised once when an ad is enriched. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from schemas.messages import Enrichment, Posting, Signature
from streams.enrich.occupation import words as titles
from streams.enrich.text import TITLE_LIMIT, Anchored, Reading, fold, is_arabic, read, words
from streams.match import notice
from streams.match.sketch import sketch
from streams.match.tables import Tables

MENU = 6
"""Towns from which a place field is a portal's whole menu, and names none."""

LEVELS = {
    word: level
    for level, words_of_it in {
        "senior": "senior seniors sr",
        "confirme": "confirme confirmes confirmee confirmees",
        "experimente": "experimente experimentes experimentee experimentees",
        "junior": "junior juniors jr",
        "debutant": "debutant debutants debutante debutantes",
        "stage": "stage stages stagiaire stagiaires pfe intern internship trainee alternance alternant متدرب تدريب",
    }.items()
    for word in words_of_it.split()
}
"""Words of seniority by what they say; two ads that say different ones are not one vacancy."""

GENERIC_COMPANY = titles.vocabulary(
    "sarl sarlau sa sas au sasu llc ltd limited inc gmbh bv nv spa groupe group holding societe company compagnie "
    "cie ste entreprise maroc morocco du de la le les l d et and the of agence agences "
    "international global afrique africa europe recrutement rh شركه "
    "مجموعه المغرب "
)
"""Words that do not tell one employer from another."""

ANONYMOUS = titles.vocabulary("confidentiel confidential anonyme anonymous confidentielle prive particulier سري ")

_REFERENCE = Anchored(
    r"\b(?:ref(?:erence)?|req(?:uisition)?|job id)\b[ .:#n°-]{1,4}((?=[a-z0-9/_-]*\d)[a-z0-9][a-z0-9/_-]{3,20})",
    *("ref", "req", "job id"),
)
_SLUG = re.compile(r"-recrutement-(.+)-\d+\.html")


def signature(posting: Posting, facts: Enrichment, tables: Tables, reading: Reading | None = None) -> Signature:
    """Return the signature of `posting`, of which `facts` were read; `reading` saves the folding (`text.read`).

    The cost is bounded by the text limits; never raises.
    """
    text = read(posting) if reading is None else reading
    folded_title = titles.normal(posting.title or "")
    company = _company(posting)
    heading = _heading(folded_title, company, tables)
    places, quarters = heading.places, heading.quarters
    if not places:
        field = _place_field(posting.city) or _place_field(posting.region_raw)
        places, more, left = _field_places(field, tables) if field else ((), (), "")
        quarters = quarters or more
        if not places and not quarters and left and posting.city:
            places = (left[:24],) if not left.isdigit() else ()
    employer_name = posting.company[:TITLE_LIMIT] if posting.company else ""
    own = sketch(text.body_words, tables.boilerplate)
    return Signature(
        source=posting.source,
        title=heading.stems,
        levels=heading.levels,
        company=company,
        places=places[:4],
        quarters=quarters[:3],
        regions=facts.regions[:3],
        isco=facts.isco_best,
        contract=facts.contract,
        salary=facts.salary_min,
        deadline=facts.deadline_on,
        reference=heading.reference or _reference(text.body),
        arabic=heading.arabic,
        concepts=_concepts(folded_title, employer_name, tables, arabic=heading.arabic),
        grade=heading.grade,
        shingles=own.hashes,
        text_words=own.words,
        rarity=heading.rarity,
        experience=facts.experience_min,
    )


class _Heading(NamedTuple):
    """What a title gives to the signature: fields of `schemas.messages.Signature` under their names."""

    places: tuple[str, ...]
    quarters: tuple[str, ...]
    stems: tuple[str, ...]
    levels: tuple[str, ...]
    reference: str | None
    arabic: bool
    grade: str | None
    rarity: float


@lru_cache(maxsize=4_096)
def _heading(title: str, company: str | None, tables: Tables) -> _Heading:
    """Read a folded title, less the words of the employer; two titles of five are those of another ad."""
    places, quarters, rest = _places(titles.halved(words(title)), tables, certain=True)
    employer = set(company.split()) if company else set()
    core = [titles.stem(w) for w in rest if not (w in titles.STOP or w in titles.NOISE or w in employer or w in LEVELS)]
    stems = tuple(dict.fromkeys(core))[:12]
    return _Heading(
        places=places,
        quarters=quarters,
        stems=stems,
        levels=tuple(sorted({LEVELS[w] for w in rest if w in LEVELS})),
        reference=_reference(title),
        arabic=is_arabic(title),
        grade=notice.grade(title),
        rarity=tables.learnt.rarity(stems),
    )


def _company(posting: Posting) -> str | None:
    """Return the employer's distinctive words, at most four, or None where it is not named."""
    name = posting.company or posting.company_slug
    if not name and posting.url and (slug := _SLUG.search(posting.url)):
        name = slug.group(1)
    return None if not name or len(name) > 60 else _employer(name)


@lru_cache(maxsize=4_096)
def _employer(name: str) -> str | None:
    found = words(fold(name[:TITLE_LIMIT]).replace("'", ""))
    kept = [w for w in found if w not in GENERIC_COMPANY] or found
    if not kept or not ANONYMOUS.isdisjoint(kept):
        return None
    return " ".join(kept[:4])


def _place_field(raw: str | None) -> str:
    """Return the part of a place field that names the town: before the first comma, bracket or middle dot."""
    return re.split(r"[,(·]", raw[:TITLE_LIMIT])[0] if raw else ""


def _concepts(title: str, employer: str, tables: Tables, *, arabic: bool) -> tuple[str, ...]:
    """Return the codes of a notice. Most ads are French and no public employer's: the remembered employer tells."""
    if not arabic and not _is_public(employer, tables):
        return ()
    return notice.concepts(title, fold(employer), tables.concepts, arabic=arabic)


@lru_cache(maxsize=4_096)
def _is_public(employer: str, tables: Tables) -> bool:
    return bool(employer) and notice.is_public(fold(employer), tables.concepts)


@lru_cache(maxsize=4_096)
def _field_places(field: str, tables: Tables) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return the towns and quarters that a place field names, and its other words as one."""
    places, quarters, left = _places(words(fold(field)), tables, certain=False)
    misspelt = (_nearest(word, tables) for word in left[:8])
    places = tuple(dict.fromkeys((*places, *(town for town in misspelt if town))))
    return places, quarters, "".join(w for w in left if w not in titles.STOP)


def _nearest(word: str, tables: Tables) -> str | None:
    """Return the town that a word of a place field is one letter away from, where it is long and begins alike."""
    if len(word) < 6 or word in titles.NOISE:
        return None
    near = process.extractOne(word, tables.towns, scorer=OSA.distance, score_cutoff=1)
    return near[0] if near is not None and near[0][0] == word[0] else None


def _places(
    tokens: Sequence[str], tables: Tables, *, certain: bool
) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return the towns and quarters named in `tokens`, and the tokens left."""
    towns: list[str] = []
    quarters: list[str] = []
    left: list[str] = []
    k = 0
    while k < len(tokens):
        if tokens[k] in tables.starts:
            for size in (4, 3, 2, 1):
                key = tuple(tokens[k : k + size])
                place = tables.places.get(key)
                if place is not None and len(key) == size and (not certain or key in tables.certain):
                    (quarters if place.quarter else towns).append(place.name)
                    k += size
                    break
            else:
                left.append(tokens[k])
                k += 1
        else:
            left.append(tokens[k])
            k += 1
    if len(towns) > MENU:
        return (), (), left
    return tuple(dict.fromkeys(towns)), tuple(dict.fromkeys(quarters)), left


def _reference(folded: str) -> str | None:
    """Return the advertiser's own number of the post in a folded text."""
    found = _REFERENCE.search(folded)
    return found.group(1) if found else None
