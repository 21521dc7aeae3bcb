"""Index keys of a signature: ads of one vacancy share at least one, so that only ads that share a key are compared."""

import zlib

from schemas.messages import Signature
from streams.match.pairs import RARE, SOME, outline, split

LIMIT = 16
"""Keys of one signature at most."""

_BANDS = 5
_PLACES = 4
_EMPLOYER = 6
"""Letters of an employer's name."""


def keys(sig: Signature) -> tuple[bytes, ...]:
    """At most `LIMIT` keys of a letter and four bytes: employer (or none) and job, text, reference, public notice.

    Two ads of one vacancy have titles of one `outline` and, where both name a place, share a place's first letter: with
    both in its keys a large employer's posts in all towns do not stand in one entry. An ad that names no place meets
    those that do by its text or reference, which is all that could join them.
    """
    found: list[bytes] = []
    job = min(sig.title, key=_rank) if sig.title else ""
    about = outline(sig.title)
    if sig.company and job:
        first, whole = sig.company.split()[0], "".join(sig.company.split())
        for letter in sorted({place[0] for place in (*sig.places, *sig.quarters)})[:_PLACES] or ("",):
            if len(first) < _EMPLOYER:  # else whoever shares its first word shares the beginning too
                found.append(_key("e", first, job, about, letter))
            found.append(_key("j", whole[:_EMPLOYER], job[:3], about, letter))
    elif job and sig.places and sig.contract and sig.rarity >= RARE:
        found.append(_key("n", *sorted(sig.title), sig.places[0]))
    if sig.text_words >= SOME:
        # With the title's: sentences that an agency or a portal puts under every ad would make one key of them all.
        found += [_key("t", str(value), job[:3], about) for value in sig.shingles[:_BANDS]]
    if sig.reference:
        found.append(_key("r", sig.reference))
    topic, employer = split(sig.concepts)
    if topic and employer:  # a notice of which one is unknown is not told from others
        if sig.deadline or sig.grade:
            found.append(_key("c", sig.deadline or "", sig.grade or ""))
        found.append(_key("d", sig.grade or "", min(topic), min(employer)))
    return tuple(dict.fromkeys(found))[:LIMIT]


def _rank(one: str) -> tuple[int, str]:
    return -len(one), one


def _key(kind: str, *parts: str) -> bytes:
    return kind.encode() + zlib.crc32("\t".join(parts).encode()).to_bytes(4, "big")
