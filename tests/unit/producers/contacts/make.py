"""Makes the phrases with contacts: 150 to tune the scrubbing on, 150 held out, from templates and names of our own.

python -m tests.unit.producers.contacts.make      writes tune.tsv and held.tsv anew

A line is a language, a tab and a phrase, in which `{n|…}` marks a person's name, `{e|…}` an e-mail address, `{t|…}` a
telephone number, and `{k|…}` an employer or a place, which must stay. Nothing here is anybody's: names are drawn part by
part, addresses end in `.example` or in made-up domains, numbers are drawn.
"""

import random
from pathlib import Path

FOLDER = Path(__file__).parent
GENERATED = 120

LATIN = {
    "tune": (
        [
            "Karim",
            "Fatima",
            "Youssef",
            "Khadija",
            "Hamid",
            "Nadia",
            "Rachid",
            "Imane",
            "Mehdi",
            "Salma",
            "Hassan",
            "Zineb",
            "Omar",
            "Houda",
            "Said",
            "Meriem",
        ],
        [
            "Bennani",
            "Alaoui",
            "Tazi",
            "Berrada",
            "Chraibi",
            "Idrissi",
            "Amrani",
            "Lahlou",
            "Benjelloun",
            "Fassi",
            "Kettani",
            "Bouzid",
            "Naciri",
        ],
    ),
    "held": (
        [
            "Abdelilah",
            "Soukaina",
            "Mounir",
            "Ghizlane",
            "Anouar",
            "Btissam",
            "Jaouad",
            "Ilham",
            "Taoufik",
            "Wafae",
            "Redouane",
            "Hajar",
            "Noureddine",
        ],
        [
            "Ouazzani",
            "Belkadi",
            "Senhaji",
            "Zerouali",
            "Mernissi",
            "Bouayad",
            "Chafik",
            "Dahbi",
            "Filali",
            "Guessous",
            "Harrak",
            "Jamai",
            "Squalli",
        ],
    ),
}
PREFIX = {"tune": ("", "", "", "El ", "Ben "), "held": ("", "", "", "El ", "Ait ")}
ARABIC = {
    "tune": (
        [
            "كريم",
            "فاطمة",
            "يوسف",
            "خديجة",
            "حميد",
            "نادية",
            "رشيد",
            "إيمان",
            "المهدي",
            "سلمى",
            "حسن",
            "زينب",
            "عمر",
            "هدى",
            "سعيد",
            "مريم",
        ],
        [
            "بناني",
            "العلوي",
            "التازي",
            "برادة",
            "الشرايبي",
            "الإدريسي",
            "العمراني",
            "لحلو",
            "بنجلون",
            "الفاسي",
            "الكتاني",
            "بوزيد",
        ],
    ),
    "held": (
        [
            "عبدالإله",
            "سكينة",
            "منير",
            "غزلان",
            "أنوار",
            "ابتسام",
            "جواد",
            "إلهام",
            "توفيق",
            "وفاء",
            "رضوان",
            "هاجر",
            "نورالدين",
        ],
        [
            "الوزاني",
            "بلقاضي",
            "الصنهاجي",
            "الزروالي",
            "المرنيسي",
            "بوعياد",
            "شفيق",
            "الذهبي",
            "الفيلالي",
            "جسوس",
            "الحراق",
        ],
    ),
}
EMPLOYERS = {
    "tune": (
        "Atlas Conseil",
        "Cabinet Tazi Audit",
        "Hôtel Hassan",
        "Clinique Al Amal",
        "Mehdi Transport",
        "Groupe Alaoui",
        "Université Mohammed V",
        "Pharmacie Fatima",
        "Société Chérifienne des Cuirs",
        "Lycée Moulay Youssef",
    ),
    "held": (
        "Rif Ingénierie",
        "Étude Mernissi Notaires",
        "Riad Soukaina",
        "Polyclinique Ibn Rochd",
        "Filali Logistique",
        "Groupe Senhaji",
        "Université Hassan II",
        "Café Mounir",
        "Coopérative Tighanimine",
        "École Ibn Batouta",
    ),
}
PLACES = {
    "tune": (
        "boulevard Mohammed V, Rabat",
        "Sidi Kacem",
        "rue Omar Khayam",
        "Ait Melloul",
        "Hay Hassani, Casablanca",
        "Beni Mellal",
        "avenue Hassan II, Fès",
        "Moulay Yacoub",
        "place Abdelmoumen",
        "Khemisset",
    ),
    "held": (
        "avenue Allal El Fassi, Marrakech",
        "Sidi Slimane",
        "rue Ibn Sina",
        "Ait Ourir",
        "Hay Salam, Agadir",
        "Ben Guerir",
        "boulevard Zerktouni, Casablanca",
        "Moulay Bousselham",
        "quartier Mabrouka",
        "Taroudant",
    ),
}
EMPLOYERS_AR = {
    "tune": ("شركة الأطلس", "مصحة الأمل", "مجموعة العلوي", "جامعة محمد الخامس", "فندق حسن", "مدرسة عمر"),
    "held": ("شركة الريف", "مصحة ابن رشد", "مجموعة الفيلالي", "جامعة الحسن الثاني", "مقهى منير", "صيدلية وفاء"),
}
PLACES_AR = {
    "tune": ("شارع محمد الخامس بالرباط", "سيدي قاسم", "زنقة عمر الخيام", "أيت ملول", "بني ملال", "مولاي يعقوب"),
    "held": ("شارع علال الفاسي بمراكش", "سيدي سليمان", "زنقة ابن سينا", "أيت أورير", "ابن جرير", "حي السلام"),
}
TEMPLATES = {
    ("tune", "fr"): (
        "Pour postuler chez {K}, contactez M. {N} au {T}.",
        "Contact : Mme {N} – {E}",
        "Merci d'envoyer votre CV à {N} ({E}) avant vendredi, {P}.",
        "{K} recrute. Personne à contacter : {N}, tél. {T}",
        "Vous pouvez joindre Monsieur {N} sur WhatsApp {T} ou par mail {E}.",
        "Se présenter à {P} et demander {N}.",
        "S'adresser à Mademoiselle {N}, responsable RH de {K}, {T}.",
        "Appelez {F} au {T}, du lundi au vendredi.",
        "CV à l'attention de Dr {N}, {K}, {P}. {E}",
        "Cordialement,\n{N}\nChargée de recrutement\n{T}",
        "Entretiens à {P} avec {N} ; confirmer par {E}.",
        "Le poste, basé à {P}, est rattaché à {K}. Tél : {T}.",
    ),
    ("held", "fr"): (
        "Envoyez votre candidature à Madame {N}, {K} : {E}.",
        "Renseignements auprès de {N} au {T}",
        "Interlocuteur : {N} / {T} / {E}",
        "{K}, {P}, cherche un vendeur. Contacter Mr {N} ({T}).",
        "N'hésitez pas à écrire à {N} ({E}) pour toute question sur le poste à {P}.",
        "Rendez-vous à {P}. Demandez Mme {N} à l'accueil.",
        "Bien à vous,\n{N}\n{K}\n{T}",
        "Téléphonez à {F} : {T} (après 14 h).",
        "Votre contact chez {K} est {N}, joignable au {T}.",
        "Dossier à déposer au nom de M. {N}, {P}.",
        "Recrutement suivi par {N}. {E}",
        "Mission pour {K} à {P}, salaire selon profil. GSM {T}",
    ),
    ("tune", "ar"): (
        "للتقديم في {K} الاتصال بالسيد {N} على الرقم {T}",
        "المرجو إرسال السيرة الذاتية إلى السيدة {N} على {E}",
        "تواصل مع {N} عبر واتساب {T}",
        "الحضور إلى {P} والسؤال عن السيد {N}",
        "المسؤول عن التوظيف: {N}، الهاتف {T}",
        "{K} تبحث عن بائع في {P}. للاستفسار {T} أو {E}",
        "يرجى الاتصال بالأستاذ {N} في {K}: {T}",
    ),
    ("held", "ar"): (
        "من أجل الاستفسار المرجو الاتصال بالآنسة {N} هاتف: {T}",
        "ترسل الطلبات باسم السيد {N} إلى {E}",
        "اتصلوا بـ {N} على {T} أو زوروا {P}",
        "مقابلات العمل مع الدكتورة {N} في {K}",
        "شخص الاتصال: {N} ({T})",
        "مطلوب سائق لدى {K} ب{P}، رقم الهاتف {T}",
        "للمزيد من المعلومات راسلوا السيدة {N} {E}",
    ),
    ("tune", "darija"): (
        "خدمة فـ {K}، عيط لسي {N} فـ {T}",
        "اللي بغا يخدم يهضر مع {N} واتساب {T}",
        "Li bgha ykhdem m3ana f {K}, 3ayto l {N} {T}",
        "Sift CV dyalk l {F} 3la {E}",
        "جي لـ {P} وسول على {N}",
        "dwi m3a Si {N} f {P}, tel {T}",
    ),
    ("held", "darija"): (
        "باغين خدام فـ {K}، دوي مع سي {N} هاد النمرة {T}",
        "سيفط السيفي لـ {N} فـ {E}",
        "3eyet 3la {N} f had nmra {T}, lkhedma f {P}",
        "Hder m3a Lalla {N} f {K} {T}",
        "عيطو لـ {N} ولا جيو لـ {P}، {T}",
        "Swel 3la {F} mnin twsel l {P} {T}",
    ),
}
HAND = {
    "tune": (
        "fr\tURGENT !!! {k|Atlas Conseil} recherche 3 agents, tel {t|0 6 6 1 2 2 3 3 4 4} demander {n|Karim}",
        "fr\tadressez vos CV à l’adresse suivante {e|rh (at) atlasconseil (point) ma}",
        "fr\tM. {n|Y. Bennani} – {t|+212 (0)6 61 22 33 44} – {e|y.bennani@atlas-conseil.example}",
        "fr\t{k|M. Bricolage} recrute à {k|Aïn Sebaâ}, contact {e|emploi@mbricolage.example}",
        "fr\tMadame, Monsieur, {k|Hôtel Hassan} vous attend au {t|05.22.33.44.55} / {t|05 22 33 44 56}",
        "fr\tContact: {k|Manpower Maroc}, 3ème étage, {k|place Abdelmoumen}",
        "ar\tالهاتف: {t|٠٦ ٦١ ٢٢ ٣٣ ٤٤} السيد {n|يوسف بناني}",
        "ar\tالبريد {e|contact @ atlas . example} أو {t|٠٥٢٢٣٣٤٤٥٥}",
        "ar\tجامعة محمد السادس تعلن عن مباراة، {k|مراكش}",
        "darija\tlli mhtem ysift {e|rh[at]atlas.example} wla y3yet l {n|Fatima} {t|06-61-22-33-44}",
        "darija\tعندنا خدمة فـ {k|سيدي قاسم} عيط {t|0661 223 344} {n|حميد}",
        "fr\t{n|Nadia Tazi}, DRH : {e|nadia.tazi@cuirs.example} (poste 212)",
        "fr\tChantier {k|rue Omar Khayam} : voir le chef d'équipe {n|Rachid Amrani} sur place",
        "fr\tWhatsApp uniquement : {t|00212 661 22 33 44} ({n|Houda})",
        "fr\tÉcrire à {n|Zineb Lahlou} ou {n|Omar Naciri} : {e|rh arobase cuirs point com}",
        "fr\tFax : {t|05 37 11 22 33}. Le salaire est de 6000 DH pour 44 heures à {k|Khemisset}",
        "fr\tréf. 2024/118 chez {k|Groupe Alaoui}, Bac+2, de 25 à 35 ans",
        "fr\t{k|Clinique Dr Bennani} cherche une infirmière",
        "fr\tappelez moi {t|06 61 22 33 44} {n|said}",
        "ar\tللتواصل {n|إيمان الفاسي} {t|+٢١٢٦٦١٢٢٣٣٤٤}",
        "fr\tEnvoyer CV + photo à {e|a.r+stage@mail.example}, objet : stage {k|Beni Mellal}",
        "fr\tVotre interlocutrice {n|Imane Berrada} vous rappelle ({t|+33 6 12 34 56 78})",
        "darija\tkhdma f {k|Ait Melloul}, {n|Said} {t|0661223344}",
        "fr\tPostes à {k|Moulay Yacoub} et {k|Sidi Kacem}, chez {k|Pharmacie Fatima}",
        "fr\tContact : Service RH, {k|Lycée Moulay Youssef}, {k|Rabat}",
        "fr\tDépôt des dossiers : {k|avenue Hassan II, Fès}, bureau 12, M. {n|Hassan Kettani}",
        "ar\tالسيدة {n|نادية التازي} مديرة الموارد البشرية في {k|شركة الأطلس}",
        "fr\tresponsable : {n|EL IDRISSI MERIEM} – {t|0537 11 22 33}",
        "fr\tNous recrutons pour {k|Mehdi Transport} un chauffeur à {k|Beni Mellal}",
        "ar\tمطلوب عامل في {k|شارع محمد الخامس بالرباط} قرب {k|فندق حسن}",
    ),
    "held": (
        "fr\tOffre de {k|Rif Ingénierie} : joindre {n|Mounir} , {t|0 6 7 0 1 1 2 2 3 3}",
        "fr\tCV à {e|recrutement (arobase) rif-ingenierie (dot) example}",
        "fr\tMme {n|S. Guessous} ({t|+212 670 11 22 33}), {e|s_guessous@rif.example}",
        "fr\t{k|Mr Phone} ouvre à {k|Ben Guerir} : {e|rh@mrphone.example}",
        "fr\tMesdames, Messieurs, la {k|Polyclinique Ibn Rochd} est au {t|05 28 11 22 33}",
        "fr\tContact : {k|Crit Intérim}, {k|quartier Mabrouka}",
        "ar\tالسيدة {n|سكينة المرنيسي} الهاتف ٠٦٧٠١١٢٢٣٣ ".replace("٠٦٧٠١١٢٢٣٣", "{t|٠٦٧٠١١٢٢٣٣}"),
        "ar\tراسلنا على {e|emploi (at) rif.example} أو اتصل {t|٠٥ ٢٨ ١١ ٢٢ ٣٣}",
        "ar\tتعلن {k|جامعة الحسن الثاني} عن مباراة لتوظيف مهندس",
        "darija\tsifto lCV {e|cv(at)rif.example}, wla 3ayto {n|Jaouad} {t|06.70.11.22.33}",
        "darija\tكاين خدمة فـ {k|أيت أورير} هضر مع {n|رضوان} {t|0670 112 233}",
        "fr\t{n|Ghizlane Bouayad}, assistante RH – {e|g.bouayad@rif.example}",
        "fr\tSe rendre {k|rue Ibn Sina} et voir {n|Taoufik Dahbi}",
        "fr\tSMS ou WhatsApp : {t|00 212 6 70 11 22 33} ({n|Ilham})",
        "fr\tContacter {n|Anouar Chafik} et {n|Wafae Jamai} : {e|rif.rh @ mail.example}",
        "fr\tStandard : {t|05 24 44 55 66}, salaire 4500 à 5500 DH, {k|Taroudant}",
        "fr\tAnnonce n° 48213 de {k|Groupe Senhaji}, 2 postes, 40 h",
        "fr\t{k|Cabinet Dr Senhaji} cherche une secrétaire à {k|Sidi Slimane}",
        "fr\tmon numéro {t|0670112233} {n|redouane}",
        "ar\tللاتصال: {n|هاجر الفيلالي}، {t|00212670112233}",
        "fr\tStage : {e|h.r-stage2@mail.example}, {k|Moulay Bousselham}",
        "fr\t{n|Noureddine Harrak} vous recevra au {k|boulevard Zerktouni, Casablanca} ({t|+34 612 34 56 78})",
        "darija\tlkhedma f {k|Ait Ourir}, {n|Hajar} {t|0670112233}",
        "fr\tServeurs pour {k|Café Mounir} et {k|Riad Soukaina}, {k|avenue Allal El Fassi, Marrakech}",
        "fr\tContact : Direction, {k|École Ibn Batouta}, {k|Hay Salam, Agadir}",
        "fr\tLes dossiers sont reçus par M. {n|Abdelilah Ouazzani}, {k|Étude Mernissi Notaires}",
        "ar\tالدكتور {n|توفيق بوعياد} مدير {k|مصحة ابن رشد}",
        "fr\trecruteur : {n|SQUALLI HAJAR} - {t|0528 11 22 33}",
        "fr\tChauffeur poids lourd pour {k|Filali Logistique} à {k|Taroudant}",
        "ar\tالعمل في {k|شارع علال الفاسي بمراكش} قرب {k|صيدلية وفاء}",
    ),
}
DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def telephone(draw: random.Random, language: str) -> str:
    """Draw a number, in one of the ways in which they are written."""
    digits = draw.choice("567") + "".join(draw.choice("0123456789") for _ in range(8))
    pairs = [f"0{digits[0]}", *(digits[at : at + 2] for at in range(1, 9, 2))]
    told = draw.choice(
        (
            " ".join(pairs),
            ".".join(pairs),
            "-".join(pairs),
            "".join(pairs),
            " ".join("".join(pairs)),
            f"+212 {digits[0]} {' '.join(pairs[1:])}",
            f"+212{digits}",
            f"00212{digits}",
            f"+212 (0){digits[0]} {' '.join(pairs[1:])}",
            f"{''.join(pairs)[:4]} {''.join(pairs)[4:7]} {''.join(pairs)[7:]}",
        )
    )
    return told.translate(DIGITS) if language != "fr" and draw.random() < 0.4 else told


def address(draw: random.Random) -> str:
    """Draw an e-mail address, written plainly or so that no machine should read it."""
    name = draw.choice(("rh", "emploi", "k.recrute", "contact-cv", "jobs2026", "candidature_rh"))
    host = draw.choice(("societe", "mail-pro", "entreprise"))
    at, dot = draw.choice(
        (("@", "."), ("@", "."), ("(at)", "."), (" (at) ", " (dot) "), (" [arobase] ", "."), (" @ ", "."))
    )
    return f"{name}{at}{host}{dot}{draw.choice(('example', 'ma', 'com'))}"


def phrase(draw: random.Random, half: str, language: str) -> str:
    """Draw a phrase."""
    template = draw.choice(TEMPLATES[half, language])
    arabic = any("\u0600" <= letter <= "\u06ff" for letter in template)
    first, last = (ARABIC if arabic else LATIN)[half]
    name = f"{draw.choice(first)} {'' if arabic else draw.choice(PREFIX[half])}{draw.choice(last)}"
    if not arabic and draw.random() < 0.1:
        name = name.upper()
    parts = {
        "{N}": f"{{n|{name}}}",
        "{F}": f"{{n|{draw.choice(first)}}}",
        "{K}": f"{{k|{draw.choice((EMPLOYERS_AR if arabic else EMPLOYERS)[half])}}}",
        "{P}": f"{{k|{draw.choice((PLACES_AR if arabic else PLACES)[half])}}}",
        "{T}": f"{{t|{telephone(draw, language)}}}",
        "{E}": f"{{e|{address(draw)}}}",
    }
    for mark, part in parts.items():
        template = template.replace(mark, part)
    return template.replace("\n", "\\n")


def main() -> None:
    """Write both files."""
    for half in ("tune", "held"):
        draw = random.Random(f"contacts {half}")
        languages = ("fr", "fr", "ar", "darija")
        lines = [f"{language}\t{phrase(draw, half, language)}" for language in languages for _ in range(GENERATED // 4)]
        (FOLDER / f"{half}.tsv").write_text("\n".join([*lines, *HAND[half]]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
