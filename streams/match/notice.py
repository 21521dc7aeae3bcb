"""What a public notice says in codes that French and Arabic share, so that its two versions meet without translation.

Employers and posts are named by a small table of concepts (`concepts.tsv`); a name outside it, mostly a town, by the
consonants that its two spellings share.
"""

import re
from collections.abc import Iterator, Mapping

from streams.enrich.occupation import words as titles
from streams.enrich.text import words

RESPONSIBILITY = "responsabilite"
COMPETITION = "concours"
FRAMES = frozenset((RESPONSIBILITY, COMPETITION))
"""Kinds of notice that say themselves what they are about; any other is told by the concepts of its title."""

ABOUT = "+"
"""Prefix of a concept of the title; those of the employer have none."""

NAME = "~"
"""Prefix of a name told by its consonants."""

PUBLIC = frozenset(
    ("ministere", "agence", "office", "province", "conseil", "commune", "delegation", "etat", "instance", "centre")
)
"""Concepts that show a French employer to be public."""

_POSTS = re.compile(r"postes? de responsabilite|مناصب? (?:ال)?مس(?:ؤ|و)وليه|fonctions? superieures|مناصب عليا")
_GRADE = re.compile(r"(\d)(?:er|re|e|eme|nd) grade|الدرجه (الاولي|الثانيه|الثالثه|الرابعه|الممتازه)")
_SCALE = re.compile(r"(?:echelle|سلم) ?(\d{1,2})\b")
_RANK = {"الاولي": "1", "الثانيه": "2", "الثالثه": "3", "الرابعه": "4", "الممتازه": "0"}
_PARTICLES = "بلوك"

_CONSONANTS = str.maketrans(
    {
        **dict(zip("بتثجخدذرزسشصضطظغفقكلمن", "bttjkddrsscsdtdkfkklmn", strict=True)),
        **dict.fromkeys("احهعويءئؤ", ""),
        **dict.fromkeys("aeiouyhw'", ""),
        **dict(zip("zqgvp", "skkfb", strict=True)),
        "x": "ks",
    }
)


def concepts(title: str, employer: str, table: Mapping[str, str], *, arabic: bool) -> tuple[str, ...]:
    """Return the codes of a folded title and employer; none where neither is Arabic nor the employer public."""
    if not arabic and not is_public(employer, table):
        return ()
    named = _codes(employer, table, arabic=arabic)
    found = dict.fromkeys(code or NAME + skeleton(word) for word, code in named)
    if _POSTS.search(title):
        about = [RESPONSIBILITY]
    elif COMPETITION in title or "مباراه" in title:
        about = [COMPETITION]
    else:
        about = [ABOUT + code for _, code in _codes(title, table, arabic=arabic) if code]
    return (*list(dict.fromkeys(about))[:6], *list(found)[:10])


def is_public(employer: str, table: Mapping[str, str]) -> bool:
    """Whether a folded French name is a public employer's."""
    return any(code in PUBLIC for _, code in _codes(employer, table, arabic=False))


def grade(title: str) -> str | None:
    """Return the grade and scale that a folded title states, as `grade/scale`, either of them empty."""
    step = _GRADE.search(title) if "grade" in title or "الدرجه" in title else None
    scale = _SCALE.search(title) if "echelle" in title or "سلم" in title else None
    if not step and not scale:
        return None
    rank = (step.group(1) or _RANK[step.group(2)]) if step else ""
    return f"{rank}/{scale.group(1) if scale else ''}"


def _codes(folded: str, table: Mapping[str, str], *, arabic: bool) -> Iterator[tuple[str, str | None]]:
    for word in words(folded):
        if word in titles.STOP or word.isdigit():
            continue
        code = table.get(titles.stem(word))
        if code is None and arabic and word[0] in _PARTICLES and len(word) > 3:
            code = table.get(titles.stem(word[1:]))
        yield word, code


def skeleton(word: str) -> str:
    """Return the consonants of a folded name, which its French and Arabic spellings share.

    `khenifra` and خنيفره both give `knfr`.
    """
    if word > "\u0600" and word.startswith("ال") and len(word) > 4:
        word = word[2:]
    word = re.sub(r"(.)\1", r"\1", word)
    word = word.replace("ch", "C").replace("sh", "C").replace("kh", "k").replace("gh", "k").replace("qu", "k")
    word = re.sub(r"c(?=[eiy])", "s", word).replace("c", "k")
    return word.translate(_CONSONANTS).replace("C", "c")
