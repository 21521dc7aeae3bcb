"""The wall: one page for a ministry's screen, in French, Arabic and English. Pure: files in, text out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dashboard.names import Language, Names

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"

DIRECTIONS: Mapping[Language, str] = {"fr": "ltr", "ar": "rtl", "en": "ltr"}

LOCALES: Mapping[Language, str] = {"fr": "fr", "ar": "ar-MA-u-nu-latn", "en": "en-GB"}
"""What the page formats numbers and dates by: `fr` groups by narrow spaces (`fr-MA` would by dots), Western digits."""


@dataclass(frozen=True)
class Wall:
    """The page's template, and its sentences by language."""

    template: str
    texts: Mapping[Language, Mapping[str, str]]

    def page(self, language: Language) -> str:
        """Return the HTML of the wall in `language`."""
        texts = self.texts[language]
        values = {"language": language, "direction": DIRECTIONS[language], "title": texts["title"]}
        text = self.template
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def labels(self, language: Language, names: Names) -> dict[str, object]:
        """Return what the page's script needs to speak `language`: its sentences, and names by code."""
        return {
            "language": language,
            "locale": LOCALES[language],
            "texts": self.texts[language],
            "occupations": names.occupations,
            "regions": names.regions,
        }


def read_wall(folder: Path = FOLDER) -> Wall:
    """Read the page and its sentences."""
    texts = msgspec.json.decode((folder / "labels.json").read_bytes(), type=dict[Language, dict[str, str]])
    return Wall((folder / "page.html").read_text("utf-8"), texts)
