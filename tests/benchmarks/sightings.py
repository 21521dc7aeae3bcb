"""The small job of the benchmarks: its input, its decoder, its recount. Every system under test imports this module.

Decode 1 kB postings, drop repeats by id, count by occupation × region × minute. The topic's key is the occupation, so
that repeats and cells never cross partitions and no system has to shuffle. Needs msgspec alone.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

RECORD_BYTES = 1000
OCCUPATIONS, REGIONS = 400, 12
PER_MINUTE = 60_000
"""Records of one minute of event time: a thousand a second."""

REPEATS = 0.1
BEGIN = 1_767_225_600
WORDS = [
    "gestion",
    "équipe",
    "clients",
    "suivi",
    "rapport",
    "production",
    "qualité",
    "vente",
    "projet",
    "service",
    "technique",
    "maintenance",
    "dossier",
    "stock",
    "planning",
    "contrôle",
    "sécurité",
    "transport",
    "accueil",
    "achat",
    "paie",
    "budget",
    "analyse",
    "formation",
    "réseau",
    "logiciel",
    "chantier",
    "soins",
    "انضباط",
    "خبرة",
    "تسيير",
    "مبيعات",
    "محاسبة",
    "صيانة",
    "جودة",
    "تكوين",
    "reporting",
    "delivery",
    "support",
    "lead",
    "junior",
    "senior",
]


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """What the job needs of a posting; the decoder skips the other fields. `at` is its minute, epoch seconds."""

    id: str
    isco: str
    region: str
    at: int

    @property
    def cell(self) -> str:
        """Where it is counted."""
        return f"{self.isco} {self.region} {self.at}"


decode = msgspec.json.Decoder(Sighting).decode


def numbers(records: int, seed: int) -> Iterator[int]:
    """The posting of each record by its number; a tenth show an earlier one again."""
    draw = random.Random(seed)
    for n in range(records):
        yield draw.randrange(n) if n and draw.random() < REPEATS else n


def facts(n: int) -> tuple[int, int, int]:
    """Occupation, region (indices) and minute (epoch seconds) of posting `n`."""
    mixed = n * 2_654_435_761 & 0xFFFFFFFF
    return (mixed >> 8) % OCCUPATIONS, (mixed >> 20) % REGIONS, BEGIN + n // PER_MINUTE * 60


def records(count: int, seed: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Occupation index, key and value of each record of a topic of `count`."""
    draw = random.Random(seed)
    texts = [_text(draw) for _ in range(512)]
    for n in numbers(count, seed):
        occupation, region, at = facts(n)
        isco = f"{1000 + 20 * occupation}"
        head = (
            f'{{"v":1,"source":"portail-{n % 9}","id":"p{n:09}","side":"offer","at":{at},"isco":"{isco}",'
            f'"region":"MA-{region + 1:02}","title":"Poste {n % 977}","company":"Société {n % 4999}","description":"'
        ).encode()
        text = texts[n & 511]
        tail = text[: RECORD_BYTES - 2 - len(head)].decode("utf-8", "ignore").encode()  # no half a letter at the cut
        yield occupation, isco.encode(), head + tail + b'"}'


def recount(count: int, seed: int) -> dict[str, int]:
    """The counts by cell, made without any of the systems."""
    counts: Counter[str] = Counter()
    for n in set(numbers(count, seed)):
        occupation, region, at = facts(n)
        counts[f"{1000 + 20 * occupation} MA-{region + 1:02} {at}"] += 1
    return dict(counts)


def digest(counts: Mapping[str, int]) -> str:
    """Sixteen hexadecimal digits that differ when any count does."""
    lines = "".join(f"{cell}={n}\n" for cell, n in sorted(counts.items()))
    return blake2b(lines.encode(), digest_size=8).hexdigest()


def result(system: str, seconds: float, counts: Mapping[str, int], **more: Any) -> str:  # noqa: ANN401 - JSON values
    """What a measured process prints as its last line."""
    found = {"system": system, "seconds": seconds, "cells": len(counts), "counted": sum(counts.values())}
    return msgspec.json.encode({**found, "digest": digest(counts), **more}).decode()


def _text(draw: random.Random) -> bytes:
    return " ".join(draw.choices(WORDS, k=260)).encode()
