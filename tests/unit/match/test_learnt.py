"""What is learnt from postings: sentences that stand under many jobs, and how common title words are."""

from pathlib import Path

import msgspec
import pytest

from deploy import cli
from deploy.errors import DeployError
from schemas.messages import Enrichment, Posting
from streams import offline
from streams.enrich.taxonomy import taxonomy_version
from streams.match.learnt import LEAST, Learnt, Text, learn, word_hash
from streams.match.signature import signature
from streams.match.tables import Tables

JOBS = ("Comptable", "Soudeur", "Infirmier", "Cuisinier", "Développeur", "Magasinier")
SENTENCE = "Zellij Interim est le premier cabinet bleu de la médina et forme ses équipes"


def _lines(texts: list[tuple[str, str]]) -> list[bytes]:
    rows = (
        {"source": "s", "source_id": str(k), "title": job, "description": text} for k, (job, text) in enumerate(texts)
    )
    return [msgspec.json.encode(row) for row in rows]


def test_a_sentence_under_many_jobs_is_boilerplate(tables: Tables) -> None:
    """What five jobs share tells no two ads apart; what one job repeats does, and so does what four jobs share."""
    own = [f"Mission {k} : {job} au zellijodrome numéro {k}{k}{k}" for k, job in enumerate(JOBS)]
    ads = [(job, f"{SENTENCE}. {own[k]}") for k, job in enumerate(JOBS)]
    learnt = offline.learn(_lines(ads), tables)
    alone = offline.learn(_lines([ads[0]] * 20), tables)
    few = offline.learn(_lines(ads[: LEAST - 1] * 3), tables)
    assert len(learnt.boilerplate) >= 8
    assert not alone.boilerplate
    assert not few.boilerplate
    posting = msgspec.convert(
        {"source": "s", "id": "1", "side": "offer", "observed_at": "2026-05-01T00:00:00Z", "description": SENTENCE,
         "title": "Comptable"}, Posting
    )  # fmt: skip
    assert signature(posting, Enrichment(), Tables.load(learnt)).text_words == 0
    assert signature(posting, Enrichment(), tables).text_words > 8


def test_learning_does_not_depend_on_order_and_counts_an_ad_once(tables: Tables, tmp_path: Path) -> None:
    """The same ads in any order, some of them twice, write the same bytes."""
    lines = _lines([(job, f"{SENTENCE} {job}") for job in JOBS])
    offline.learn(lines, tables).write(tmp_path / "one")
    offline.learn([*reversed(lines), *lines[:3]], tables).write(tmp_path / "two")
    for file in ("boilerplate.txt", "title_words.txt"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_what_is_written_is_read_back_and_nothing_rare_is_kept(tmp_path: Path) -> None:
    """A hash that fewer than five ads share is not in the files."""
    ads = [Text(("comptabl", f"nom{k}"), (1, 2, k + 100)) for k in range(LEAST)]
    learnt = learn(ads)
    learnt.write(tmp_path)
    assert Learnt.load(tmp_path) == learnt
    assert learnt.title_words == {word_hash("comptabl"): LEAST}
    assert learnt.boilerplate == {1, 2}


def test_rare_words_make_a_rare_title(tmp_path: Path) -> None:
    """A word that every ad has adds nothing; one that none has adds most."""
    learnt = learn([Text(("comptabl",), ())] * 100)
    assert learnt.rarity(["comptabl"]) == 0
    assert learnt.rarity(["zellij"]) > 3
    (tmp_path / "boilerplate.txt").write_text("nothing\n")
    with pytest.raises(ValueError, match="how many ads"):
        Learnt.load(tmp_path)


def test_the_taxonomy_is_named_by_what_was_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other learnt files are another taxonomy, and so another generation."""
    before = taxonomy_version()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"x" * (path.name == "boilerplate.txt"))
    assert taxonomy_version() != before


def test_the_command_writes_both_files_and_refuses_an_empty_one(tmp_path: Path) -> None:
    """`marsad learn FILE --into DIR` writes what matching reads back; a file without postings teaches nothing."""
    file = tmp_path / "postings.ndjson"
    file.write_bytes(b"\n".join(_lines([(job, f"{SENTENCE} {job}") for job in JOBS])))
    cli.learn(str(file), into=tmp_path / "learnt")
    assert Learnt.load(tmp_path / "learnt").ads == len(JOBS)
    file.write_bytes(b"\n")
    with pytest.raises(DeployError, match="no posting"):
        cli.learn(str(file), into=tmp_path / "other")
