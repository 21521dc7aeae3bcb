"""Index keys of a signature: ads of one vacancy share some, so that only ads that do are compared."""

import zlib
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from schemas.messages import Signature
from streams.match.pairs import RARE, SOME, outline, split

T = TypeVar("T")

LIMIT = 58
"""Keys under which one signature is entered at most: one of four towns and three quarters."""

_BANDS = 5
"""Hashes of a text that are keys: of two texts that overlap by `SAME_TEXT` all but one pair of a hundred share two."""

_EMPLOYER = 6
"""Letters of an employer's name."""

_CLASSES = 16
"""Classes of places, by their first letters."""

_NOWHERE = _CLASSES.to_bytes()
"""The class of what names no place."""

_ALL = [place.to_bytes() for place in range(_CLASSES)]


class Keys(NamedTuple):
    """Keys under which an ad is `entered` in the index, and those under which it looks for others.

    Whoever is entered under one of `asked` is met, and whoever shares two of `texts` (the keys of each hash): one may
    be chance. Of two ads each meets the other or neither does.
    """

    entered: tuple[bytes, ...]
    asked: tuple[bytes, ...]
    texts: tuple[tuple[bytes, ...], ...] = ()


def meet(keys: Keys, entries: Callable[[bytes], Iterable[T]]) -> set[T]:
    """Return whom an ad meets, of those who are entered under each key."""
    all_of_them: set[T] = set().union(*map(entries, keys.asked))
    once: set[T] = set()
    for text in keys.texts:
        said = set().union(*map(entries, text))
        all_of_them |= once & said
        once |= said
    return all_of_them


def keys(sig: Signature) -> Keys:
    """Keys of a letter, four bytes and perhaps a class of places: employer (or none) and job, text, reference, notice.

    Two ads of one vacancy have titles of one `outline` and, where both name a place, share a place's first letter: with
    both in its keys a large employer's posts in all towns do not stand in one entry, nor do the sentences of a chain.
    By its text, or as a notice in another language, an ad that names no place meets those that do: it is entered under
    none, where all look, and looks everywhere.
    """
    own: list[bytes] = []
    job = min(sig.title, key=_rank) if sig.title else ""
    about = outline(sig.title)
    letters = sorted({place[0] for place in (*sig.places, *sig.quarters)})
    classes = [place.to_bytes() for place in sorted({ord(letter) % _CLASSES for letter in letters})]
    here, there = (classes, [_NOWHERE]) if sig.places else ([_NOWHERE], _ALL)
    if sig.company and job:
        first, whole = sig.company.split()[0], "".join(sig.company.split())
        for letter in letters or ("",):
            if len(first) < _EMPLOYER:  # else whoever shares its first word shares the beginning too
                own.append(_key("e", first, job, about, letter))
            own.append(_key("j", whole[:_EMPLOYER], job[:3], about, letter))
    elif job and sig.places and sig.contract and sig.rarity >= RARE:
        own.append(_key("n", *sorted(sig.title), sig.places[0]))
    if sig.reference:
        own.append(_key("r", sig.reference))
    topic, employer = split(sig.concepts)
    others: list[bytes] = []
    if topic and employer:  # a notice of which one is unknown is not told from others
        if sig.deadline or sig.grade:
            own.append(_key("c", sig.deadline or "", sig.grade or ""))
        notice = _key("d", sig.grade or "", min(topic), min(employer))
        own += [notice + place for place in here]
        others = [notice + place for place in there]
    said: list[bytes] = []
    if sig.text_words >= SOME:
        # With the title's: sentences that an agency or a portal puts under every ad would make one key of them all.
        titled = zlib.crc32(f"{job[:3]}\t{about}".encode())
        said = [b"t" + zlib.crc32(one.to_bytes(4), titled).to_bytes(4) for one in sig.shingles[:_BANDS]]
        said += [b"o" + one[1:] for one in said if len(said) == 1]  # a text of one hash is another's by that one
    entered = dict.fromkeys((*own, *(key + place for key in said for place in here)))
    texts = tuple(tuple([key + place for place in (*here, *there)]) for key in said)
    return Keys(tuple(entered), (*own, *others), texts)


def _rank(one: str) -> tuple[int, str]:
    return -len(one), one


def _key(kind: str, *parts: str) -> bytes:
    return kind.encode() + zlib.crc32("\t".join(parts).encode()).to_bytes(4, "big")
