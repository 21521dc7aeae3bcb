"""Where the work is: the Moroccan regions that an ad names, or that it is nationwide or abroad.

Evidence in this order: the title with the portal's city and region fields; then a public employer's own place; then
what the description says of the workplace, heard earlier only where it says that the work is abroad.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from schemas.messages import Posting, Scope
from streams.enrich.gazetteer import Name, foreign, names, towns
from streams.enrich.text import TITLE_LIMIT, Phrases, Reading, fold, tokens, words

MENU_REGIONS = 8
"""A field that names this many of the twelve regions is a portal's menu: the ad is nationwide."""

FIELD_LIMIT = 4_096
"""Characters of a place field that are read: a portal's whole menu of towns is 2,000."""

READ_WORDS = 250
"""Words of a description in which a workplace is looked for: beyond, portals append other ads and boilerplate."""

_CUE_REACH = 5
"""Words between a cue ("lieu de travail") and the place that it announces."""

_ABROAD_REACH = 2
"""The same where the place overrules the portal's own field."""


class Place(NamedTuple):
    """Sorted ISO 3166-2:MA codes, empty unless `scope` is `regional`; confidence from 0 to 1, 0 when unknown."""

    regions: tuple[str, ...]
    scope: Scope
    confidence: float


UNKNOWN = Place((), "unknown", 0.0)


class _Field(NamedTuple):
    """What a place field says: Moroccan regions and those of possible namesakes, whether abroad, whether nationwide."""

    regions: frozenset[str] = frozenset()
    namesakes: frozenset[str] = frozenset()
    confidence: float = 0.0
    abroad: bool = False
    national: bool = False


_NOTHING = _Field()

_FILLER = frozenset(
    tokens(
        "poste postes s sur et ou and or region regions peripherie environs alentours autre autres ville "
        "villes metropolitan area on site onsite hybrid hybride remote prefecture province wilaya "
        "arrondissement cercle commune of de d du des la le les l tout toute toutes tous ma royaume a "
        "distance teletravail zone"
    )
)
_GENERIC = frozenset(tokens("sidi oulad ouled ait ain beni bni ben el al had souk dar moulay oued tanger province"))
"""First words that many towns share: they tell none apart."""

_NUMBERED = re.compile(r",\s*(\d{1,2})\s*,\s*ma\s*$")
_PIECES = re.compile(r"[/,;()&|\n·]|\s-\s|\bet\b|\bou\b")

_PUBLIC = frozenset(
    tokens(
        "province prefecture commune communes wilaya universite faculte ministere academie centre agence "
        "regie chu conseil tribunal delegation direction ecole institut hopital societe office caisse chambre "
        "sdl crmef aref cri srm collectivite municipalite اقليم عماله جماعه جهه لجهه جامعه وزاره كليه الوكاله "
        "وكاله المركز مركز مجلس شركه المكتب مكتب اكاديميه الاكاديميه مديريه المدرسه المعهد مستشفي الغرفه غرفه "
        "ولايه محكمه المجلس الجهويه الجهوي الحضريه المندوبيه الجماعات الترابيه"
    )
)
_OPENERS = frozenset(tokens("societe ste groupe group sarl sa la le les شركه مجموعه"))

CUES: Phrases[bool] = Phrases(
    dict.fromkeys(
        ("lieu", "lieux", "lieu de travail", "ville", "villes", "location", "locations", "city", "localisation",
            "localité",
         "worksite", "work site", "affectation", "basé à", "basée à", "basé sur", "based in", "basés à",
         "lieu d'affectation", "poste basé", "pourvoir à", "pourvoir sur", "région", "adresse", "address",
         "workplace", "مكان العمل", "مقر العمل",
         "المدينة", "مدينة", "مكان", "المكان", "العنوان", "بمدينة"), True,
    )
)  # fmt: skip
WORK_CUES: Phrases[bool] = Phrases(
    dict.fromkeys(
        ("lieu de travail", "lieu du poste", "lieu d'affectation", "poste basé à", "poste basé en", "poste basé au",
            "poste basé aux", "job location",
         "work location", "hiring in", "hiring now in", "hiring for", "relocation to", "relocate to", "relocation",
         "expatriation", "cdi en", "cdi au", "cdd en", "contrat en", "emploi en", "poste en", "poste au",
         "poste à", "mission en", "mission au", "mission à", "recrutement en", "recrutement au", "recrute en",
         "job in", "jobs in", "opportunité en", "opportunité au", "pourvoir en", "pourvoir au", "s'installer en",
         "s'installer au", "immigrer en", "immigrer au", "expatrié en", "location", "lieu", "localisation",
         "مكان العمل", "مقر العمل", "العمل في", "العمل ب", "عقد عمل في", "للعمل في",
         "للعمل ب", "العمل بدولة", "للعمل بدولة"), True,
    )
)  # fmt: skip
_TITLE_CUES: Phrases[bool] = Phrases(
    dict.fromkeys(
        ("travailler en", "travailler au", "travailler aux", "travailler à", "work in", "travail en", "travail à"), True
    )
)
_BASED = frozenset({"based", "bound"})


def place(posting: Posting, reading: Reading) -> Place:  # noqa: PLR0911 - one return a kind of evidence
    """Locate an ad."""
    fields = [read_field(value[:FIELD_LIMIT]) for value in (posting.city, posting.region_raw) if value]
    named = reading.entitled(names())
    kinds = {name.kind for _, _, name in named if not name.field_only}
    if ("abroad" in kinds and _titled_abroad(reading.title_words, named)) or _says_abroad(reading):
        return Place((), "abroad", 0.85)
    heading = _in_text(named, posting.title or "") if named else []
    stated = [field for field in fields if field.regions]
    if stated or heading:
        return _merge(stated, heading)
    if any(field.national for field in fields):
        return Place((), "national", 0.9)
    if any(field.abroad for field in fields):
        return Place((), "abroad", 0.95)
    if own := _employer(names(), posting.company):
        return own
    if "abroad" in kinds and "morocco" not in kinds:
        return Place((), "abroad", 0.6)
    if described := _workplace(reading):
        return described
    return Place((), "national", 0.5) if kinds & {"national", "morocco"} else UNKNOWN


def _merge(stated: Sequence[_Field], heading: Sequence[Name]) -> Place:
    """Unite what the fields and the title name.

    A title that names only other regions than the fields overrules them: an agency posts from its own town. A quarter
    in a title counts only where nothing greater is named.
    """
    if len(stated) == 1 and not heading and len(stated[0].regions) == 1:
        return Place(tuple(stated[0].regions), "regional", stated[0].confidence)
    firm = {code for field in stated if not field.namesakes for code in field.regions}
    firm |= {code for name in heading if name.kind == "place" and not name.others for code in name.regions}
    posted: set[str] = set()
    confidence = 0.97 if stated else 0.9
    for field in stated:
        told_apart = bool(field.namesakes & firm)
        posted |= field.regions & firm if told_apart else field.regions
        confidence = min(confidence, 0.9 if told_apart else field.confidence)
    strong = [name for name in heading if name.kind == "place"] or ([] if posted else heading)
    titled = {code for name in strong if not set(name.others) & firm for code in name.regions}
    regions = titled if titled and titled.isdisjoint(posted) else titled | posted
    if len(regions) >= MENU_REGIONS:
        return Place((), "national", 0.8)
    return Place(tuple(sorted(regions)), "regional", 0.8 if posted - regions else confidence)


def _in_text(found: Sequence[tuple[int, int, Name]], text: str) -> list[Name]:
    """Keep the Moroccan names that count in running text."""
    kept = [name for _, _, name in found if name.regions and not name.field_only]
    if any(name.accented for name in kept):
        lowered = text[:TITLE_LIMIT].casefold()
        kept = [name for name in kept if not name.accented or name.accented in lowered]
    return kept


@lru_cache(maxsize=4096)
def read_field(value: str) -> _Field:  # noqa: PLR0911 - one return an idiom
    """Read a portal's place field: its idioms, its towns and regions, its misspellings."""
    folded = fold(value)
    parts = words(folded)
    found = names().find(parts)
    places = [name for _, _, name in found if name.kind == "place"]
    places = places or [name for _, _, name in found if name.regions]
    if places:
        regions = frozenset(code for name in places for code in name.regions)
        if len(regions) >= MENU_REGIONS:
            return _Field(confidence=0.8, national=True)
        namesakes = frozenset(code for name in places for code in name.others)
        return _Field(regions, namesakes, 0.7 if namesakes else 0.97 if places[0].kind == "place" else 0.85)
    kinds = {name.kind for _, _, name in found}
    if "abroad" in kinds:
        return _Field(abroad=True, confidence=0.95)
    if numbered := _NUMBERED.search(folded):
        code = int(numbered[1])
        if 1 <= code <= 12:
            return _Field(frozenset({f"MA-{code:02d}"}), confidence=0.9)
    if "national" in kinds:
        return _Field(national=True, confidence=0.9)
    moroccan = "morocco" in kinds or parts[-1:] == ["ma"]
    covered = {index for start, end, _ in found for index in range(start, end)}
    if all(index in covered or part in _FILLER or part.isdigit() for index, part in enumerate(parts)):
        return _Field(national=True, confidence=0.9) if moroccan else _NOTHING
    return _misspelt(folded)


def _misspelt(folded: str) -> _Field:
    """Find the nearest town of each piece of a field that holds no known place."""
    regions: set[str] = set()
    table = towns()
    for piece in _PIECES.split(folded[:200]):
        name = " ".join(part for part in words(piece) if part not in _FILLER)
        own = sum(len(part) for part in name.split() if part not in _GENERIC)
        if 5 <= own <= 24 and name.isascii() and not any(letter.isdigit() for letter in name):
            limit = 1 if own < 9 else 2
            near = process.extractOne(name, table.keys(), scorer=OSA.distance, score_cutoff=limit)
            if near is not None and near[0][0] == name[0]:
                regions.update(table[near[0]])
    return _Field(frozenset(regions), confidence=0.75) if regions else _NOTHING


def _employer(table: Phrases[Name], company: str | None) -> Place | None:
    """Locate a public employer by its own name, any other only where the name begins with a town."""
    if not company:
        return None
    short = company[:TITLE_LIMIT]
    parts = words(fold(short))
    found = table.find(parts)
    if not found:
        return None
    own = _in_text(found, short)
    if _PUBLIC.isdisjoint(parts):
        first = next((index for index, part in enumerate(parts) if part not in _OPENERS), 0)
        own = [name for start, _, name in found if name in own and start <= first and name.kind != "quarter"]
    strong = [name for name in own if name.kind != "quarter"] or own
    regions = sorted({code for name in strong for code in name.regions})
    return Place(tuple(regions), "regional", 0.8) if 0 < len(regions) < MENU_REGIONS else None


def _cued(cues: Phrases[bool], reading: Reading, reach: int) -> list[Name]:
    """Return the places of a body that a cue announces at most `reach` words before, and those that follow them."""
    starts = [end for _, end, _ in reading.find(cues, READ_WORDS)]
    kept: list[Name] = []
    last = -10
    for start, end, name in reading.find(names(), READ_WORDS):
        announced = any(0 <= start - cue <= reach for cue in starts)
        if announced or start - last <= 1 or (start and _is_postcode(reading.body_words[start - 1])):
            kept.append(name)
            last = end
    return kept


def _is_postcode(word: str) -> bool:
    return len(word) == 5 and word.isdigit()


def _titled_abroad(title: Sequence[str], found: Sequence[tuple[int, int, Name]]) -> bool:
    """Whether a title says that the work itself is abroad: "UAE-based", "CDI en France", "pour travailler à Dubaï"."""
    abroad = [(start, end) for start, end, name in found if name.kind == "abroad"]
    if not abroad:
        return False
    if any(end < len(title) and title[end] in _BASED for _, end in abroad):
        return True
    cues = {end for phrases in (WORK_CUES, _TITLE_CUES) for _, end, _ in phrases.find(title)}
    return any(start - reach in cues for start, _ in abroad for reach in range(_ABROAD_REACH + 1))


def _says_abroad(reading: Reading) -> bool:
    """Whether a description says that the work itself is abroad, and names no Moroccan place in the same breath."""
    if not reading.find(foreign(), READ_WORDS) or not WORK_CUES.touches(reading.body_words[:READ_WORDS]):
        return False
    cued = _cued(WORK_CUES, reading, _ABROAD_REACH)
    return any(name.kind == "abroad" and not name.field_only for name in cued) and not any(
        name.regions or name.kind == "morocco" for name in cued
    )


def _workplace(reading: Reading) -> Place | None:
    """Locate an ad by what its description says of the workplace."""
    cued = [name for name in _cued(CUES, reading, _CUE_REACH) if not name.field_only]
    strong = [name for name in cued if name.kind == "place"] or [name for name in cued if name.regions]
    regions = sorted({code for name in strong for code in name.regions})
    if 0 < len(regions) < MENU_REGIONS:
        return Place(tuple(regions), "regional", 0.7)
    if any(name.kind == "abroad" for name in cued):
        return Place((), "abroad", 0.6)
    return Place((), "national", 0.5) if cued else None
