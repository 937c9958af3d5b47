import json
import time
import tracemalloc

import pytest
from overton.records import Judgement
from overton.study import analyse as module
from overton.study.analyse import analyse
from overton.study.settings import AnalysisSettings
from tenpapers.testing import command, fails, write_rows

BASE = [("Sky?", "Blue as the sea"), ("Sky?", "grey clouds"), ("Sea?", "Green"), ("Sea?", "Deep")]
ALIGNED = [
    ("Sky?", "Blue sky, grey clouds"),
    ("Sky?", "Blue sky, some clouds"),
    ("Sea?", "Deep green sea"),
    ("Sea?", "Deep sea"),
]


@pytest.fixture
def files(tmp_path):
    """Two files as people have them: prompts and responses, and chats."""
    base = [{"prompt": prompt, "response": text} for prompt, text in BASE]
    aligned = [
        {
            "messages": [
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": text},
            ]
        }
        for prompt, text in ALIGNED
    ]
    return [
        write_rows(tmp_path / "base.jsonl", base),
        write_rows(tmp_path / "aligned.jsonl", aligned),
    ]


def test_two_files_give_every_table_and_figure(files, tmp_path):
    stances = [
        {"metadata": {"instance_id": name, "sample_index": n}, "stance": stance}
        for name in ("Sky?", "Sea?")
        for n, stance in enumerate(("yes", "no"))
    ]
    judged = write_rows(tmp_path / "stance" / "base.jsonl", stances)
    out = tmp_path / "run"
    words = ["--judgements", judged, "--metric", "jaccard,rougeL", "--out", out]
    command("overton", "analyse", *files, *words)
    results = json.loads((out / "results.json").read_text())
    assert results["reference"] == "aligned"
    assert results["pluralism"]["base"]["yes_and_no"] == 1.0
    assert results["diversity"]["base"]["jaccard"] == 0.0
    assert results["diversity"]["aligned"]["jaccard"] == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert results["coverage"]["aligned>base"]["union_sizes"] == [1.5, 3.0]
    assert set(results["similarity"]["base"]) == {
        "pairs",
        "jaccard",
        "jaccard_max",
        "rougeL",
        "rougeL_max",
    }
    assert results["similarity"]["aligned"]["pairs"] == 2
    assert {file.name for file in (out / "figures").iterdir()} == {
        "diversity.png",
        "stances.png",
        "union_growth.png",
        "similarity.png",
    }
    assert len(list((out / "tables").iterdir())) == 5


def test_one_file_alone_is_refused(files, tmp_path):
    fails("overton", "analyse", files[0], "--out", tmp_path / "run", told=["give two files"])


def verdicts(file, *stances):
    rows = [{"metadata": {"instance_id": "Sky?"}, "stance": stance} for stance in stances]
    return write_rows(file, rows)


def test_verdicts_are_on_the_model_that_they_name(files, tmp_path):
    """A name that only holds a model's is another's."""
    judged = [
        verdicts(tmp_path / "v" / "base-icl.jsonl", "no"),
        verdicts(tmp_path / "v" / "stance-base.jsonl", "yes"),
        verdicts(tmp_path / "v" / "unaligned.jsonl", "both"),
    ]
    said = {"id": "Sky?", "model": "aligned", "kind": "stance", "value": "other"}
    judged.append(write_rows(tmp_path / "v" / "x.jsonl", [said]))
    words = [word for file in judged for word in ("--judgements", file)]
    command("overton", "analyse", *files, *words, "--metric", "jaccard", "--out", tmp_path / "run")
    found = json.loads((tmp_path / "run" / "results.json").read_text())["pluralism"]
    stances = {
        name: [s for s in ("yes", "no", "both", "other") if row[s]] for name, row in found.items()
    }
    assert stances == {
        "base-icl": ["no"],
        "base": ["yes"],
        "unaligned": ["both"],
        "aligned": ["other"],
    }
    words = ["--judgements", judged[1], "--judgements", judged[1]]
    run = ["--metric", "jaccard", "--out", tmp_path / "twice"]
    fails("overton", "analyse", *files, *words, *run, told=["a second verdict on sample 0"])


def test_what_does_not_fit_is_told_before_anything_is_written(files, tmp_path):
    out = tmp_path / "run"
    words = ["--metric", "jaccard", "--out", out]
    fails("overton", "analyse", *files, "--metric", "likeness", "--out", out, told=["unknown"])
    other = write_rows(tmp_path / "other.jsonl", [{"id": 1, "text": "a"}])
    fails("overton", "analyse", files[0], other, *words, told=["answers 2 questions, other 1"])
    command("overton", "analyse", *files, *words)


def test_words_alone_need_no_encoder(files, tmp_path):
    words = ["--metric", "jaccard", "--encoder", tmp_path / "none", "--out", tmp_path / "run"]
    command("overton", "analyse", *files, *words)


def test_verdicts_are_what_they_contain_not_where_they_lie(files, tmp_path):
    """The same run from another folder goes on; other verdicts are refused."""
    words = ["--metric", "jaccard", "--out", tmp_path / "run", "--judgements"]
    first, moved, other = (
        verdicts(tmp_path / name / "base.jsonl", stance)
        for name, stance in (("x", "no"), ("y", "no"), ("z", "yes"))
    )
    command("overton", "analyse", *files, *words, first)
    command("overton", "analyse", *files, *words, moved)
    fails("overton", "analyse", *files, *words, other, told=["input base.jsonl has changed"])


def test_cosines_stand_in_the_figure_of_similarities(files, tmp_path, monkeypatch):
    drawn = []
    draw = module.similarity_figure
    monkeypatch.setattr(
        module, "similarity_figure", lambda *given: drawn.append(given) or draw(*given)
    )
    settings = AnalysisSettings(metric="jaccard,cos", cache=False, draws=10)
    analyse(files, settings, tmp_path / "run")
    ((_, frame, reference, names),) = drawn
    assert (reference, names) == ("aligned", ["base", "aligned"])
    assert frame["metric"].tolist() == ["jaccard", "jaccard", "cos", "cos"]
    assert (tmp_path / "run" / "figures" / "similarity.png").stat().st_size > 10_000


def test_more_responses_take_more_time_and_hardly_more_memory(tmp_path):
    """Made-up rows; 100,000 of them take as many times longer, see the README."""
    settings = AnalysisSettings(metric="jaccard,rougeL", draws=0)
    taken = []
    for count in (100, 400):
        files = [
            write_rows(
                tmp_path / f"{count}" / f"{name}.jsonl",
                (
                    {"question_id": n // 4, "response": f"{name} {n} word{n % 97} " + "x" * 3600}
                    for n in range(count * 4)
                ),
            )
            for name in ("a", "b")
        ]
        began = time.process_time()
        tracemalloc.start()
        analyse(files, settings, tmp_path / f"run{count}")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        taken.append((time.process_time() - began, peak))
    (few, small), (many, large) = taken
    assert many < 8 * few + 2
    # 2,400 responses of 3,600 characters more
    assert large - small < 2_400 * 1_500


def test_a_file_of_verdicts_is_of_the_model_it_names_or_says():
    """Not of one whose name is a part of a word: `a` is no part of `stance`."""
    names = ["base", "a", "base-2"]
    said = [verdict("x"), verdict("x")]
    assert module._model_of("stance-base", names, said) == "base"
    assert module._model_of("base-2_stance", names, said) == "base-2"
    assert module._model_of("stance", names, said) == "x"
    assert module._model_of("stance", names, [*said, verdict("y")]) == "stance"


def verdict(model):
    return Judgement("stance", model, 0, 0, None, "", "yes", "ok")


def test_a_reference_given_by_another_path_is_no_second_model(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--reference", files[1], "--metric", "jaccard", "--out", "run"]
    command("overton", "analyse", "base.jsonl", "aligned.jsonl", *words)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert list(results["coverage"]) == ["aligned>base"]
