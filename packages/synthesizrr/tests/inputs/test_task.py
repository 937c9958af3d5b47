import pytest
from synthesizrr.inputs.task import load_task, task_names
from synthesizrr.inversion.prompts import stop_sequences
from tenpapers.errors import UserError


def test_every_task_asks_for_its_label():
    assert len(task_names()) == 8
    sizes = {name: len(load_task(name).labels) for name in task_names()}
    assert sizes == {
        "ag_news": 4,
        "category": 23,
        "humor": 2,
        "hyperpartisan": 2,
        "imdb": 2,
        "polarity": 2,
        "sst2": 2,
        "toi_headlines": 10,
    }
    for name in task_names():
        task = load_task(name)
        for label, words in task.labels.items():
            for document in (True, False):
                ask = task.ask(label, document=document)
                assert words in ask and task.answer_prefix not in ask
                assert ("above" in ask) == document
            assert len(task.openings(label)) == 2
        assert task.document_header in stop_sequences(task)[0]


def test_a_task_of_your_own(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\nlabels: {a: good, b: bad}\ndocument_header: 'Doc:'\nanswer_prefix: 'Out:'\n"
        "instruction: 'Tell what is {{ label }} above.'\nfewgen_instruction: 'Be {{ label }}.'\n"
    )
    assert load_task(str(file)).ask("b", document=True) == "Tell what is bad above."
    file.write_text("name: mine\n")
    with pytest.raises(UserError, match="mine.yaml"):
        load_task(str(file))
    with pytest.raises(UserError, match="task nope: unknown"):
        load_task("nope")
