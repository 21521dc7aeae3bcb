"""Index keys of a signature: ads of one vacancy share at least one, so that only ads that share a key are compared."""

import zlib

from schemas.messages import Signature

LIMIT = 12
"""Keys of one signature at most."""

_BANDS = 5


def keys(sig: Signature) -> tuple[bytes, ...]:
    """At most `LIMIT` keys of a letter and four bytes: employer (or none) and job, text, reference, public notice."""
    found: list[bytes] = []
    job = min(sig.title, key=_rank) if sig.title else ""
    if sig.company and job:
        found.append(_key("e", sig.company.split()[0], job))
        found.append(_key("j", "".join(sig.company.split())[:6], job[:3]))
    elif job and sig.places:
        found.append(_key("n", *sorted(sig.title), sig.places[0]))
    # With the job's beginning: sentences that an agency or a portal puts under every ad would make one key of them all.
    end = f"\t{job[:3]}"
    found += [b"t" + zlib.crc32(f"{value}{end}".encode()).to_bytes(4, "big") for value in sig.shingles[:_BANDS]]
    if sig.reference:
        found.append(_key("r", sig.reference))
    if sig.concepts and (sig.deadline or sig.grade):
        found.append(_key("c", sig.deadline or "", sig.grade or ""))
    if sig.concepts:
        found.append(_key("d", sig.grade or "", *sorted(sig.concepts)[:1]))
    return tuple(dict.fromkeys(found))[:LIMIT]


def _rank(one: str) -> tuple[int, str]:
    return -len(one), one


def _key(kind: str, *parts: str) -> bytes:
    return kind.encode() + zlib.crc32("\t".join(parts).encode()).to_bytes(4, "big")
