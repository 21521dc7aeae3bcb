"""Whether the work is remote or hybrid, where an ad says so; work on site is unknown here, like silence."""

from functools import lru_cache
from typing import Literal

from schemas.messages import Posting
from streams.enrich.text import Phrases, Reading, tokens

Remote = Literal["remote", "hybrid"]
_Verdict = Literal["remote", "hybrid", "no"]

_HYBRID = (
    "poste hybride", "cdi hybride", "rythme hybride", "format hybride", "modèle hybride", "hybrid work",
    "hybrid working", "hybrid role", "hybrid position", "work mode hybrid", "li hybrid", "hybrid model",
    "télétravail hybride", "télétravail partiel", "télétravail possible", "télétravail fréquent",
    "télétravail occasionnel", "jours de télétravail", "jour de télétravail", "télétravail", "travail hybride",
    "hybrid or remote", "mode hybride", "partially remote", "remote days", "days remote", "télétravail 2",
    "télétravail 3", "العمل الهجين", "hybrid mix of on site and remote work",
)  # fmt: skip
_REMOTE = (
    "full remote", "fully remote", "100 remote", "100 télétravail", "télétravail 100", "télétravail oui 100",
    "télétravail total", "télétravail complet", "remote only", "job is remote", "travail à distance",
    "poste à distance", "remote within", "en full remote", "en télétravail complet", "location remote",
    "work from home", "remote job", "remote position", "remote work", "work remotely", "عن بعد", "العمل عن بعد",
    "عمل عن بعد", "entièrement à distance", "télétravail oui",
)  # fmt: skip
_NOT = (
    "télétravail non", "télétravail non autorisé", "pas de télétravail", "sans télétravail", "remote sensing",
    "no remote", "not open for remote work", "horaires hybrides", "horaires hybride", "on site", "onsite",
    "remote support", "remote control", "remote monitoring", "hybrid cloud", "cloud hybride", "hybrides",
    "hybrid infrastructure", "infrastructure hybride", "véhicules hybrides", "hybrid vehicles",
    "architecture hybride", "environnement hybride", "environnements hybrides", "hybrid environment",
    "hybrid environments", "moteur hybride", "véhicule hybride", "infrastructures hybrides",
)  # fmt: skip


def _table(remote: tuple[str, ...], hybrid: tuple[str, ...], no: tuple[str, ...]) -> Phrases[_Verdict]:
    verdicts: dict[str, _Verdict] = dict.fromkeys(no, "no")
    verdicts |= dict.fromkeys(hybrid, "hybrid")
    return Phrases(verdicts | dict.fromkeys(remote, "remote"))


TEXT = _table(_REMOTE, _HYBRID, _NOT)
_FIELD = _table(
    (*_REMOTE, "remote", "télétravail oui 100"), (*_HYBRID, "hybride", "hybrid"), (*_NOT, "tout le maroc a distance")
)
TITLE = _table(
    (*_REMOTE, "remote", "en télétravail", "télétravail"), ("hybride", "hybrid", "télétravail partiel"), _NOT
)


def remote(posting: Posting, reading: Reading) -> Remote | None:
    """Return how an ad lets people work: from the portal's fields, else the title, else the description."""
    for field in (posting.contract_raw, posting.city, posting.region_raw):
        if field and (verdict := _stated(field[:400])):
            return None if verdict == "no" else verdict
    for named in (reading.entitled(TITLE), reading.find(TEXT)):
        found = {verdict for _, _, verdict in named} - {"no"}
        if found:
            return "hybrid" if "hybrid" in found else "remote"
    return None


@lru_cache(maxsize=4096)
def _stated(raw: str) -> _Verdict | None:
    found = _FIELD.find(tokens(raw))
    return found[-1][2] if found else None
