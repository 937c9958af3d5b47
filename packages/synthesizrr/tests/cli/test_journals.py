import json
import shutil

import pytest
from synthesizrr.inversion.fewgen import fewgen_inputs
from tenpapers.testing import (
    Journalled,
    byte_tokenizer,
    chat_server,
    check_journal,
    kill_process,
)

from ..conftest import AG, command, fails, inputs, pool, read_lines, write_rows


@pytest.fixture(scope="module")
def files(news, tiny_encoder, tmp_path_factory):
    """Documents, demonstrations, two recorded teachers, and what each stage begins with."""
    folder = tmp_path_factory.mktemp("given")
    for name in ("train", "test", "docs"):
        shutil.copy(news / f"{name}.jsonl", folder)
    shutil.copytree(tiny_encoder, folder / "encoder")
    write_rows(folder / "inputs.jsonl", [row.model_dump() for row in inputs(4)])
    write_rows(folder / "icl.jsonl", [row.model_dump() for row in pool()])
    asked = [*(f"in{n}" for n in range(4)), *(row.id for row in fewgen_inputs(AG, 2))]
    for name in ("one", "two"):
        said = [{"id": wanted, "text": f"Text {wanted} of {name}."} for wanted in asked]
        write_rows(folder / f"{name}.jsonl", said)
    byte_tokenizer().save_pretrained(folder / "bytes")
    text = f"task: ag_news\nteacher: replay:{folder / 'one.jsonl'}\ntokenizer: {folder}/bytes\n"
    text += "train: train.jsonl\ntest: test.jsonl\nmethod: fewgen\nper_class: 2\nper_label: 2\n"
    text += "generate: {shots: 1}\nmetrics: [length]\nstudent: probe\nruns: 2\n"
    (folder / "run.yaml").write_text(text)
    command("seeds", "sample", folder, "--per-class", 2, "--out", folder / "seeds.jsonl")
    words = ["retrieve", folder / "seeds.jsonl", folder / "docs.jsonl", "--retriever", "bm25"]
    command(*words, "--top-k", 6, "--out", folder / "retrieved.jsonl")
    command(*generation(folder).arguments, "--out", folder / "generations.jsonl")
    command(*parsing(folder).arguments, "--out", folder / "synthetic.jsonl")
    return folder


SEED = (["--seed", 7], "seed was 42 and is 7")
PLAIN = {"failed": None, "kills": 1}


def replayed(files):
    """Options of the recorded teacher, and of another one with what its refusal tells."""
    one, two = (f"replay:{files / name}.jsonl" for name in ("one", "two"))
    another = (["--teacher", two], f"teacher {two} is not {one} of then")
    return ["--tokenizer", files / "bytes", "--teacher", one], another


def generation(files):
    options, another = replayed(files)
    words = ["generate", files / "inputs.jsonl", files / "icl.jsonl", "--task", "ag_news"]
    return Journalled(
        [*words, "--shots", 1, *options],
        out="generations.jsonl",
        others=[
            another,
            (["--temperature", 0.5], "temperature was 0.95 and is 0.5"),
            (["--shots", 2], "shots was 1 and is 2"),
            (["-n", 2], "limit was null and is 2"),
        ],
        changed=files / "inputs.jsonl",
        failed=None,
        kills=2,
    )


def few_generation(files):
    options, another = replayed(files)
    words = ["fewgen", files / "seeds.jsonl", "--task", "ag_news", "--shots", 1, "-n", 2]
    return Journalled(
        [*words, *options],
        out="fewgen.jsonl",
        others=[another, (["--method", "simprompt"], 'method was "fewgen" and is "simprompt"')],
        changed=files / "seeds.jsonl",
        **PLAIN,
    )


def sampling(files):
    words = ["seeds", "sample", files / "train.jsonl", "--per-class", 2]
    return Journalled(
        words, out="seeds.jsonl", others=[SEED], changed=files / "train.jsonl", **PLAIN
    )


def embedding(files):
    words = ["corpus", "embed", files / "docs.jsonl", "--encoder", files / "encoder"]
    names = ["settings.json", "meta.json", "corpus.json"]
    names += [
        f"{kind}-0000{n}.{end}" for n in (0, 1) for kind, end in (("emb", "npy"), ("ids", "txt"))
    ]
    others = [(["--max-length", 64], "max_length was 512 and is 64")]
    return Journalled(
        [*words, "--shard-size", 12], names, others, changed=files / "docs.jsonl", **PLAIN
    )


def retrieval(files):
    words = ["retrieve", files / "seeds.jsonl", files / "docs.jsonl", "--retriever", "bm25"]
    others = [(["--top-k", 5], "top_k was 4 and is 5")]
    return Journalled(
        [*words, "--top-k", 4],
        out="retrieved.jsonl",
        others=others,
        changed=files / "docs.jsonl",
        **PLAIN,
    )


def building(files):
    words = ["build-inputs", files / "retrieved.jsonl", "--task", "ag_news", "--ranks", "3-6"]
    outputs = ["icl.jsonl", "inputs.jsonl", "report.json"]
    return Journalled(
        [*words, "--context-tokens", "5,40"],
        outputs,
        others=[(["--mode", "non-retricl"], 'mode was "retricl" and is "non-retricl"')],
        changed=files / "retrieved.jsonl",
        **PLAIN,
    )


def parsing(files):
    words = ["parse", files / "generations.jsonl", "--task", "ag_news"]
    others = [(["--truncated", "keep"], 'truncated was "drop" and is "keep"')]
    changed = files / "generations.jsonl"
    return Journalled(words, out="synthetic.jsonl", others=others, changed=changed, **PLAIN)


def training(files):
    words = ["train", files / "synthetic.jsonl", files / "test.jsonl", "--student", "probe"]
    others = [(["--runs", 3], "runs was 2 and is 3"), SEED]
    changed = files / "test.jsonl"
    return Journalled([*words, "--runs", 2], ["student.json"], others, changed, **PLAIN)


def whole_run(files):
    _, another = replayed(files)
    words = ["run", "--config", files / "run.yaml"]
    outputs = ["generations.jsonl", "synthetic.jsonl", "metrics.json", "student.json"]
    return Journalled(
        words, outputs, others=[another, SEED], changed=files / "test.jsonl", **PLAIN | {"kills": 3}
    )


@pytest.mark.parametrize(
    "case",
    [
        generation,
        few_generation,
        sampling,
        embedding,
        retrieval,
        building,
        parsing,
        training,
        whole_run,
    ],
)
def test_a_command_keeps_the_promises_of_runs(case, files, tmp_path):
    check_journal("synthesizrr", case(files), tmp_path)


def test_a_filter_of_another_student_is_refused(files, spec, tmp_path):
    """Of one name and another content: what a student is counts, not what it is called."""
    student = tmp_path / "student"
    shutil.copytree(spec.model, student)
    words = ["filter", files / "synthetic.jsonl", "--student", f"hf:{student}", "--epochs", 1]
    command(*words, "--keep", 0.5, "--out", tmp_path / "f")
    config = json.loads((student / "config.json").read_text())
    (student / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-5}))
    told = [f"student hf:{student} has changed"]
    fails(*words, "--keep", 0.5, "--out", tmp_path / "f", told=told)


def test_a_run_tells_what_could_not_be_trained_after_its_data_set(files, tmp_path, capsys):
    """Every answer of one label is a refusal."""
    lines = read_lines(files / "one.jsonl")
    for row in lines:
        if "Sports" in row["id"]:
            row["text"] = "I'm sorry, but I can't help with that."
    write_rows(tmp_path / "said.jsonl", lines)
    words = ["run", "--config", files / "run.yaml", "--out", tmp_path / "out"]
    told = ["the training set has no row of label Sports", "the data set is in"]
    fails(*words, "--teacher", f"replay:{tmp_path / 'said.jsonl'}", told=told)
    said = capsys.readouterr().out
    assert "What became of the inputs" in said and "No text of label Sports." in said
    card = (tmp_path / "out" / "dataset" / "README.md").read_text()
    assert "| Sports | 0 |" in card and "no text of label Sports" in card


def test_a_killed_process_goes_on(files, tmp_path):
    out = tmp_path / "generations.jsonl"
    words = [*generation(files).arguments, "--out", out]
    kill_process("synthesizrr", *words, file=out, lines=2)
    before = read_lines(out)
    command(*words)
    after = read_lines(out)
    assert 0 < len(before) < 4 and len(after) == 4 and all(row in after for row in before)


def test_requests_that_failed_are_counted_and_asked_by_the_next_run(files, tmp_path, capsys):
    asked, healthy = [], []

    def answer(prompt):
        asked.append(prompt)
        return "A text." if healthy or prompt != asked[0] else None

    with chat_server(answer) as address:
        words = ["generate", files / "inputs.jsonl", files / "icl.jsonl", "--task", "ag_news"]
        words += ["--shots", 1, "--style", "chat", "--tokenizer", "smollm2", "--no-cache"]
        words += ["--teacher", f"openai:m@{address}", "--out", tmp_path / "g.jsonl"]
        command(*words, code=3)
        told, kept = capsys.readouterr().out, read_lines(tmp_path / "g.jsonl")
        healthy.append(True)
        command(*words)
    assert "1 failed" in told and len(kept) == 3
    assert len(read_lines(tmp_path / "g.jsonl")) == 4


def test_a_data_set_never_takes_the_place_of_a_users_files(files, tmp_path):
    command(*generation(files).arguments, "--out", tmp_path / "g.jsonl")
    mine = tmp_path / "mine"
    (mine / "data").mkdir(parents=True)
    for name in ("notes.txt", "data/raw.txt"):
        (mine / name).write_text("mine")
    words = ["parse", tmp_path / "g.jsonl", "--task", "ag_news", "--dataset", mine]
    for _ in range(2):
        command(*words, "--out", tmp_path / "synthetic.jsonl")
    assert (mine / "README.md").exists()
    assert [(mine / name).read_text() for name in ("notes.txt", "data/raw.txt")] == ["mine"] * 2
    other = tmp_path / "other"
    other.mkdir()
    (other / "README.md").write_text("mine")
    words[-1] = other
    told = ["README.md: was not made by this run"]
    fails(*words, "--out", tmp_path / "s.jsonl", told=told)
    assert (other / "README.md").read_text() == "mine" and not (tmp_path / "s.jsonl").exists()


@pytest.mark.parametrize("name", ["seeds.jsonl", "dataset/README.md"])
def test_run_never_takes_a_users_file_for_its_stage(files, news, tmp_path, name):
    mine = tmp_path / "project" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    config = tmp_path / "run.yaml"
    text = f"task: ag_news\nteacher: replay:{files / 'one.jsonl'}\ntokenizer: smollm2\n"
    config.write_text(f"{text}train: {news}/train.jsonl\nmethod: fewgen\n")
    words = ["run", "--config", config, "--out", mine.parents[name.count("/")]]
    for more in ([], ["--overwrite"]):
        fails(*words, *more, told=[f"{name}: was not made by this run"])
    assert mine.read_text() == "mine"


def test_a_run_whose_requests_failed_asks_them_again_and_makes_the_rest_anew(
    news, tmp_path, capsys
):
    asked, healthy = [], []

    def answer(prompt):
        asked.append(prompt)
        return f"Number {len(asked)}." if healthy or prompt != asked[0] else None

    config = tmp_path / "run.yaml"
    with chat_server(answer) as address:
        config.write_text(
            f"task: ag_news\nteacher: openai:m@{address}\ntokenizer: smollm2\n"
            f"train: {news}/train.jsonl\nper_class: 2\nmethod: fewgen\nper_label: 1\n"
            "generate: {shots: 1, style: chat}\nmetrics: [length]\ncache: false\n"
        )
        out = tmp_path / "out"
        words = ["run", "--config", config, "--out", out]
        command(*words, code=3)
        assert "of 4 requests failed; run it again" in capsys.readouterr().out
        before = len(read_lines(out / "synthetic.jsonl"))
        healthy.append(True)
        command(*words)
    metrics = json.loads((out / "metrics.json").read_text())["synthetic.jsonl"]
    assert before < len(read_lines(out / "synthetic.jsonl")) == metrics["n"] == 4
    fails(*words, "--seed", 7, told=["seed was 42 and is 7"])
