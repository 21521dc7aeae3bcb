"""The world behind the portals: vacancies and job seekers as a pure function of a seed and a minute.

Any stretch of time can be computed by itself, so that history, the live portals and the printed truth agree without
state. An epoch begins when the market is started. It is busy for some hours from then on, and was busy in the same
hours of the six weeks before, so that there is a baseline of each weekday and hour; at other times it is thin.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from deploy.market.vocabulary import City, Lang, Occupation, Side, Vocabulary

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 7 * 86_400
HISTORY = 6 * WEEK

Portal = Literal["portail-a", "portail-b", "portail-c", "agence"]
PORTALS: tuple[Portal, ...] = ("portail-a", "portail-b", "portail-c", "agence")

_LANGS: dict[Portal, tuple[tuple[Lang, ...], tuple[int, ...]]] = {
    "portail-a": (("fr",), (1,)),
    "portail-b": (("fr", "en"), (7, 3)),
    "portail-c": (("ar", "fr"), (6, 4)),
    "agence": (("fr", "ar"), (8, 2)),
}


@dataclass(frozen=True)
class Spike:
    """A planted spike: `extra` more a minute of one occupation in one region from `start` to `end` (epoch seconds)."""

    side: Side
    isco: str
    region: str
    start: int
    end: int
    extra: float


@dataclass(frozen=True)
class Ad:
    """One portal's version of a vacancy; times are epoch seconds, 0 for never."""

    portal: Portal
    source_id: str
    lang: Lang
    title: str
    company: str
    city: str
    text: str
    salary: str
    contract: str
    experience: str
    appears: int
    edited: int
    removed: int


@dataclass(frozen=True)
class Vacancy:
    """What is true: the occupation, the region, and the ads that are one vacancy (or one job seeker's request)."""

    key: str
    side: Side
    isco: str
    region: str
    opened: int
    ads: tuple[Ad, ...]


@dataclass(frozen=True)
class Market:
    """How much happens: `rate` new vacancies and requests a minute while busy, `thin` of that at other times."""

    seed: int
    begin: int
    rate: float = 28.0
    busy_hours: int = 4
    thin: float = 0.006
    vocabulary: Vocabulary = field(default_factory=Vocabulary.load)

    def intensity(self, at: int) -> float:
        """Share of the full rate at a moment, by hour of the week and a daily rhythm."""
        hour = (at - self.begin) % WEEK // HOUR
        if hour < self.busy_hours or hour == WEEK // HOUR - 1:
            return 1.0
        return self.thin * (1 + 0.6 * math.sin((at % DAY) / DAY * 2 * math.pi - math.pi / 2))

    @cached_property
    def spikes(self) -> tuple[Spike, ...]:
        """One every ten minutes of the busy hours, the first after two; each in a cell of its own."""
        draw = random.Random(f"spikes {self.seed} {self.begin}")
        occupations = [one for one in self.vocabulary.occupations if one.weights["offer"] >= 8]
        cells: set[tuple[Side, str, str]] = set()
        found: list[Spike] = []
        for start in range(self.begin + 2 * MINUTE, self.begin + self.busy_hours * HOUR, 10 * MINUTE):
            while True:
                side: Side = "seeker" if draw.random() < 0.3 else "offer"
                occupation = draw.choice(occupations)
                city = draw.choice(self.vocabulary.cities)
                cell = (side, occupation.isco, city.region)
                if cell not in cells:
                    break
            cells.add(cell)
            found.append(Spike(side, occupation.isco, city.region, start, start + 8 * MINUTE, draw.uniform(5.0, 7.0)))
        return tuple(found)

    def born(self, start: int, end: int) -> Iterator[Vacancy]:
        """Vacancies and requests opened in [start, end); both are whole minutes."""
        for minute in range(start, end, MINUTE):
            draw = random.Random(f"{self.seed} {self.begin} {minute}")
            number = 0
            for _ in range(_poisson(draw, self.rate * self.intensity(minute))):
                side: Side = "offer" if draw.random() < 0.58 else "seeker"
                yield self._vacancy(draw, minute, number, side, self._occupation(draw, side), self._city(draw))
                number += 1
            for spike in self.spikes:
                if spike.start <= minute < spike.end:
                    for _ in range(_poisson(draw, spike.extra)):
                        occupation = next(one for one in self.vocabulary.occupations if one.isco == spike.isco)
                        yield self._vacancy(
                            draw, minute, number, spike.side, occupation, self._city(draw, spike.region)
                        )
                        number += 1

    def _occupation(self, draw: random.Random, side: Side) -> Occupation:
        occupations = self.vocabulary.occupations
        return draw.choices(occupations, [one.weights[side] for one in occupations])[0]

    def _city(self, draw: random.Random, region: str | None = None) -> City:
        cities = [city for city in self.vocabulary.cities if region in {None, city.region}]
        return draw.choices(cities, [city.weight for city in cities])[0]

    def _vacancy(
        self, draw: random.Random, minute: int, number: int, side: Side, occupation: Occupation, city: City
    ) -> Vacancy:
        key = f"{self.begin // MINUTE:x}-{(minute - self.begin) // MINUTE}-{number}"
        opened = minute + draw.randrange(MINUTE)
        job = _Job(draw, self.vocabulary, side, occupation, city)
        if side == "seeker":
            portals: list[Portal] = ["agence"]
        else:
            copies = draw.choices((1, 2, 3), (66, 26, 8))[0]
            portals = draw.sample(PORTALS, copies)
        life = draw.expovariate(1 / 600) if draw.random() < 0.25 else 0.0
        ads: list[Ad] = []
        for place, portal in enumerate(portals):
            # In history a copy follows within a day; beside the wall one cannot wait so long.
            delay = 0 if place == 0 else int(draw.expovariate(1 / (90 if minute >= self.begin else 8 * HOUR)))
            appears = opened + delay
            edited = appears + int(draw.expovariate(1 / 400)) + 5 if draw.random() < 0.08 else 0
            removed = appears + int(life) + 60 if life and portal != "portail-a" else 0
            ads.append(job.ad(draw, portal, f"{key}-{place}", appears, edited, removed))
        return Vacancy(key, side, occupation.isco, city.region, opened, tuple(ads))


class _Job:
    """What the ads of one vacancy share."""

    def __init__(
        self, draw: random.Random, vocabulary: Vocabulary, side: Side, occupation: Occupation, city: City
    ) -> None:
        self._vocabulary = vocabulary
        self._side = side
        self._occupation = occupation
        self._city = city
        self._employer = draw.choice(vocabulary.employers)
        self._tasks = [{part: draw.random() for part in ("verb", "object", "manner")} for _ in range(6)]
        self._title = draw.random()
        low, high = occupation.pay
        self._pay = round(draw.uniform(low, high) / 100) * 100
        self._years = draw.randrange(8)
        self._contract = draw.choices(("CDI", "CDD", "ANAPEC", "Intérim"), (60, 20, 12, 8))[0]

    def ad(self, draw: random.Random, portal: Portal, source_id: str, appears: int, edited: int, removed: int) -> Ad:
        langs, weights = _LANGS[portal]
        lang = draw.choices(langs, weights)[0]
        titles = self._occupation.titles[lang]
        plain = _pick(titles, self._title)
        city = _city_name(draw, self._city, lang)
        salary = f"{self._pay} DH" if draw.random() < 0.6 else ""
        return Ad(
            portal=portal,
            source_id=source_id,
            lang=lang,
            title=_dressed(draw, plain, lang, city, self._side),
            company=_company(draw, self._employer),
            city=city,
            text=self._text(draw, lang, plain, city, salary),
            salary=salary,
            contract=self._contract if draw.random() < 0.8 else "",
            experience=f"{self._years} ans" if self._years and draw.random() < 0.6 else "",
            appears=appears,
            edited=edited,
            removed=removed,
        )

    def _text(self, draw: random.Random, lang: Lang, title: str, city: str, salary: str) -> str:
        said = self._vocabulary.sentences
        words = {
            "title": title,
            "city": city,
            "company": self._employer,
            "contract": self._contract,
            "salary": salary or {"fr": "à discuter", "ar": "حسب الكفاءة", "en": "competitive pay"}[lang],
            "years": str(self._years or 1),
        }
        if self._side == "seeker":
            return draw.choice(said["want", lang]).format(**words)
        chosen = [
            " ".join(_pick(said[part, lang], share) for part, share in task.items()) + "." for task in self._tasks
        ]
        intro, close = draw.choice(said["intro", lang]), draw.choice(said["close", lang])
        return " ".join([intro.format(**words), *chosen, close.format(**words)])


def _pick(choices: tuple[str, ...], share: float) -> str:
    """The same share picks at the same height of every list: the ads of a vacancy say the same in each language."""
    return choices[int(share * len(choices))]


def _dressed(draw: random.Random, title: str, lang: Lang, city: str, side: Side) -> str:
    """A title as it is typed: with noise, and sometimes a slip."""
    if draw.random() < 0.04 and len(title) > 6:
        at = draw.randrange(2, len(title) - 2)
        title = title[:at] + title[at + 1 :]
    if side == "seeker":
        lead = {"fr": ("Cherche poste de ", ""), "ar": ("أبحث عن عمل ", ""), "en": ("Looking for work: ", "")}[lang]
        return draw.choice(lead) + title
    if lang == "ar":
        return draw.choice(("{}", "مطلوب {}", "توظيف {}")).format(title)
    if lang == "en":
        return draw.choice(("{}", "{} - " + city, "Urgent: {}")).format(title)
    return draw.choice(("{}", "{} H/F", "{} (H/F)", "Recrute {}", "URGENT {}", "{} - " + city)).format(title)


def _company(draw: random.Random, employer: str) -> str:
    return draw.choice((employer, employer.upper(), f"{employer} SARL", f"Groupe {employer}"))


def _city_name(draw: random.Random, city: City, lang: Lang) -> str:
    if lang == "ar":
        return city.ar
    return city.fr if draw.random() < 0.75 else draw.choice(city.other)


def _poisson(draw: random.Random, mean: float) -> int:
    """Knuth's way; means here are small."""
    limit, count, product = math.exp(-mean), 0, draw.random()
    while product > limit:
        count += 1
        product *= draw.random()
    return count
