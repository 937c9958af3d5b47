"""Part A: heads found on one half of the prompts, switched off on the other."""

from retrievalheads.records import load_examples
from retrievalheads.study.planted_part import planted_part
from retrievalheads.study.settings import Study
from tenpapers.journal import Journal
from tenpapers.testing import tiny_model


def test_every_form_has_the_headline_k_and_the_same_row_with_no_head_off(tokenizer, tmp_path):
    # Prompts are chosen by their number of tokens, which is that of words and not of bytes.
    reader = tmp_path / "reader"
    config = {"vocab_size": len(tokenizer), "max_position_embeddings": 4096}
    tiny_model("llama", noise=0.05, **config).save_pretrained(reader)
    tokenizer.save_pretrained(reader)
    study = Study(
        model=f"hf:{reader}", planted=4, ks=[3], control_seeds=1, headline_k=2, headline_controls=2
    )
    with Journal(tmp_path, key={}) as journal:
        found = planted_part(study, journal).knockout
    told = [(row["arm"], row["k"], row["seed"]) for row in found["rows"]]
    curve = [("top", 2, 0), ("random", 2, 0), ("top", 3, 0), ("random", 3, 0)]
    assert told == [("top", 0, 0), *curve, ("random", 2, 1)]
    forms = [(form["kind"], form["scope"]) for form in found["more"]]
    assert forms == [("zero", "all"), ("uniform", "decode")]
    for form in found["more"]:
        assert form["rows"][0] == found["rows"][0]
        assert [(row["arm"], row["k"]) for row in form["rows"][1:]] == [("top", 2), ("random", 2)]
    assert found["n"] == 2  # the others found the heads
    ids = [example.id for example in load_examples(tmp_path / "planted" / "examples.jsonl")]
    assert len(ids) == 4
