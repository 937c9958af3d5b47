from cfr.synthetic.draw import draw
from cfr.synthetic.paraphrase import paraphrase
from tenpapers.generation import open_generator
from tenpapers.testing import write_rows

FILLER = "Nothing else is known of it, and the notes end here. " * 7


def test_words_of_a_model_that_break_a_rule_are_not_taken(tmp_path):
    drawn = draw(1, seed=3)
    (item,) = drawn.items
    (right,) = item.relevant
    topics = [p.pid for p in item.passages if p.pid.startswith("topic")]
    others = [p.pid for p in item.passages if p.pid not in {right, *topics}]
    good = f"{item.entity} came from {item.process}. {FILLER}"
    said = {
        right: good,
        others[0]: f"{item.entity} {item.property}. {FILLER}",  # of another entity, with the claim
        topics[0]: f"They say that {item.entity} {item.property}. {FILLER}",
        topics[1]: f"They say that {item.entity} {item.property}, by {item.process}. {FILLER}",
        topics[2]: f"They say that {item.entity} {item.property}.",  # too short
    }
    file = write_rows(
        tmp_path / "s.jsonl", [{"id": pid, "text": text} for pid, text in said.items()]
    )
    with open_generator(f"replay:{file}") as model:
        done = paraphrase(drawn, model)
    assert (done.rewritten, done.unfit, done.failed) == (2, 3, 1)
    texts = {p.pid: p for p in done.items[0].passages}
    before = {p.pid: p for p in item.passages}
    assert texts[right].text == good.strip() and texts[right].end == len(good.split())
    assert texts[topics[0]].text.startswith("They say")
    for pid in (*others, *topics[1:]):
        assert texts[pid] == before[pid]
