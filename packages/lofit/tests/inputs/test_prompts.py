from lofit.inputs import clutrr, mquake
from lofit.inputs.load_task import load_task


def test_prompts_begin_and_end_as_the_papers_do(mini):
    (first, *_) = mquake.read(mini / "mquake_train.jsonl")
    assert first.prompt.startswith("Imagine that Ada Marlow was born in the city of ")
    assert first.prompt.endswith("\nA:") and first.completion == first.answers[0]
    (story, *_) = clutrr.read(mini / "clutrr_train.jsonl")
    assert "[" not in story.prompt and story.prompt.endswith("'s\n")
    quirky = clutrr.read(mini / "clutrr_train.jsonl", quirks=True)[0]
    assert "How is  " in quirky.prompt and "How is  " not in story.prompt
    pair = load_task("truthfulqa", mini).train[0]
    assert pair.prompt.startswith("Q: ") and pair.prompt.endswith(" A:") and "\n" not in pair.prompt
