"""In which economic activity the employer is: the section (A–U) of ISIC Rev. 4.

Portals mix activities ("BTP") with occupational families ("Comptabilité", "Maintenance"): only an activity counts.
Where a field gives both, the part after "Secteur" is the activity. Where the field is silent an employer is known by a
name that says what it does ("Clinique …", "… Assurances"), else by what the ad says of it ("leader du secteur
bancaire", "une société de gardiennage recrute"), which is not what it says of the experience that it asks for.
"""

import csv
from functools import lru_cache
from pathlib import Path

from schemas.messages import Posting
from streams.enrich.text import TITLE_LIMIT, Match, Phrases, Reading, fold, tokens, words

_SECTIONS: dict[str, str] = {
    "A": (
        "agriculture; agricole; pêche; élevage; espaces verts; agriculture environnement; farming; "
        "الفلاحة; agriculture métiers"
    ),
    "B": ("mines; extraction; mining; carrières; pétrole gaz; oil and gas; hydrocarbures"),
    "C": (
        "industrie; industries; autres industries; manufacturing; agroalimentaire; agro alimentaire; "
        "industrie agroalimentaire; aéronautique; spatial; métallurgie; sidérurgie; chimie; parachimie; "
        "pharmaceutical manufacturing; motor vehicle manufacturing; textile; cuir; papier; carton; "
        "plasturgie; plastique; câblage; automobile manufacturing; automobile; industrie automobile; "
        "équipementier automobile; électro mécanique; mécanique; matériaux; tabac; ameublement; "
        "food and beverage manufacturing; chemical manufacturing; "
        "appliances electrical and electronics manufacturing; electrical and electronics manufacturing; "
        "imprimerie; biologie chimie pharmaceutique; industrie pharmaceutique; "
        "aviation and aerospace component manufacturing; ferroviaire; équipements; "
        "machinery manufacturing; medical equipment manufacturing; matériel médical; "
        "électricité électronique électrotechnique; électrotechnique; الصناعة"
    ),
    "D": ("energie; énergie; energy; énergies renouvelables; électricité gaz; utilities; renewable energy; الطاقة"),
    "E": ("eau; assainissement; déchets; recyclage; environnement; traitement des déchets"),
    "F": (
        "btp; génie civil; construction; bâtiment; travaux publics; travaux chantiers btp; "
        "civil engineering; bâtiment travaux publics; البناء"
    ),
    "G": (
        "commerce; distribution; grande distribution; retail; import export; négoce; vente au détail; "
        "vente en gros; automobile motos cycles; motos cycles; wholesale; entreprise import export; "
        "concession automobile; commerce artisanat; commerce distribution; التجارة"
    ),
    "H": (
        "transport; logistique; messagerie; transport logistique; transport messagerie; transportation; "
        "transport maritime; supply chain and storage; truck transportation; maritime; النقل"
    ),
    "I": (
        "tourisme; hôtellerie; restauration; hotels; hospitality; restaurants; voyage; hôtel; tourism; "
        "food and beverage services; hôtellerie restauration; السياحة; catering"
    ),
    "J": (
        "informatique; it services; information technology; software; internet; multimédia; télécoms; "
        "telecom; télécommunications; télécommunication; computer software; audiovisuel; médias; presse; "
        "édition; information services; it services and it consulting; software development; "
        "technology information and internet; telecommunications; broadcast media; "
        "computer and network security; conseil en systèmes informatiques; télécoms réseaux; المعلوميات"
    ),
    "K": (
        "banque; finance; assurance; courtage; banking; financial services; insurance; banques; "
        "assurances; المالية; الأبناك"
    ),
    "L": ("immobilier; real estate; promotion immobilière; promoteur; العقار"),
    "M": (
        "conseil; études; consulting; audit; expertise comptable; comptabilité audit; juridique; "
        "cabinet d'avocats; avocat; architecture; urbanisme; publicité; agence pub; marketing direct; "
        "ingénierie; business consulting and services; business consulting; accounting; legal services; "
        "advertising services; market research; research services; engineering services; bureau d'études; "
        "traduction; translation and localization; communication événementiel; architecture urbanisme; "
        "urbanisme architecture; droit justice; professional services; biotechnology research; "
        "communication publicité; communication publicité rp; marketing communication publicité rp; "
        "design services"
    ),
    "N": (
        "centre d'appel; centres d'appels; call centers; call center; centre d'appels; centre de contact; "
        "métiers des centres d'appels; offshoring; nearshoring; recrutement intérim; intérim; recrutement; "
        "staffing and recruiting; human resources services; sécurité surveillance; gardiennage; nettoyage; "
        "outsourcing; outsourcing and offshoring consulting; "
        "services fournis principalement aux entreprises; services aux entreprises; événementiel; "
        "facilities services; security and investigations; ressources humaines recrutement; "
        "travel arrangements"
    ),
    "O": (
        "administration publique; secteur public; service public; government administration; "
        "public administration; fonction publique; الإدارة العمومية"
    ),
    "P": (
        "enseignement; formation; éducation; education; higher education; école; e learning; "
        "enseignement formation; التعليم; childcare"
    ),
    "Q": (
        "santé; médical; paramédical; hospitals and health care; hospitals; santé médical; "
        "pharmacie santé; santé professions médicales; medical practices; santé social; clinique; "
        "health care; الصحة; petite enfance"
    ),
    "R": ("sport; loisirs; culture; art; arts; spectacle; jeux; entertainment"),
    "S": (
        "association; ong; services à la personne; services personnels; beauté; coiffure; esthétique; "
        "civic and social organizations; non profit organizations; autres services aux particuliers"
    ),
}
_FAMILIES = (
    "ingénierie", "commercial vente", "vente export", "rp", "maintenance entretien", "gestion comptabilité",
    "comptabilité gestion", "services généraux", "r d", "gestion projet études r d", "ressources humaines",
    "informatique electronique", "rh recrutement formation", "audit conseil", "rh personnel formation",
    "mode luxe beauté", "accueil secrétariat administration", "production qualité sécurité maintenance",
    "méthodes process industrialisation", "achats supply chain", "qualité sécurité hygiène environnement",
    "comptabilité gestion audit", "gestion comptabilité finance", "international", "avocat juriste fiscaliste",
    "médical paramédical", "direction financière", "électro mécanique mécanique", "multimédia internet",
    "electricité", "électricité",
)  # fmt: skip
"""Occupational families that hold the words of an activity; they are read as nothing."""

_TABLE: Phrases[str] = Phrases(
    dict.fromkeys(_FAMILIES, "")
    | {
        name: section
        for section, names in _SECTIONS.items()
        for name in (part.strip() for part in names.split(";"))
        if name and name not in _FAMILIES
    }
)
_EMPLOYERS: Phrases[str] = Phrases(
    {
        name: section
        for section, names in (
            ("O", ("ministère", "province", "préfecture", "commune", "commune de", "wilaya", "conseil régional",
                "conseil provincial",
                   "direction générale des impôts", "collectivité territoriale", "وزارة", "عمالة", "إقليم",
                   "جماعة", "المندوبية",
                   "الخزينة العامة", "المديرية العامة", "ولاية", "conseil de la région", "ministere de l interieur",
                   "مجلس")),
            ("P", ("université", "faculté", "académie régionale", "ofppt", "جامعة", "كلية", "الأكاديمية الجهوية",
                   "مكتب التكوين المهني", "école nationale", "école supérieure", "institut supérieur", "lycée")),
            ("Q", ("centre hospitalier", "chu", "hôpital", "clinique", "المركز الاستشفائي", "مستشفى")),
        )
        for name in names
    }
)  # fmt: skip


def _activities(where: str) -> Phrases[str]:
    """Read `activities.tsv`: section, where its words count (in a `text` after a cue, or in an employer's `name`)."""
    with (Path(__file__).parent / "activities.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return Phrases(
            {name: row["section"] for row in rows if row["where"] == where for name in row["names"].split(";")}
        )


DOES = _activities("text")
"""What an employer does, in words that say so after a cue; "formation" and "commerce" alone do not."""

CUES: Phrases[bool] = Phrases(
    dict.fromkeys(
        ("secteur", "secteurs", "société", "entreprise", "leader", "acteur", "cabinet", "agence",
         "spécialisé dans", "spécialisée dans", "spécialisés dans", "spécialiste de", "spécialiste du", "opérateur",
         "multinationale", "régie", "usine", "startup", "start up", "prestations de services", "compagnie",
         "filiale", "specialised in", "specialized in", "specialising in", "specializing in", "leader in",
         "company in", "l'industrie", "industry", "شركة", "قطاع"), True,
    )
)  # fmt: skip
_PERSONS = frozenset(
    tokens(
        "expérience expériences connaissance connaissances similaire idéalement formation diplôme maîtrise poste "
        "expérimenté vous souhaitée experience background knowledge exp"
    )
)
"""Words before a cue that make it the candidate's past."""

_HEAD = 70
"""Words of a description in which an advertiser says what it is."""

_REACH = 4
"""Words between a cue and the activity."""

_NAMES = _activities("name")
"""Words of an employer's name that say what it does."""


def sector(posting: Posting, reading: Reading) -> str | None:
    """Return the ISIC section of the employer: from the portal's field, else its name, else what the ad says of it."""
    if posting.sector_raw and (section := _stated(posting.sector_raw[:400])):
        return section
    if posting.company and (section := _employed(posting.company[:TITLE_LIMIT])):
        return section
    return _described(reading.body_words, reading.find(DOES, _HEAD), reading.find(CUES, _HEAD)) or _described(
        reading.title_words, reading.entitled(DOES), reading.entitled(CUES)
    )


@lru_cache(maxsize=4096)
def _stated(raw: str) -> str | None:
    text = fold(raw)
    marker = text.rfind("secteur ")
    named = [section for _, _, section in _TABLE.find(words(text[marker + 8 :] if marker >= 0 else text)) if section]
    return named[0] if named else None


@lru_cache(maxsize=4096)
def _employed(company: str) -> str | None:
    parts = tokens(company)
    found = _EMPLOYERS.find(parts)
    if found and found[0][0] <= 1:
        return found[0][2]
    sections = {section for _, _, section in _NAMES.find(parts)}
    return sections.pop() if len(sections) == 1 else None


def _described(text: list[str], activities: list[Match[str]], cues: list[Match[bool]]) -> str | None:
    """Return the activity that a cue announces at most `_REACH` words before; the first cue that counts decides."""
    if not activities:
        return None
    for start, end, _ in cues:
        if _PERSONS.isdisjoint(text[max(0, start - _REACH) : start]):
            for first, _, section in activities:
                if 0 <= first - end <= _REACH:
                    return section
    return None
