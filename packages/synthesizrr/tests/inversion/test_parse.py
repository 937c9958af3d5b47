import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthesizrr.inputs.task import load_task
from synthesizrr.inversion.parse import cleaned, parse, pieces
from synthesizrr.records import Generation

AG = load_task("ag_news")


def generation(text, name="g", label="World"):
    return Generation(
        id=name,
        label=label,
        context="doc",
        seed_id="s",
        doc_id="d",
        rank=3,
        score=0.5,
        prompt_sha256="",
        icl_ids=["i1"],
        shots_used=1,
        generation=text,
        finish_reason="stop",
        model="m",
        temperature=1.0,
        top_p=1.0,
        seed=0,
    )


def test_a_piece_for_every_answer_prefix():
    assert pieces('"A." Summary: B.', AG) == ["A.", "B."]
    rows, _ = parse([generation('"A." Summary: B.')], AG)
    assert [row.text for row in rows] == ["A."] and rows[0].id == "g###0"
    assert (rows[0].doc_id, rows[0].icl_ids, rows[0].context) == ("d", ["i1"], "doc")
    rows, _ = parse([generation('"A." Summary: B.')], AG, multi=True)
    assert [(row.id, row.text) for row in rows] == [("g###0", "A."), ("g###1", "B.")]


def test_an_invented_next_block_is_cut_off():
    assert pieces("A text.\n\nNews article:\nNext one.", AG) == ["A text."]
    opening = AG.openings("World")[0]
    assert pieces(f"A text.\n{opening} as news", AG) == ["A text."]
    assert pieces("A text.\n\nNews art", AG) == ["A text."]
    assert pieces("A text.\n\nOther words", AG) == ["A text.\n\nOther words"]


def test_a_refusal_drops_everything():
    text = "I'm sorry, I am UNABLE to summarize, really. Summary: x"
    rows, report = parse([generation(text)], AG)
    assert rows == [] and report.refused == 1 and report.rates["refused"] == 1
    assert len(parse([generation(text)], AG, fewgen=True, multi=True)[0]) == 2


@pytest.mark.parametrize("text", ["", "  ", '""', "Summary:", "\x00\x07", "'' Summary: \"\""])
def test_an_empty_result_is_counted(text):
    rows, report = parse([generation(text)], AG)
    assert rows == [] and report.empty == 1


def test_quotes_are_taken_off_once():
    assert cleaned(' "a" ') == "a" and cleaned("\"'a'\"") == "a"
    assert cleaned("'\"a\"'") == '"a"' and cleaned('"') == '"'
    assert cleaned("a\x1b[31mb") == "a[31mb"


def test_repeated_texts_are_kept_once_a_label():
    same = [generation("A b.", "1"), generation("a  B.", "2"), generation("A b.", "3", "Sports")]
    rows, report = parse(same, AG, deduplicate=True)
    assert [row.id for row in rows] == ["1###0", "3###0"] and report.duplicate == 1
    assert report.labels == {"Sports": 1, "World": 1}
    assert len(parse(same, AG)[0]) == 3


@given(st.text(max_size=100))
def test_any_text_parses_to_clean_pieces(text):
    for piece in pieces(text, AG):
        assert piece == piece.strip() != ""
        assert AG.answer_prefix not in piece and AG.document_header not in piece
