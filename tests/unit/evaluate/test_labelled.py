import pytest

from streams.evaluate.labelled import ANSWERS, joined, lines, question, row_hash, rows_of


def test_a_question_holds_no_answer() -> None:
    """Every answer field is taken off; the posting's own fields stay."""
    row = {"title": "Maçon", "city": "Fès"} | dict.fromkeys(ANSWERS, "7112")
    assert question(row) == {"title": "Maçon", "city": "Fès"}


def test_rows_survive_being_written_and_read() -> None:
    """What `lines` writes, `rows_of` reads."""
    rows = [{"title": "محاسب"}, {"title": "Maçon", "n": 2}]
    assert rows_of(lines(rows)) == rows


@pytest.mark.parametrize("line", [b"{", b"[]", b"", b"1"])
def test_a_broken_line_is_named(line: bytes) -> None:
    """A line that is no object stops the evaluation and is named by its number."""
    with pytest.raises(ValueError, match="line 2"):
        rows_of([b"{}", line])


def test_labels_are_joined_to_their_posting_by_its_content() -> None:
    """Labels name a posting by the hash of its fields in any order, and come out in their own order."""
    postings = [{"title": "Maçon", "city": "Fès"}, {"title": "Soudeur"}, {"title": "Juriste"}]
    labels = [{"hash": row_hash({"city": "Fès", "title": "Maçon"}), "isco4": ["7112"]},
              {"hash": row_hash(postings[2]), "isco4": ["2619"]}]  # fmt: skip
    found = joined(reversed(labels), lines(postings))
    assert [(row["title"], row["isco4"]) for row in found] == [("Juriste", ["2619"]), ("Maçon", ["7112"])]


def test_a_label_without_its_posting_is_an_error() -> None:
    """Measuring fewer rows than were labelled would flatter: it is refused."""
    with pytest.raises(ValueError, match="1 of 1"):
        joined([{"hash": "0" * 16}], lines([{"title": "Maçon"}]))
