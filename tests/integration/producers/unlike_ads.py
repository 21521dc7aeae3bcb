"""Ads of portals unlike those tuned for, drawn by seed in French, Arabic and English: the truth of what is served."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

FR = [
    "Comptable confirmé",
    "Ingénieur réseaux",
    "Chauffeur poids lourd",
    "Infirmière polyvalente",
    "Chef de chantier",
    "Téléconseiller",
    "Assistante de direction",
    "Développeur Java",
    "Soudeur TIG",
    "Responsable qualité",
    "Caissier",
    "Cuisinier",
    "Magasinier cariste",
    "Juriste d'affaires",
    "Formateur en anglais",
    "Pharmacien",
    "Électricien bâtiment",
    "Commercial terrain",
    "Aide-soignante",
    "Conducteur de ligne",
    "Graphiste",
    "Hôtesse d'accueil",
    "Plombier",
    "Opératrice de saisie",
]
AR = [
    "محاسب رئيسي",
    "مهندس شبكات",
    "سائق شاحنة",
    "ممرضة متعددة التخصصات",
    "رئيس ورش",
    "مساعدة إدارية",
    "مطور برمجيات",
    "لحام",
    "مسؤول الجودة",
    "أمين صندوق",
    "طباخ",
    "أمين مخزن",
    "مستشار قانوني",
    "أستاذ اللغة الإنجليزية",
    "صيدلي",
    "كهربائي",
    "ممثل تجاري",
    "عامل إنتاج",
]
EN = [
    "Senior Accountant",
    "Network Engineer",
    "Truck Driver",
    "Registered Nurse",
    "Site Manager",
    "Call Center Agent",
    "Java Developer",
    "TIG Welder",
    "Quality Manager",
    "Cashier",
    "Head Cook",
    "Warehouse Operator",
    "Legal Counsel",
    "English Teacher",
    "Pharmacist",
    "Sales Rep",
]
CITIES_FR = [
    "Casablanca",
    "Rabat",
    "Fès",
    "Tanger",
    "Marrakech",
    "Agadir",
    "Meknès",
    "Oujda",
    "Kénitra",
    "Tétouan",
    "Salé",
    "Mohammedia",
    "El Jadida",
    "Settat",
    "Aïn Harrouda",
    "Sidi Rahal",
    "Tit Mellil",
    "Had Soualem",
]
CITIES_AR = [
    "الدار البيضاء",
    "الرباط",
    "فاس",
    "طنجة",
    "مراكش",
    "أكادير",
    "مكناس",
    "وجدة",
    "القنيطرة",
    "تطوان",
    "سلا",
    "عين حرودة",
    "تيط مليل",
]
COMPANIES = [
    "Atlas Conseil",
    "Groupe Zitoune",
    "Nord Logistique SARL",
    "Clinique Al Amal",
    "Sahara Foods",
    "Delta IT",
    "Rif BTP",
]
MONTHS_FR = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]
MONTHS_AR = ["يناير", "فبراير", "مارس", "أبريل", "ماي", "يونيو", "يوليوز", "غشت", "شتنبر", "أكتوبر", "نونبر", "دجنبر"]
MONTHS_EN = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
TODAY = date(2026, 5, 20)


@dataclass(frozen=True)
class Ad:
    """An ad as it is: what a reading of the portal must tell."""

    number: int
    title: str
    city: str
    company: str
    day: date
    text: str


def draw_ads(draw: Random, language: str, count: int) -> list[Ad]:
    """Ads of one language; no two have a title in common."""
    words, cities = {"fr": (FR, CITIES_FR), "ar": (AR, CITIES_AR), "en": (EN, CITIES_FR)}[language]
    grades = {
        "fr": ("", " (H/F)", " - équipe de nuit", " junior", " senior"),
        "ar": ("", " مبتدئ", " ذو خبرة"),
        "en": ("", " (m/f)", " II"),
    }
    found: dict[str, Ad] = {}
    while len(found) < count:
        title = f"{draw.choice(words)}{draw.choice(grades[language])}"
        if title in found:
            title = f"{title} {draw.choice('ABCDEFGH')}{draw.randrange(99)}"
        day = TODAY - timedelta(days=draw.randrange(1, 60))
        company = draw.choice(COMPANIES)
        text = f"{company} : {title}. " + " ".join(draw.choice(words) for _ in range(draw.randrange(5, 20)))
        found[title] = Ad(1000 + len(found) * 7, title, draw.choice(cities), company, day, text)
    return list(found.values())


def date_writer(draw: Random, language: str) -> Callable[[date], str]:
    """A way to write dates."""
    months = {"fr": MONTHS_FR, "ar": MONTHS_AR, "en": MONTHS_EN}[language]
    ways: list[Callable[[date], str]] = [
        lambda day: day.strftime("%d/%m/%Y"),
        lambda day: day.isoformat(),
        lambda day: f"{day.day} {months[day.month - 1]} {day.year}",
        lambda day: day.strftime("%d.%m.%Y"),
        lambda day: day.strftime("%d-%m-%Y"),
    ]
    return draw.choice(ways)
