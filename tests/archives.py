"""Archives of our own for tests.

Seeded postings of several portals with duplicates, edits, re-sightings and bad rows.
"""

import gzip
import json
import random
from datetime import date, timedelta
from pathlib import Path

TITLES = ["Comptable", "Infirmier polyvalent", "Développeur Java", "Chauffeur poids lourd", "محاسب", "Sales manager"]
CITIES = ["Casablanca", "Rabat", "Fès", "Tanger", "Agadir", "Marrakech", "طنجة"]
COMPANIES = ["Atlas Conseil", "Rif Logistique", "Souss Agro", "Bahia Santé"]
TASKS = [
    "tenir les dossiers",
    "accueillir les clients",
    "suivre les stocks",
    "rédiger les rapports",
    "conduire l'équipe",
]


def make(path: Path, rows: int, seed: int) -> int:
    """Write a gzipped archive and return how many sightings it holds."""
    draw = random.Random(seed)
    begin = date(2025, 1, 6)
    lines: list[bytes] = []
    sightings = 0
    for number in range(rows):
        first = begin + timedelta(days=draw.randrange(200))
        last = first + timedelta(days=draw.choice([0, 0, 0, 3, 12]))
        row: dict[str, object] = {
            "source": draw.choice(["portail-a", "portail-b"]),
            "title": draw.choice(TITLES),
            "company": draw.choice(COMPANIES),
            "city": draw.choice(CITIES),
            "description": f"Poste {number % 17}. " + " ".join(draw.choices(TASKS, k=12)) + f" {number % 17}" * 8,
            "seen_first": first.isoformat(),
            "seen_last": last.isoformat(),
        }
        if draw.random() < 0.7:
            row["source_id"] = str(draw.randrange(rows))
        if draw.random() < 0.3:
            row["deadline_raw"] = (first + timedelta(days=draw.randrange(-5, 30))).strftime("%d/%m/%Y")
        if draw.random() < 0.03:
            row["title"] = " "
        if draw.random() < 0.02:
            row["side"] = "patron"
        lines.append(json.dumps(row, ensure_ascii=False).encode())
        sightings += 1 + (last > first)
        if draw.random() < 0.2:
            lines.append(
                json.dumps({**row, "source": "portail-c", "source_id": f"c{number}"}, ensure_ascii=False).encode()
            )
            sightings += 1 + (last > first)
        if draw.random() < 0.01:
            lines.append(b'{"source": "portail-a", "title": ')
            sightings += 1
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    return sightings
