"""Which level of education an ad asks for at least, as ISCED 2011 (0–8).

Moroccan diplomas: niveau bac, bac and qualification 3; bac+1 and technicien 4; bac+2, BTS, DUT and technicien
spécialisé 5; licence, bac+3 and bac+4 6; master, engineer, grande école and bac+5 7; doctorate 8. Several acceptable
levels: the lowest.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from schemas.messages import Posting
from streams.enrich.text import Anchored, Match, Phrases, Reading, fold, words

_YEARS = {0: 3, 1: 4, 2: 5, 3: 6, 4: 6, 5: 7, 6: 7, 7: 7, 8: 8}
_BAC = Anchored(
    r"(?:\bbac|\bbaccalaureat|باك|باكالوريا|بكالوريا)[\s(]{0,3}(?:\+|plus\b|زائد)[\s/\\]{0,3}(\d)(?!\d)",
    *("bac", "باك", "بكالوريا"),
)
_LEVELS: dict[int, tuple[str, ...]] = {
    1: ("niveau primaire", "مستوى ابتدائي", "الابتدائي"),
    2: ("niveau collège", "niveau collégial", "brevet des collèges", "مستوى إعدادي", "الإعدادي"),
    3: ("niveau bac", "niveau baccalauréat", "bac minimum", "baccalauréat minimum", "titulaire d'un bac",
        "titulaire du bac",
        "qualification avant bac", "bac professionnel", "bac pro", "high school diploma", "مستوى باكالوريا",
        "مستوى البكالوريا", "مستوى الباكالوريا", "مستوى بكالوريا", "شهادة البكالوريا", "شهادة الباكالوريا",
        "diplôme de qualification",
        "niveau secondaire"),
    4: ("diplôme de technicien", "دبلوم تقني", "niveau technicien"),
    5: ("bts", "dut", "deug", "dts", "technicien spécialisé ofppt", "diplôme de technicien spécialisé",
        "formation technicien spécialisé",
        "diplôme technicien spécialisé", "ista", "تقني متخصص", "دبلوم تقني متخصص", "ts ofppt", "deust"),
    6: ("licence professionnelle", "licence pro", "licence en", "une licence", "licence ou", "diplôme de licence",
        "licence fondamentale",
        "licence minimum", "bachelor", "bachelor's", "bachelors", "bachelor degree", "الإجازة", "إجازة",
        "شهادة الإجازة",
        "الإجازة المهنية", "titulaire licence", "bachelor s degree"),
    7: ("master en", "un master", "master ou", "master 2", "master minimum", "master spécialisé", "diplôme master",
        "mastère",
        "master's degree", "masters degree", "master degree", "master s degree", "master in", "diplôme de master",
        "mba", "école d'ingénieur", "école d'ingénieurs", "écoles d'ingénieurs", "ingénieur d'état",
        "diplôme d'ingénieur", "formation d'ingénieur", "formation ingénieur", "cycle ingénieur",
        "cycle d'ingénieur", "diplôme d'ingénieur d'état", "école de commerce", "grande école", "الماستر", "ماستر",
        "مهندس دولة", "engineering degree", "école ingénieur",
        "école ingénieurs", "ingénieur diplômé"),
    8: ("doctorat", "phd", "ph d", "الدكتوراه", "دكتوراه", "doctorate"),
}  # fmt: skip
_FIELD_LEVELS: dict[int, tuple[str, ...]] = {
    3: ("bac", "baccalauréat", "qualification", "باكالوريا", "البكالوريا", "lycée", "high school"),
    4: ("technicien",),
    5: ("technicien spécialisé",),
    6: ("licence",),
    7: ("master", "ingénieur"),
}
TEXT = Phrases({phrase: level for level, phrases in _LEVELS.items() for phrase in phrases})
_FIELD = Phrases(
    {phrase: level for table in (_LEVELS, _FIELD_LEVELS) for level, phrases in table.items() for phrase in phrases}
)


def education(posting: Posting, reading: Reading) -> int | None:
    """Return the lowest level that the ad accepts: from the portal's field, else the title, else the description."""
    raw = posting.education_raw
    if raw and (level := _stated(raw[:400])) is not None:
        return level
    for text, named in ((reading.title, reading.entitled(TEXT)), (reading.body, reading.find(TEXT))):
        if levels := set(_asked(text, named)):
            return min(levels)
    return None


@lru_cache(maxsize=1024)
def _stated(raw: str) -> int | None:
    parts = re.split("[,&]", fold(raw))
    return min((level for part in parts for level in _asked(part, _FIELD.find(words(part)))), default=None)


def _asked(text: str, named: list[Match[int]]) -> Iterator[int]:
    counted = False
    for match in _BAC.matches(text):
        counted = True
        yield _YEARS.get(int(match[1]), 7)
    for _, _, level in named:
        # Years decide: "Bac +2 - Ecole de commerce" names a kind of school, "Bac+3 ou Master" a better diploma.
        if not counted or level < 3:
            yield level
