import json

import pytest
from tenpapers.testing import Journalled, chat_server, check_journal, kill_process

from ..conftest import command, fails, inputs, pool, read_lines, write_rows


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Documents, demonstrations, two recorded teachers, and generations of one."""
    folder = tmp_path_factory.mktemp("given")
    write_rows(folder / "inputs.jsonl", [row.model_dump() for row in inputs(4)])
    write_rows(folder / "icl.jsonl", [row.model_dump() for row in pool()])
    for name in ("one", "two"):
        said = [{"id": f"in{n}", "text": f"Text {n} of {name}."} for n in range(4)]
        write_rows(folder / f"{name}.jsonl", said)
    return folder


def generation(files):
    """`generate` on four documents."""
    one, two = (f"replay:{files / name}.jsonl" for name in ("one", "two"))
    words = ["generate", files / "inputs.jsonl", files / "icl.jsonl", "--task", "ag_news"]
    return Journalled(
        [*words, "--shots", 1, "--tokenizer", "smollm2", "--teacher", one],
        out="generations.jsonl",
        others=[
            (["--teacher", two], f"teacher {two} is not {one} of then"),
            (["--temperature", 0.5], "temperature was 0.95 and is 0.5"),
            (["--shots", 2], "shots was 1 and is 2"),
            (["-n", 2], "limit was null and is 2"),
        ],
        changed=files / "inputs.jsonl",
        failed=None,
        kills=2,
    )


def test_generate_keeps_the_promises_of_runs(files, tmp_path):
    check_journal("synthesizrr", generation(files), tmp_path)


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
