"""A job title as the coder reads it: noise out, split into segments, each a run of stems.

Pure, and linear in the length of the title, of which only the first `TITLE_LIMIT` characters are read.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from streams.enrich.text import TITLE_LIMIT, Anchored, fold, plain, words

SEGMENTS = 6
"""Segments of a title that are read."""

STEMS = 14
"""Stems of a segment that are read."""


def vocabulary(text: str) -> frozenset[str]:
    """Return the words of `text`, which are separated by spaces."""
    return frozenset(text.split())


STOP = vocabulary(
    "a ai an and at au aux avec by chez d dans de del des di du e el en et for from in l la le les n of on or ou "
    "par pour qu que s sous sur the to un une van vers via voor with y your our nos notre vos votre في من علي الي "
    "مع عن او و ب ل ال هذا هذه لدي عند كل اجل bon bons"
)
"""Words that carry no evidence and are no stems."""

NOISE = vocabulary(
    "cdi cdd anapec interim interimaire freelance free lance stage stages stagiaire stagiaires pfe alternance "
    "alternant apprenti intern internship trainee traineeship vie urgent urgente urgence asap immediat immediate "
    "immediatement dispo senior seniors sr junior juniors jr confirme confirmes confirmee confirmees experimente "
    "experimentes experimentee experimentees experience experiences exp debutant debutants debutante debutantes "
    "qualifie qualifies motive motives serieux serieuse niveau minimum min exige exigee requis requise grade "
    "echelle echelon classe exceptionnel degre categorie 1er 2eme 2e 3eme 3e 4eme 4e 1ere premier premiere "
    "deuxieme troisieme quatrieme first second third francophone francophones anglophone anglophones hispanophone "
    "hispanophones germanophone germanophones arabophone arabophones italophone italophones neerlandophone "
    "neerlandophones lusophone trilingue bilingue bilingues speaker speakers speaking spoken fluent natif native "
    "parlant parlants parfaitement maitrisant homme hommes femme femmes h f m hf fh mf mfd mwd w mr mme mlle "
    "profil profils candidat candidats candidate candidates poste postes job jobs emploi emplois recrute "
    "recrutons recrutent recruits hiring wanted opportunite opportunites opportunity offre offres annonce "
    "annonces cherche cherchons cherchent recherche recherchons recherchent besoin nouveau nouvelle new remote "
    "hybrid hybride onsite teletravail presentiel distance temps partiel fulltime parttime ref reference cabinet "
    "client societe entreprise groupe group company sarl sa maroc morocco marocain marocaine marocains region "
    "ville nord sud est ouest centre salaire prime primes remuneration fixe dh dhs mad net brut mois plus "
    "avantages avis rejoignez integrez bienvenue deposez jusqu embauche remunere remuneree emea africa north west "
    "global fr cooptation nearshore offshore expert experts experte خبير disponible plusieurs divers differents "
    "differentes مطلوب مطلوبه مطلوبين نبحث ابحث بحث عمل شغل وظيفه وظايف فرصه عاجل توظيف تشغيل مباراه لتوظيف "
    "franco anglo hispano germano italo canada canadien canadienne belge suisse eng ang esp relocation weekend week "
    "ans ii iii iv n1 n2 n3 l1 l2 l3 deplafonne deplafonnee deplafonnes challenge bonus multinationale multinational "
    "expatriation intermediate jeune jeunes diplome diplomes diplomee diplomees laureat laureats btob btoc b2b b2c "
    "bac dut bts deust plusieur demploi deplafonnees freelancer fraichement remplacant remplacante remplacement "
    "sprekend nederlands deutschsprachig "
    "الدرجه درجه سلم السلم رتبه الاولي الثانيه الثالثه الرابعه الممتازه خبره تجربه للعمل بخبره شركه رجل امراه "
    "ذكور اناث المغرب بالمغرب منصب مناصب لمنصب"
)
"""Words true of a job that do not say which job it is; they count only towards a lexicon title that holds them."""

CITIES = vocabulary(
    "casablanca casa rabat sale temara skhirat skhirate fes fez meknes marrakech marrakesh agadir tanger tangier "
    "tetouan oujda kenitra mohammedia eljadida jadida safi settat berrechid bouskoura nouaceur nouasser benguerir "
    "guerir khouribga beni mellal nador laayoune dakhla guelmim errachidia ouarzazate essaouira larache taza "
    "khemisset berkane taourirt inezgane tiznit taroudant bouznika benslimane ifrane azrou midelt sefrou "
    "chefchaouen fnideq mdiq martil hoceima houceima asilah assilah youssoufia tit mellil melil soualem had dar "
    "bouazza sbaa harrouda bernoussi oulfa anfa mediouna nouakchott dubai sidi kacem slimane bennour maarif "
    "maarouf taliouine khenifra nouacer taghazout lissasfa deroua othmane ouezzane ouazzane zagora tinghir boujdour "
    "tarfaya smara azilal taounate boulemane guercif driouch figuig jerada chichaoua saidia agdal souissi gueliz "
    "casanearshore technopolis technopark zenata jorf lasfar ain sebaa hay البيضاء الرباط سلا فاس مكناس مراكش "
    "اكادير طنجه تطوان وجده القنيطره المحمديه الجديده اسفي سطات برشيد النواصر خريبكه الناظور العيون الداخله كلميم "
    "الراشيديه ورزازات الصويره العرايش تازه الخميسات بركان انزكان تيزنيت تارودانت"
)
"""Towns that titles append; without them a town that is also a lexicon word would count as evidence."""

_SEXES = re.compile(
    r"\b(?:(?:h|f|m|w|d)(?: ?[/|&-] ?(?:h|f|m|w|d|x))+|(?:homme|femme)s? ?(?:/|ou|et) ?(?:homme|femme)s?)\b"
    r"|رجل ?/ ?امراه|ذكور ?/ ?اناث"
)
_SEXED = ("/", "-", "|", "&", "omme", "رجل", "ذكور")
"""Of these every match of `_SEXES` holds one."""

_ENDING = (
    "e|ee|ees|ne|nes|se|ses|te|le|ve|fe|re|s|es|ere|eres|iere|ieres|eure|eures|rice|rices|trice|trices|euse|euses"
    "|enne|ennes|ienne|iennes|ante|antes|ente|entes|elle|ive|ale|ales|iale|iales|ielle|ielles|onne|onnes"
)
_INCLUSIVE = Anchored(
    rf"(?<=[a-z]) ?\((?:{_ENDING})\)|(?<=[a-z])(?:[/.·•-](?:{_ENDING}))+(?![a-z0-9])(?:[.·•-]s(?![a-z]))?"
    r"|(?<=[ء-ي]) ?\((?:ه|ات|ين|ون)\)|(?<=[ء-ي])/(?:ه|ات|ين|ون)(?![ء-ي])",
    *(" (", *"(/.·•-"),
)
_BOTH = re.compile(r"\b(([^\W\d_]{3,})[^\W\d_]*) ?(?:[/(]| ou | et | او ) ?(\2[^\W\d_]*)\)?")
"""A word and another that begins alike: the two genders of one, where they share a stem."""

_LICENCE = re.compile(r"\bavec (?:le |un )?permis(?: de conduire)?(?: b\b)?(?! (?:et )?[a-e]\b)")
"""A licence for a car, asked of any trade; one for a lorry makes a driver's job."""

_PRAISE = re.compile(r"\bbonnes? (?=[a-z]+(?:euse|ere|rice|iste|ante|ienne|able|aire|eure)s?\b)")
"""What is said of a woman's job; alone it is a housemaid."""

_BETWEEN_BOTH = ("/", "(", " ou ", " et ", " او ")
"""Of these every match of `_BOTH` holds one."""

_RESEARCH = re.compile(
    r"\b(?:r ?& ?d|recherches? (?:et |& ?)(?:de )?developpements?|research (?:and |& ?)development)\b"
)
"""One field, written in four ways, of which the parts alone name others."""

_BUYERS = re.compile(r"\bb[ -]?(?:to|2)[ -]?([bc])\b")
_BUYING = ("b2", "b 2", "b-2", "bto", "b to", "b-to")
"""Of these every match of `_BUYERS` holds one."""

_MONEY = re.compile(r"\b\d[\d .,]*(?:dhs?|mad|k|eur|usd|€|\$)?\b(?: ?(?:dhs?|mad|net|brut)\b)?")
_NOT_OF_WHO_RECRUITS = "".join(
    f"(?<!{word} )"
    for word in sorted(
        vocabulary(
            "de en et responsable charge chargee charges chargees assistant assistante consultant consultante stage "
            "stagiaire specialiste manager directeur directrice coordinateur coordinatrice chef expert rh it"
        )
    )
)
"""Not after a word that makes recruiting the job: "chargé recrutement"."""

_FRAMES = re.compile(
    r"(?:stages?|projets?) (?:de )?(?:fin d'etudes?|pre-?embauche)|(?:full|part)[ -]?time|temps (?:plein|partiel)"
    r"|avis (?:de|d') ?(?:recrutement|concours)(?: de recrutement)?|concours de recrutement|concours"
    r"|offres? d'emploi|demande d'emploi|candidatures? spontanees?|spontaneous application"
    r"|appel a (?:candidatures?|manifestation d'interet)(?: pour (?:le |les |l')?postes?)?"
    r"|(?:a la )?recherche (?:d'un emploi|d'emploi|un emploi|un poste|un travail|active|activement)"
    r"|(?:(?:est|sommes|suis) )?a la recherche (?:active )?(?:de |d'|des |du )(?:une? )?"
    r"|(?<!de )recherch(?:e|ons|ent) (?:des |une? |plusieurs |son |sa |ses |:)"
    r"|(?:re)?cherche (?:un )?(?:emploi|poste|travail)|(?:nous|on) (?:recrutons|recherchons|recrute|recherche|cherche)"
    r"|(?:we are|we're|now) hiring|looking for(?: a)?(?: job)?|job (?:aanbieding|offer)|jobaanbieding"
    r"|poste (?:de|d')|en qualite de|en tant que"
    r"|(?:offres?|annonces?|appels?|operations?|cabinet|agence|service|programme) de recrutement"
    rf"|{_NOT_OF_WHO_RECRUITS}recrutement(?= ?(?:-|:|d'|de |des |pour |immediat|urgent|$))"
    r"|^\W*recrutement(?= (?!et )[a-z])"
    r"|فتح باب الترشيح(?: ل)?|اعلان(?: عن)?(?: مباراه)?(?: توظيف)?|مباراه(?: ل)? ?توظيف|عرض (?:عمل|شغل)"
    r"|(?:كنقلبو?|تنقلبو?|بغيت|بغينا|باغي|باغيه|خاصني|خاصنا|محتاجين?)(?: علي)?(?: خدمه| نخدم| نخدمو)?(?= )"
    r"|طلب (?:عمل|شغل)|(?:ابحث|نبحث|باحث|باحثه) عن(?: عمل| شغل| وظيفه)?"
)
_RESPONSIBILITY = re.compile(
    r"postes? de responsabilites?|fonctions? superieures?|emplois? superieurs?|مناصب? ?(?:ال)?مس(?:ؤ|و)وليه|مناصب عليا"
)
_RESPONSIBLE = ("responsab", "superieur", "مس", "عليا")
"""Of these every match of `_RESPONSIBILITY` holds one."""

_SEVERAL = re.compile(
    r"(?:plusieurs?|divers(?:es)?|differents?|differentes|multiples?|nombreux|various|several|multiple)"
    r" (?:profile?s?|postes?|metiers|fonctions?|emplois|positions?|opportunit\w+|career\w*|jobs?|roles?|vacanc\w+)"
    r"|candidatures? ?spontanees?|spontaneous application|(?:open|general) application|talents? (?:pool|community)"
    r"|campagne de recrutement|recrutement massif|journees? (?:de )?recrutement|job (?:day|dating|fair)|open day"
    r"|join our team|rejoi(?:gnez|ns)(?:-| )?(?:nous|nos equipes|notre equipe|l'aventure)|careers? opportunit\w+"
    r"|عده (?:مناصب|وظايف|تخصصات|مهن)|(?:مناصب|وظايف) (?:متعدده|مختلفه|شاغره)|مجموعه من (?:الوظايف|المناصب)"
)
_OFFERS = (
    "etude", "embauche", "temps", "time", "recrut", "concours", "emploi", "candidat", "spontane", "applicat",
    "manifest", "cherch", "hiring", "looking", "job", "poste d", "qualite", "en tant", "plusieur", "divers",
    "different", "multiple", "nombreux", "various", "several", "talent", "journee", "open day", "join our",
    "rejoi", "opportunit", "ترشيح", "اعلان", "مباراه", "عرض", "طلب", "حث", "عده", "متعدد", "مختلف", "شاغره",
    "مجموعه", "نقلب", "بغي", "باغي", "خاصن", "محتاج",
)  # fmt: skip
"""Of these every match of `_FRAMES` and `_SEVERAL` holds one; one title of ten does, and looking takes a sixth."""

_ANNOUNCES = re.compile(
    r"\b(?:(?:re)?crut\w*|(?:re)?cherch\w*|embauch\w*|hiring|besoin|offres?|emplois?|jobs?|staff|personnels?|equipes?|team)\b"
    r"|توظيف|مطلوب|فرص|وظايف"
)
"""What an announcement says; with nothing but `FIELDS` beside it, it names no job ("clinique recrute")."""

FIELDS = vocabulary(
    "hotel hotels hoteliere hotelieres hotelier hoteliers hotellerie restaurant restaurants restauration cafe cafes "
    "snack riad clinique cliniques hopital ecole ecoles creche lycee universite usine usines magasin magasins "
    "boutique boutiques supermarche pharmacie laboratoire centre agence agences salon salons spa boulangerie pressing "
    "station garage imprimerie call center multinationales startup association fondation residence maison village "
    "site sites talent talents tourisme industrie industriel industrielle commerce batiment btp automobile sante "
    "assurance assurances banque bancaire telecom telecoms telecommunications textile aeronautique agriculture "
    "agricole agroalimentaire energie immobilier immobiliere informatique it digital transport logistique finance "
    "medical medicale paramedical services service secteur domaine metier metiers personnel personnels staff equipe "
    "equipes team candidats candidates collaborateurs travailler salaries employes ete saison saisonnier saisonniers "
    "etudiants etudiant gens personnes personne مطعم فندق مقهي مصنع معمل شركات مدرسه عياده مستشفي مركز محل متجر سناك"
)
"""Where people work, and who: words that name no job beside an announcement."""

_SEPARATOR = re.compile(r"[/|,;:()\[\]{}\n!?\"*_•]| -+ ?| ?-+ | ou | or |\.{2,}|->|=>")
_SIGNS = str.maketrans(dict.fromkeys('/,;:()[]{}\n!?"*_•', "|"))
_SIGNED = (" -", "- ", " ou ", " or ", "..", "->", "=>")
"""Of these every match of `_SEPARATOR` of more than one character holds one, and each separates."""


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return what a word's genders and numbers, and in Arabic its article, share. Expects a folded word."""
    if len(word) <= 3:
        return word
    return _arabic_stem(word) if word > "\u0600" else _latin_stem(word)


def _latin_stem(word: str) -> str:
    if word[-1] in "sx" and word[-2] != "s":
        word = word[:-3] + "al" if word.endswith("aux") and not word.endswith("eaux") else word[:-1]
    if word.endswith("euse"):
        word = word[:-4] + "eur"
    elif word.endswith("trice"):
        word = word[:-5] + "teur"
    stripped = word.rstrip("e")
    if len(stripped) < 3:
        return word
    if stripped[-1] == stripped[-2] and stripped[-1] in "nlts":
        return stripped[:-1]
    return stripped[:-1] + {"v": "f", "y": "i"}.get(stripped[-1], stripped[-1])


def _arabic_stem(word: str) -> str:
    for prefix in ("وال", "بال", "كال", "فال"):
        if word.startswith(prefix) and len(word) >= 6:
            word = word[3:]
            break
    else:
        if word.startswith(("ال", "لل")) and len(word) >= 5:
            word = word[2:]
    for suffix in ("ات", "ون", "ين"):
        if word.endswith(suffix) and len(word) >= 5:
            return word[:-2]
    if word.endswith("ه") and len(word) >= 4:
        return word[:-1]
    return word


def stems(tokens: Iterable[str]) -> tuple[str, ...]:
    """Return the stems of the words that carry evidence, in order, each once."""
    return tuple(dict.fromkeys(stem(word) for word in tokens if word not in STOP))


def normal(title: str) -> str:
    """`title` folded, without markup, inclusive endings and sex marks; at most `TITLE_LIMIT` characters."""
    return _normal(title[:TITLE_LIMIT])


@lru_cache(maxsize=1 << 12)
def _normal(title: str) -> str:
    folded = fold(plain(title))
    if "&" in folded or "dev" in folded:
        folded = _RESEARCH.sub(" rnd ", folded)
    if any(map(folded.__contains__, _BUYING)):
        folded = _BUYERS.sub(r"bto\1", folded)
    if any(map(folded.__contains__, _SEXED)):
        folded = _SEXES.sub(" ", folded)
    if any(map(folded.__contains__, "(/.-·")):
        folded = _INCLUSIVE.cut(folded)
    if "bonne" in folded:
        folded = _PRAISE.sub(" ", folded)
    if "permis" in folded:
        folded = _LICENCE.sub(" ", folded)
    if any(map(folded.__contains__, _BETWEEN_BOTH)):
        folded = _BOTH.sub(_one_of_both, folded)
    return folded


def _one_of_both(match: re.Match[str]) -> str:
    one, other = match[1], match[3]
    return one if one != other and stem(one) == stem(other) else match[0]


def halved(tokens: list[str]) -> list[str]:
    """`tokens` once, where a portal wrote the whole title twice."""
    half, odd = divmod(len(tokens), 2)
    return tokens[:half] if not odd and half and tokens[:half] == tokens[half:] else tokens


def _parted(folded: str) -> list[str]:
    """Split a title by `_SEPARATOR`; where two overlap, a word of `STOP` may stand on another side."""
    signed = folded
    for sign in _SIGNED:
        if sign in signed:
            signed = signed.replace(sign, "|")
    parts = signed.translate(_SIGNS).split("|")
    return parts if len(parts) <= 2 * SEGMENTS else _SEPARATOR.split(folded, maxsplit=4 * SEGMENTS)


def opens_responsibility(text: str) -> bool:
    """Whether `text` opens "posts of responsibility" at an employer: a rank, no occupation."""
    return _of_responsibility(fold(text[:TITLE_LIMIT]))


def _of_responsibility(folded: str) -> bool:
    return any(map(folded.__contains__, _RESPONSIBLE)) and _RESPONSIBILITY.search(folded) is not None


class Segment(NamedTuple):
    """One run of a title: the stems that name a job, and those that are only true of one (`NOISE`), each in order."""

    core: tuple[str, ...]
    soft: tuple[str, ...]


class Title(NamedTuple):
    """A title's segments that hold evidence, in order, and what stood around them.

    `framed`: words of an offer, a request or a competition. `responsibility`: it opens "posts of responsibility" at an
    employer, which names no occupation. `several`: it announces several jobs, or any. `unnamed`: it announces work in a
    field or at a place ("hôtel recrute"), and says no more.
    """

    segments: tuple[Segment, ...]
    framed: bool
    responsibility: bool
    several: bool = False
    unnamed: bool = False


def read(title: str, employer: frozenset[str] = frozenset()) -> Title:
    """Read `title`; the words of `employer` (folded) count as noise in it."""
    folded = normal(title)
    responsibility = _of_responsibility(folded)
    whole = folded
    if any(map(folded.__contains__, "0123456789")) or not folded.isascii():
        folded = _MONEY.sub(" ", folded)
    several = frames = 0
    if any(map(folded.__contains__, _OFFERS)):
        folded, several = _SEVERAL.subn(" | ", folded)
        folded, frames = _FRAMES.subn(" | ", folded)
    segments: list[Segment] = []
    seen: set[str] = set()
    said: set[str] = set()
    for part in _parted(folded):
        core: list[str] = []
        soft: list[str] = []
        for word in words(part):
            if word in STOP or word in CITIES or word.isdigit():
                continue
            stemmed = stem(word)
            if stemmed in seen:
                continue
            seen.add(stemmed)
            if word not in NOISE and word not in employer:
                said.add(word)
            (soft if word in NOISE or word in employer else core).append(stemmed)
        if core or soft:
            segments.append(Segment(tuple(core[:STEMS]), tuple(soft[:STEMS])))
            if len(segments) == SEGMENTS:
                break
    return Title(
        tuple(segments),
        framed=frames > 0,
        responsibility=responsibility,
        several=several > 0,
        unnamed=bool(said) and said <= FIELDS and (several > 0 or _ANNOUNCES.search(whole) is not None),
    )
