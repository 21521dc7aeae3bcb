"""Which language an ad is written in (French, English, Arabic or mixed), and which languages it asks for.

A detector of function words, word endings and accents: the three languages of the market share few of them, and it
costs a few microseconds where a general language model costs hundreds.
"""

from typing import Literal

from schemas.messages import Posting
from streams.enrich.text import Phrases, Reading, tokens

Language = Literal["fr", "ar", "en", "mixed"]

READ_WORDS = 150
"""Words of the description that are judged: enough for a verdict, and bounded."""

_FRENCH = frozenset(
    tokens(
        "le la les un une des du de d l et en pour avec dans sur au aux vous nous votre vos notre nos est sont "
        "êtes sera serez par qui que ou plus "
        "ce cette ces chez son sa ses leur leurs ainsi afin dont être avoir avez selon entre sans sous très bon "
        "bonne niveau poste recherche "
        "recherchons recrute recrutons recrutement expérience équipe entreprise société mission missions profil "
        "formation maîtrise gestion chargé chargée "
        "responsable ingénieur technicien assistante commerciale directeur vendeur vendeuse chauffeur femme "
        "ménage aide soignant "
        "soignante infirmier infirmière comptable stagiaire stage urgent emploi travail cherche anglophone "
        "francophone expérimenté stages polyvalent polyvalente administratif commercial technico cariste "
        "caristes avocat analyste surveillant opérateur opératrice chef projet cuisinier serveur serveuse "
        "conseiller conseillère clientèle téléconseiller téléconseillers téléopérateurs magasinier coiffeuse "
        "caissière contrôleur ouvrier maçon électricien "
        "plombier soudeur mécanicien livreur gardien réceptionniste secrétaire enseignant professeur formateur "
        "développeur h f hf agents chargés "
        "adjoint gouvernante pâtissier boulanger femmes hommes logistique qualité maintenance achats études "
        "bureau travaux conducteur administrateur"
    )
) - {"or"}  # fmt: skip
_ENGLISH = frozenset(
    tokens(
        "the of and to in for with you your our we is are will be as at this that have has from by an on job "
        "description requirements experience "
        "skills team work working company required responsibilities ability knowledge strong must should who "
        "their they it its all can manager engineer "
        "officer specialist developer analyst lead head sales customer support supervisor coordinator executive "
        "associate "
        "buyer teacher business development software quality process product human resources account "
        "representative intern "
        "internship looking hiring speaker planner administrator designer architect controller accountant nurse "
        "driver cook waiter trainer chief operator"
    )
) - {"f"}  # fmt: skip
_FRENCH_ENDINGS = (
    "eur", "eurs", "euse", "euses", "trice", "ice", "ienne", "iere", "ier", "iers", "eux", "aire", "aires", "ique",
    "iques", "aux", "ement", "ee", "ees", "age", "ien", "iens", "iste", "erie", "iers", "ateur", "onnier", "ants",
    "ante",
)  # fmt: skip
_ACCENTED = frozenset("éèêëçàâùûôîïœÉÈÊÇÀÔÎ")
_ENGLISH_ENDINGS = ("ing", "er", "ship", "ness", "ly", "ity", "ed", "ist", "ics")


def language(posting: Posting, reading: Reading) -> Language | None:
    """Return the language of the ad's own text; the portal's language only where the words do not tell."""
    parts = reading.title_words + reading.body_words[:READ_WORDS]
    if not (reading.title.isascii() and reading.body.isascii()):
        arabic = sum("\u0620" <= part[0] <= "\u064a" for part in parts)
        if arabic:
            latin = sum(part.isascii() and part.isalpha() and len(part) > 2 for part in parts)
            if arabic * 4 > arabic + latin:
                return "ar" if latin * 4 <= arabic + latin else "mixed"
    french = sum(map(_FRENCH.__contains__, parts))
    english = sum(map(_ENGLISH.__contains__, parts))
    if french + english >= 12 and min(french, english) * 10 > (french + english) * 4:
        return "mixed"
    if french == english:  # too little text for function words: the endings of its words and its accents decide
        frenches = sum(len(part) > 4 and part.endswith(_FRENCH_ENDINGS) for part in parts[:12])
        french += frenches + 2 * any(letter in _ACCENTED for letter in posting.title or "")
        english += sum(
            len(part) > 4 and part.endswith(_ENGLISH_ENDINGS) and not part.endswith(_FRENCH_ENDINGS)
            for part in parts[:12]
        )
    if french > english:
        return "fr"
    if english > french:
        return "en"
    return {"fr": "fr", "ar": "ar", "en": "en"}.get((posting.lang_portal or "")[:2])  # type: ignore[return-value]


_NAMES: dict[str, tuple[str, ...]] = {
    "fr": ("français", "langue française", "francophone", "francophones", "french", "الفرنسية", "فرنسية", "francais"),
    "en": ("anglais", "langue anglaise", "anglophone", "anglophones", "english", "الإنجليزية", "الانجليزية",
    "إنجليزية", "anglais courant"),
    "ar": ("arabe", "langue arabe", "arabophone", "arabophones", "arabic", "اللغة العربية", "العربية"),
    "es": ("espagnol", "langue espagnole", "hispanophone", "hispanophones", "spanish", "الإسبانية", "espagnole"),
    "de": ("allemand", "langue allemande", "germanophone", "germanophones", "german", "الألمانية"),
    "it": ("italien", "langue italienne", "italophone", "italophones", "italian", "الإيطالية"),
    "nl": ("néerlandais", "néerlandophone", "néerlandophones", "dutch", "nederlands", "الهولندية"),
    "pt": ("portugais", "lusophone", "lusophones", "portuguese", "البرتغالية"),
    "ru": ("russe", "russian", "russophone"),
    "tr": ("turc", "turkish"),
    "zh": ("chinois", "mandarin", "chinese"),
    "pl": ("polonais", "polish"),
    "sv": ("suédois", "swedish"),
    "da": ("danois", "danish"),
    "no": ("norvégien", "norwegian"),
    "fi": ("finnois", "finnish"),
    "he": ("hébreu", "hebrew"),
    "ber": ("amazigh", "amazighe", "tamazight", "الأمازيغية"),
}  # fmt: skip
LANGUAGES: Phrases[str] = Phrases({name: code for code, names in _NAMES.items() for name in names})
_OWNERS = frozenset(
    tokens(
        "marché marchés client clients groupe leader territoire droit courtier État état ministère public "
        "institut franco gouvernement passeport "
        "permis produit produits site partenaire cabinet opérateur constructeur système"
    )
)
_OWNED = frozenset(
    tokens("market markets company companies clients client group customer customers law government embassy team")
)
_ADJECTIVES = frozenset(
    tokens("french english arabic spanish german italian dutch portuguese russian turkish chinese polish")
)
"""Names that stand before what they qualify: "French clients" asks for no French, "anglais. Client" does."""


def languages(reading: Reading) -> tuple[str, ...]:
    """Return the languages that the ad asks for, as sorted ISO 639 codes: named as a language, not as a nationality."""
    found: set[str] = set()
    named = ((reading.title_words, reading.entitled(LANGUAGES)), (reading.body_words, reading.find(LANGUAGES)))
    for parts, matches in named:
        for start, end, code in matches:
            owned = parts[start] in _ADJECTIVES and end < len(parts) and parts[end] in _OWNED
            if not owned and not (start and parts[start - 1] in _OWNERS):
                found.add(code)
    return tuple(sorted(found))
