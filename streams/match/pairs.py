"""Whether two ads are one vacancy: a symmetric, pure test on their signatures, and the evidence in words.

Vacancies are connected components of this relation, so every rule asks for the same job (title), lets nothing speak
against the same place, seniority and grade, and then asks for the same employer or the same text. When the ads stood on
the portals is the cluster's test.
"""

from functools import lru_cache

from schemas.messages import Signature
from streams.enrich.occupation.words import vocabulary
from streams.match import notice

SAME_TEXT = 0.55
"""Overlap of the word triples of two texts from which they are one text, where title and place agree."""

COPY = 0.85
"""Overlap from which a text is a copy: asked of two ads of one portal, and where only one states a seniority."""

LONG = 100
"""Words of its own from which a text says all of the post. Of two such texts of one employer those of one post overlap
by .65 and more, those of two posts by .45 and less (pairs of the development set): they decide."""

RARE = 14.0
"""Rarity (sum of natural logarithms) from which a title alone tells a post: three words that one ad of 100 has, or two
that hardly any has."""

SOME = 40
"""Words from which a text is more than its portal's cut-off excerpt."""

_KEPT = 1 << 14
"""Pairs of titles, of places, of employers that stay compared: ads of one block say the same again and again."""

_FILLER = vocabulary("domain specialis metier activit profil equip secteur zon")

_KINDS = vocabulary(
    "bank banque hotel hotels riad clinique polyclinique hopital ecole ecoles groupe cabinet centre center institut "
    "institute universite university lycee restaurant cafe pharmacie laboratoire laboratoires fondation association "
    "ministere province prefecture commune office societe compagnie delegation direction royal atlas smart digital "
    "global first best premium casa casablanca rabat tanger marrakech agadir maison city africa north south euro "
    "mega auto labo trans tech data soft general generale nouvelle grand grande credit assurance assurances"
)
"""First words that many employers share: they tell none from another."""

_TRADES = vocabulary(
    "agriculture agro alimentaire architecture assurance assurances audit automobile automotive bank banque "
    "batiment beton bois btp cablage cables capital ceramique chimie commerce communication confection conseil "
    "conseils construction consulting cosmetique courtage cuir design digital distribution edition education "
    "electronique emballage energie engineering environnement etudes evenementiel events export finance fish food "
    "formation froid gestion hotel hotels immo immobilier import industrie industries informatique ingenierie "
    "interim invest logistics logistique loisirs marine materiaux mecanique media medical metal metallurgie mines "
    "motors negoce nettoyage network packaging peche petrole pharma plast plastique promotion proprete publicite "
    "sante securite security service services solutions sourcing sport systems tech technologie technologies "
    "telecom textile textiles tourisme trading transit transport transports travaux travel voyages"
)
"""What a firm does, as names say it: firms of one family of owners or of one town share the rest of their name."""


def same_vacancy(a: Signature, b: Signature) -> str | None:
    """Return the evidence that `a` and `b` advertise one vacancy, or None. Symmetric."""
    if a.arabic != b.arabic:
        return _across_languages(a, b)
    if a.concepts and b.concepts and not (notice.FRAMES.isdisjoint(a.concepts) or notice.FRAMES.isdisjoint(b.concepts)):
        return _public(a, b)
    if not _same_title(a.title, b.title) or _levels_differ(a, b):
        return None
    place = _place(a, b)
    if place is False:
        return None
    employer = _employer(a.company, b.company)
    if a.source == b.source:
        return _repost(a, b) if place and employer is not False else None
    return _crosspost(a, b, place=place is True, employer=employer)


def overlap(a: Signature, b: Signature) -> float | None:
    """Estimate the share of word triples that the two texts have in common (Jaccard); None where one has no text.

    Where the texts are not one, by far, what is returned is more than the estimate, and less than `SAME_TEXT`.
    """
    if not a.shingles or not b.shingles:
        return None
    size = max(len(a.shingles), len(b.shingles))
    both = set(a.shingles).intersection(b.shingles)
    if len(both) < SAME_TEXT * size:
        return len(both) / size
    union = sorted({*a.shingles, *b.shingles})[:size]
    return sum(value in both for value in union) / size


def _crosspost(a: Signature, b: Signature, *, place: bool, employer: bool | None) -> str | None:
    """Judge two ads of two portals with one title, in no two places."""
    text = overlap(a, b)
    shorter = min(a.text_words, b.text_words)
    full = shorter >= LONG
    if a.levels != b.levels and full and text != 1:
        return None  # a cut title may lose its "senior"; a whole ad does not, and says it in a sentence or two
    if a.reference and a.reference == b.reference and employer is not False:
        return "same reference and title"
    if text is not None and shorter >= SOME and text >= (SAME_TEXT if a.levels == b.levels else COPY):
        return "same title and text"
    if employer and place and not full:
        return "same employer, title and place"
    if employer is None and a.company == b.company and _anonymous(a, b):
        return "same rare title, place and contract, no employer"
    return None


def _anonymous(a: Signature, b: Signature) -> bool:
    """Whether two ads that name no employer agree in all that they state, and in a title that is rare."""
    return (
        min(a.rarity, b.rarity) >= RARE
        and set(a.title) == set(b.title)
        and bool(a.places)
        and (a.places, a.levels) == (b.places, b.levels)
        and a.contract is not None
        and (a.contract, a.salary) == (b.contract, b.salary)
        and not (a.text_words and b.text_words)
    )


def _repost(a: Signature, b: Signature) -> str | None:
    """Judge two ads of one portal with one title in one place: one vacancy only when they are copies."""
    text = overlap(a, b)
    if text is None or text < COPY or set(a.places) != set(b.places):
        return None
    if a.company and b.company and a.company != b.company:
        return None  # a group's two subsidiaries may write one text for two posts
    if (a.contract, a.salary, a.levels) != (b.contract, b.salary, b.levels) or _years_differ(a, b):
        return None
    if min(a.text_words, b.text_words) >= SOME:
        return "copy on the same portal"
    # An excerpt proves less: the employer must be named.
    return "copy on the same portal, cut" if a.company and a.company == b.company and a.title == b.title else None


@lru_cache(_KEPT)
def _same_title(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether both titles name the same job: their stems agree but for filler and spelling."""
    if not a or not b:
        return False
    mine, yours = set(a) - set(b) - _FILLER, set(b) - set(a) - _FILLER
    if not mine and not yours:
        return True
    if len(mine) != len(yours):
        return False
    return all(any(_near(x, y) for y in yours) for x in mine) and all(any(_near(x, y) for x in mine) for y in yours)


@lru_cache(_KEPT)
def outline(title: tuple[str, ...]) -> str:
    """What titles of the same job have in common: how many stems but fillers, and these stems' first letters."""
    stems = set(title) - _FILLER
    return f"{len(stems)}{''.join(sorted({stem[0] for stem in stems}))}"


def _near(one: str, other: str) -> bool:
    """Whether two words of five letters or more differ by one letter at most, and not the first."""
    if one == other:
        return True
    if len(one) > len(other):
        one, other = other, one
    if len(one) < 5 or len(other) - len(one) > 1 or one[0] != other[0]:
        return False
    k = next((i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), len(one))
    return one[k + 1 :] == other[k + 1 :] if len(one) == len(other) else one[k:] == other[k + 1 :]


def _levels_differ(a: Signature, b: Signature) -> bool:
    """Whether both state a seniority, but not the same, or only one is an internship."""
    if a.levels == b.levels:
        return False
    return bool(a.levels and b.levels) or "stage" in {*a.levels, *b.levels}


def _years_differ(a: Signature, b: Signature) -> bool:
    """Whether both say how much experience they ask for, but not the same: by a portal's own classes."""
    return a.experience is not None and b.experience is not None and a.experience != b.experience


def _place(a: Signature, b: Signature) -> bool | None:
    """Whether both name the same town; None where one is silent and the regions do not say."""
    if a.quarters and b.quarters:
        return not set(a.quarters).isdisjoint(b.quarters)
    if a.places and b.places:
        return _meet(a.places, b.places)
    return False if a.regions and b.regions and set(a.regions).isdisjoint(b.regions) else None


@lru_cache(_KEPT)
def _meet(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    return any(_same_name(one, other) for one in a for other in b)


def _same_name(one: str, other: str) -> bool:
    if min(len(one), len(other)) >= 5 and (one.startswith(other) or other.startswith(one)):
        return True
    return _near(one, other)


@lru_cache(_KEPT)
def _employer(a: str | None, b: str | None) -> bool | None:
    """Whether both name the same employer; None where one is silent."""
    if a is None or b is None:
        return None
    mine, yours = a.split(), b.split()
    if set(mine) <= set(yours) or set(yours) <= set(mine):
        return True
    if mine[0] == yours[0] and len(mine[0]) >= 4 and mine[0] not in _KINDS:
        return not (mine[1] != yours[1] and mine[1] in _TRADES and yours[1] in _TRADES)
    return _near("".join(mine), "".join(yours))


def _public(a: Signature, b: Signature) -> str | None:
    """Judge two public notices of one language: one vacancy only when post, employer, grade and deadline agree."""
    if not a.deadline or a.deadline != b.deadline or a.grade != b.grade:
        return None
    return "same public employer, post and deadline" if (a.concepts, a.title) == (b.concepts, b.title) else None


def _across_languages(a: Signature, b: Signature) -> str | None:
    """Judge a French and an Arabic notice by kind, grade, occupation and employer in shared codes, and by deadline."""
    if not a.concepts or not b.concepts or a.grade != b.grade or _place(a, b) is False:
        return None
    dated = bool(a.deadline and b.deadline)
    if dated and a.deadline != b.deadline:
        return None
    about_a, employer_a = split(a.concepts)
    about_b, employer_b = split(b.concepts)
    framed = (about_a | about_b) & notice.FRAMES
    responsibility = notice.RESPONSIBILITY in framed
    if (framed and about_a != about_b) or (not responsibility and a.isco and b.isco and a.isco[0] != b.isco[0]):
        return None
    employers = _share(employer_a, employer_b)
    about = 1.0 if framed else _share(about_a, about_b)
    if dated:
        return "same public post and deadline in French and Arabic" if employers >= 0.5 and about >= 0.34 else None
    alone = employers >= 0.75 and about >= 0.6 and not responsibility
    return "same public post in French and Arabic" if alone else None


def split(concepts: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """Tell what a notice is about from who publishes it."""
    about = {code for code in concepts if code in notice.FRAMES or code.startswith(notice.ABOUT)}
    return about, set(concepts) - about


def _share(mine: set[str], yours: set[str]) -> float:
    """Return the overlap of two sets of codes; a name told by its consonants counts half."""
    union = _weight(mine | yours)
    return _weight(mine & yours) / union if union else 0.0


def _weight(codes: set[str]) -> float:
    return sum(0.5 if code.startswith(notice.NAME) else 1.0 for code in codes)
