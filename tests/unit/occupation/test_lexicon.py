from collections import defaultdict
from pathlib import Path

import pytest

from streams.enrich.occupation.lexicon import HEADER, Entry, load, read
from streams.enrich.text import tokens

LEAST = {"fr": 5, "ar": 3, "en": 5}
REFERENCE = Path(__file__).parents[3] / "schemas" / "reference" / "isco08"


def test_every_title_stands_in_a_group_of_isco_08() -> None:
    """No lexicon title names a code that the reference does not know."""
    known = {
        line.split("\t")[0] for path in REFERENCE.glob("*.tsv") for line in path.read_text("utf-8").splitlines()[1:]
    }
    assert {entry.isco for entry in load()} <= known


def test_every_unit_group_has_titles_in_three_languages() -> None:
    """Five different French titles, three Arabic and five English name each of the 436 unit groups."""
    different: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
    for entry in load():
        if len(entry.isco) == 4:
            different[entry.isco, entry.lang].add(tokens(entry.title))
    groups = {isco for isco, _ in different}
    assert len(groups) == 436
    assert {
        (isco, lang) for isco in groups for lang, least in LEAST.items() if len(different[isco, lang]) < least
    } == set()


@pytest.mark.parametrize("line", ["41111\tfr\ttrop long", "4110\tfr", "4110\tfr\t ", "x\tfr\tcode"])
def test_a_broken_line_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    """A line that is no code, language and title stops the start and names itself."""
    path = tmp_path / "1.tsv"
    path.write_text(f"{HEADER}\n4110\tfr\temployé de bureau\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match=r"1\.tsv:3"):
        list(read(path))


def test_only_the_file_of_decisions_decides(tmp_path: Path) -> None:
    """Titles of extra.tsv are marked as decided, those of other files are not."""
    for name in ("1.tsv", "extra.tsv"):
        (tmp_path / name).write_text(f"{HEADER}\n4110\tfr\tcommis\n", "utf-8")
    assert load(tmp_path) == (Entry("4110", "fr", "commis"), Entry("4110", "fr", "commis", decides=True))
