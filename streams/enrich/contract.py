"""Which contract an ad offers, from the portal's field, else its title, else its description.

`anapec` is the insertion contract (contrat d'insertion), `public` a competition for or an appointment to the civil
service. Full time and part time are no contracts. An ad that leaves the choice between several is unknown.
"""

from functools import lru_cache
from typing import Literal

from schemas.messages import Posting
from streams.enrich.text import Match, Phrases, Reading, tokens

Contract = Literal["cdi", "cdd", "anapec", "interim", "stage", "freelance", "alternance", "public"]


def _phrases(table: dict[Contract, tuple[str, ...]]) -> Phrases[Contract]:
    return Phrases({phrase: contract for contract, phrases in table.items() for phrase in phrases})


_FIELD = _phrases(
    {
        "cdi": ("cdi", "permanent", "contrat à durée indéterminée", "durée indéterminée", "عقد غير محدد المدة",
        "غير محدد المدة"),
        "cdd": ("cdd", "fixed term", "contrat à durée déterminée", "durée déterminée", "saisonnier",
        "عقد محدد المدة", "محدد المدة"),
        "anapec": ("anapec", "ci", "contrat d'insertion", "contrat insertion", "idmaj", "إدماج", "عقد إدماج", "أنابيك"),
        "interim": ("intérim", "intérimaire", "travail temporaire", "مؤقت"),
        "stage": ("stage", "stagiaire", "internship", "intern", "stage pfe", "pfe", "تدريب", "متدرب"),
        "freelance": ("freelance", "free lance", "freelancer", "indépendant", "self employed"),
        "alternance": ("alternance", "apprentissage", "apprenticeship", "apprenti"),
        "public": (
            "concours", "concours de recrutement", "postes de responsabilités", "poste de responsabilité",
            "fonctionnaire", "statutaire", "مباراة", "المباريات", "مناصب المسؤولية", "منصب المسؤولية",
            "recrutement des experts",
        ),
    }
)  # fmt: skip

TITLE = _phrases(
    {
        "cdi": ("cdi", "durée indéterminée"),
        "cdd": ("cdd", "durée déterminée", "fixed term", "contrat saisonnier", "saisonnier", "saisonnière"),
        "anapec": ("anapec", "contrat d'insertion", "أنابيك"),
        "interim": ("intérim", "intérimaire", "intérimaires", "mission d'intérim"),
        "stage": (
            "stage", "stages", "stagiaire", "stagiaires", "internship", "intern", "interns", "trainee", "pfe",
            "متدرب", "متدربة", "متدربين", "تدريب",
        ),
        "freelance": ("freelance", "free lance", "freelancer", "freelances"),
        "alternance": ("alternance", "alternant", "alternante", "apprenti", "apprentie", "contrat d'apprentissage"),
        "public": (
            "avis de concours", "concours de recrutement", "postes de responsabilités", "poste de responsabilité",
            "appel à candidature", "appel à candidatures", "مباراة لتوظيف", "مباراة توظيف", "مباراة", "مناصب المسؤولية",
            "لمناصب المسؤولية", "لمنصب المسؤولية",
        ),
    }
)  # fmt: skip
_STAFF = frozenset(
    tokens("des les responsable chargé chargée maître directeur gestionnaire suivi hors recrutement coordinateur")
)
"""Words before "stage" that make it the occupation's object, not the contract."""

BODY = _phrases(
    {
        "cdi": ("cdi", "contrat à durée indéterminée", "permanent contract", "عقد عمل دائم", "غير محدد المدة"),
        "cdd": ("cdd", "contrat à durée déterminée", "fixed term contract", "contrat saisonnier", "محدد المدة"),
        "anapec": ("contrat anapec", "contrats anapec", "contrat d'insertion", "contrat idmaj", "anapec",
        "عقد أنابيك", "أنابيك"),
        "interim": (
            "contrat intérim", "contrat d'intérim", "en intérim", "mission d'intérim", "missions d'intérim",
            "mission intérim", "contrat intérimaire", "mission intérimaire", "contrat de travail temporaire",
        ),
        "stage": (
            "offre de stage", "contrat de stage", "stage pfe", "stage de fin", "stage rémunéré", "stage de pré",
            "durée du stage", "durée de stage", "convention de stage", "internship duration", "this internship",
            "stage non rémunéré", "de ce stage", "un stage de", "stage pré",
        ),
        "freelance": ("en freelance", "mission freelance", "freelance basis", "freelance contract", "statut freelance"),
        "alternance": ("en alternance", "contrat d'apprentissage", "contrat de professionnalisation"),
    }
)  # fmt: skip


def contract(posting: Posting, reading: Reading) -> Contract | None:
    """Return the one contract that an ad offers."""
    stated = _stated(posting.contract_raw[:400]) if posting.contract_raw else frozenset()
    if len(stated) == 1:
        return next(iter(stated))
    titled = _titled(reading.title_words, reading.entitled(TITLE))
    if stated:
        return next(iter(titled)) if len(titled) == 1 and titled <= stated else None
    if titled:
        return next(iter(titled)) if len(titled) == 1 else None
    described = {value for _, _, value in reading.find(BODY)}
    return described.pop() if len(described) == 1 else None


@lru_cache(maxsize=1024)
def _stated(raw: str) -> frozenset[Contract]:
    return frozenset(value for _, _, value in _FIELD.find(tokens(raw)))


def _titled(title: list[str], found: list[Match[Contract]]) -> frozenset[Contract]:
    if not found:
        return frozenset()
    contracts = {value for start, _, value in found if value != "stage" or start == 0 or title[start - 1] not in _STAFF}
    if "stage" in contracts and "public" not in contracts:
        return frozenset({"stage"})  # "stage pré-embauche CDI" is a traineeship first
    return frozenset(contracts)
