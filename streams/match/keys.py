"""Index keys of a signature: ads of one vacancy share at least one, so that only ads that share a key are compared."""

import zlib
from typing import NamedTuple

from schemas.messages import Signature
from streams.match.pairs import RARE, SOME, outline, split

LIMIT = 58
"""Keys under which one signature is entered at most: one of four towns and three quarters."""

_BANDS = 5
_EMPLOYER = 6
"""Letters of an employer's name."""

_CLASSES = 16
"""Classes of places, by their first letters."""

_NOWHERE = _CLASSES.to_bytes()
"""The class of what names no place."""


class Keys(NamedTuple):
    """Keys under which an ad is entered in the index, and those under which it looks for others: these, then more.

    Of two ads that may be one vacancy each finds the other.
    """

    entered: tuple[bytes, ...]
    asked: tuple[bytes, ...]


def keys(sig: Signature) -> Keys:
    """Keys of a letter, four bytes and perhaps a class of places: employer (or none) and job, text, reference, notice.

    Two ads of one vacancy have titles of one `outline` and, where both name a place, share a place's first letter: with
    both in its keys a large employer's posts in all towns do not stand in one entry, nor do the sentences of a chain.
    By its text, or as a notice in another language, an ad that names no place meets those that do: it is entered under
    none, where all look, and looks everywhere.
    """
    found: list[bytes] = []
    spread: list[bytes] = []
    job = min(sig.title, key=_rank) if sig.title else ""
    about = outline(sig.title)
    letters = sorted({place[0] for place in (*sig.places, *sig.quarters)})
    if sig.company and job:
        first, whole = sig.company.split()[0], "".join(sig.company.split())
        for letter in letters or ("",):
            if len(first) < _EMPLOYER:  # else whoever shares its first word shares the beginning too
                found.append(_key("e", first, job, about, letter))
            found.append(_key("j", whole[:_EMPLOYER], job[:3], about, letter))
    elif job and sig.places and sig.contract and sig.rarity >= RARE:
        found.append(_key("n", *sorted(sig.title), sig.places[0]))
    if sig.text_words >= SOME:
        # With the title's: sentences that an agency or a portal puts under every ad would make one key of them all.
        titled = zlib.crc32(f"{job[:3]}\t{about}".encode())
        spread += [b"t" + zlib.crc32(one.to_bytes(4), titled).to_bytes(4) for one in sig.shingles[:_BANDS]]
    if sig.reference:
        found.append(_key("r", sig.reference))
    topic, employer = split(sig.concepts)
    if topic and employer:  # a notice of which one is unknown is not told from others
        if sig.deadline or sig.grade:
            found.append(_key("c", sig.deadline or "", sig.grade or ""))
        spread.append(_key("d", sig.grade or "", min(topic), min(employer)))
    nowhere = [key + _NOWHERE for key in spread]
    where = {ord(letter) % _CLASSES for letter in letters} if sig.places else range(_CLASSES)
    somewhere = [key + place.to_bytes() for place in sorted(where) for key in spread]
    own, others = (somewhere, nowhere) if sig.places else (nowhere, somewhere)
    entered = tuple(dict.fromkeys((*found, *own)))
    return Keys(entered, (*entered, *others))


def _rank(one: str) -> tuple[int, str]:
    return -len(one), one


def _key(kind: str, *parts: str) -> bytes:
    return kind.encode() + zlib.crc32("\t".join(parts).encode()).to_bytes(4, "big")
