"""Contacts in French, Arabic and Darija: what must go goes, what must stay stays. `-s` prints the figures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from producers.persons import fold
from producers.privacy import contactless

FOLDER = Path(__file__).parent / "contacts"
_MARK = re.compile(r"\{([nket])\|([^{}]*)\}")


@dataclass(frozen=True)
class Figures:
    """What was found of what is marked, over phrases."""

    phrases: int
    emails: float
    telephones: float
    names: float
    lost: float
    """Share of employers and places that did not stay."""
    wrong: tuple[str, ...]


def judge(half: str) -> Figures:
    """Scrub the phrases of a half and compare with what is marked."""
    hits: dict[str, list[bool]] = {kind: [] for kind in "nket"}
    wrong: list[str] = []
    lines = (FOLDER / f"{half}.tsv").read_text("utf-8").splitlines()
    for line in lines:
        marked = line.split("\t")[1].replace("\\n", "\n")
        found = contactless(_MARK.sub(r"\2", marked))
        stayed = [told for kind, told in _MARK.findall(marked) if kind == "k" and told in found]
        rest = found
        for told in stayed:
            rest = rest.replace(told, "")  # a street may be named as the person is
        for kind, told in _MARK.findall(marked):
            good = told in found if kind == "k" else not any(part in rest for part in parts(kind, told))
            hits[kind].append(good)
            if not good:
                wrong.append(f"{kind} {told!r} in {found!r}")
    shares = {kind: sum(good) / len(good) for kind, good in hits.items()}
    return Figures(len(lines), shares["e"], shares["t"], shares["n"], 1 - shares["k"], tuple(wrong))


def parts(kind: str, told: str) -> Iterator[str]:
    """Pieces of a contact of which none may be left."""
    if kind == "n":
        yield from (word for word in re.findall(r"[^\W\d_]{3,}", told) if fold(word) not in {"ait", "ben"})
    elif kind == "e":
        yield told
        yield re.split(r"\s|@|\(|\[", told)[0] + "@"
    else:
        yield told
        yield from re.findall(r"\d{4,}", told)


@pytest.mark.parametrize("half", ["tune", "held"])
def test_contacts_go_and_the_rest_stays(half: str) -> None:
    """E-mails and telephones all, names .95 and more; at most 1 % of employers and places are taken for names."""
    found = judge(half)
    print(
        f"{half}: {found.phrases} phrases; e-mails {found.emails:.3f}, telephones {found.telephones:.3f}, "
        f"names {found.names:.3f}; employers and places removed {found.lost:.3f}"
    )
    if half == "tune":
        print("\n".join(found.wrong))
    assert found.phrases == 150
    assert (found.emails, found.telephones) == (1.0, 1.0)
    assert found.names >= 0.95
    assert found.lost <= 0.01


@pytest.mark.parametrize("half", ["tune", "held"])
def test_a_sign_of_another_alphabet_changes_no_name(half: str) -> None:
    """Names are found alike in a text of Windows' Western letters and in one that those cannot hold."""
    for line in (FOLDER / f"{half}.tsv").read_text("utf-8").splitlines():
        phrase = _MARK.sub(r"\2", line.split("\t")[1].replace("\\n", "\n"))
        assert contactless(f"{phrase} ✓") == contactless(f"{phrase} ×").replace("×", "✓")


def test_a_quarter_is_no_person() -> None:
    """Sidi and Moulay before one name are a place's, before a whole name or after an invitation a person's."""
    assert contactless("Shift de nuit à Sidi Othmane") == "Shift de nuit à Sidi Othmane"
    assert contactless("Beauséjour-Moulay Ismail") == "Beauséjour-Moulay Ismail"
    assert "Ahmed" not in contactless("Moulay Ahmed Alaoui recrute")
    assert "Ahmed" not in contactless("Contactez Moulay Ahmed au siège")


@pytest.mark.parametrize(
    "text",
    [
        "IT Support (M/F)",
        "Technicien G.M.A.O. Casablanca",
        "un chiffre de 212 M€. Depuis",
        "M.Sc. or higher",
        "Ctrl M/Rundeck",
        "ME Engineering Changes Engineer",
    ],
)
def test_an_abbreviation_is_no_title(text: str) -> None:
    """What follows an M that stands for something else is nobody's name."""
    assert contactless(text) == text
