import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

COMMANDS = [
    "",
    "select-heads",
    "tune",
    "train",
    "rank-heads",
    "evaluate",
    "generate",
    "merge",
    "baseline",
    "baseline iti",
    "baseline repe",
    "baseline lora",
    "baseline red",
    "baseline reft",
    "baseline zero-shot",
    "compare-heads",
    "transfer",
    "sweep",
    "inspect",
    "bench",
    "reproduce",
]


def fails(done, *told):
    """Exit code 2, one line, no traceback."""
    assert done.returncode == 2, done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: ") and "Traceback" not in done.stderr
    for part in told:
        assert part in line, line


def in_process(capsys, *arguments):
    """Run the command line here, which saves the start of a process."""
    from lofit.cli.main import app

    code = app([str(argument) for argument in arguments], standalone_mode=False)
    assert not code, capsys.readouterr().err
    return capsys.readouterr().out


def test_help_of_every_command_answers_in_under_a_second(cli):
    best = {}
    for command in COMMANDS:
        for _ in range(3):  # the best of three: the machine may be busy
            began = time.monotonic()
            done = cli(*command.split(), "--help")
            seconds = time.monotonic() - began
            assert done.returncode == 0 and "Usage:" in done.stdout
            best[command] = min(seconds, best.get(command, seconds))
            if seconds < 1:
                break
    assert max(best.values()) < 1, best


@pytest.fixture(scope="module")
def training_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("data") / "train.jsonl"
    rows = [
        {"id": str(i), "prompt": f"Q: item {i}? A:", "completion": " yes", "answers": ["yes"]}
        for i in range(16)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def trained(cli_module, training_file, tiny_folder, tmp_path_factory):
    """The fixed interface of `train`, once."""
    out = tmp_path_factory.mktemp("trained")
    done = cli_module(
        "train",
        "--task",
        "jsonl",
        "--data",
        training_file,
        "--model",
        f"hf:{tiny_folder}",
        "--epochs",
        "6",
        "--lr",
        "0.05",
        "--tune-lr",
        "0.3",
        "--top-k",
        "4",
        "--out",
        out,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def cli_module():
    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-c", "from lofit.cli.main import main; main()", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ.copy(),
        )

    return call


def test_train_ends_with_heads_and_an_adapter(trained):
    heads = json.loads((trained / "heads.json").read_text())
    assert len(heads["scores"]) == 4 and len(heads["order"]) == 16
    assert {p.name for p in (trained / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "README.md",
    }
    config = json.loads((trained / "adapter" / "adapter_config.json").read_text())
    assert config["heads"] == heads["order"][:4] and config["task"] == "jsonl"
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["trainable"] == 64 and manifest["config"]["top_k"] == 4
    assert manifest["data"]["train.jsonl"]
    losses = [json.loads(x)["loss"] for x in (trained / "train_log.jsonl").read_text().splitlines()]
    assert len(losses) == 12 and losses[-1] < losses[0]
    assert not (trained / ".step1").exists() and not (trained / ".step2").exists()


def test_the_settings_in_a_manifest_give_the_same_run(trained, tmp_path, capsys):
    import yaml

    config = json.loads((trained / "manifest.json").read_text())["config"]
    file = tmp_path / "again.yaml"
    file.write_text(yaml.safe_dump({k: v for k, v in config.items() if v is not None}))
    in_process(capsys, "train", "--config", file, "--out", tmp_path / "again")
    for name in ("heads.json", "adapter/adapter_config.json"):
        ours = json.loads((tmp_path / "again" / name).read_text())
        theirs = json.loads((trained / name).read_text())
        assert ours.get("order") == theirs.get("order") and ours.get("heads") == theirs.get("heads")


def test_a_default_does_not_overrule_the_settings_file(
    mini, tiny_folder, tmp_path, capsys, monkeypatch
):
    file = tmp_path / "c.yaml"
    file.write_text("fold: 1\npairs: all\nchat_template: true\ndedup: true\nseed: 7\n")
    seen = []
    monkeypatch.setattr("lofit.options.load_task", lambda *a, **k: seen.append(k) or 1 / 0)
    from lofit.cli.main import app

    for command in (["train"], ["select-heads"], ["tune", "--heads", "x"], ["transfer"]):
        with pytest.raises(ZeroDivisionError):
            app(
                [*command, "--config", str(file), "--out", str(tmp_path / "o")],
                standalone_mode=False,
            )
    assert [(k["fold"], k["which_pairs"], k["dedup"], k["seed"]) for k in seen] == [
        (1, "all", True, 7)
    ] * 4


def test_overwriting_a_study_leaves_other_files_alone(tmp_path):
    from tenpapers.errors import UserError
    from tenpapers.report import claim_folder

    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / "part").mkdir()
    claim_folder(tmp_path, {"a": 1}, overwrite=False, parts=["part"])
    with pytest.raises(UserError, match="study of other settings"):
        claim_folder(tmp_path, {"a": 2}, overwrite=False, parts=["part"])
    claim_folder(tmp_path, {"a": 2}, overwrite=True, parts=["part"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.txt", "study.json"]


def test_the_fixed_interface_of_evaluate(trained, training_file, tiny_folder, tmp_path, capsys):
    common = [
        "--max-tokens",
        "1",
        "--task",
        "jsonl",
        "--data",
        training_file,
        "--model",
        f"hf:{tiny_folder}",
    ]
    said = in_process(
        capsys,
        "evaluate",
        *common,
        "--adapter",
        trained / "adapter",
        "--out",
        tmp_path,
        "--no-cache",
    )
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["n"] == 16 and set(results["metrics"]) == {"em_strict", "em_normalized"}
    assert results["echo"] is None and "em_normalized" in said
    rows = [json.loads(x) for x in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert set(rows[0]) >= {"id", "prompt", "completion", "prediction", "answers", "correct"}
    # The adapter learnt to say yes; the base does not, nor does the adapter at strength 0.
    assert results["metrics"]["em_normalized"] > 90
    in_process(
        capsys,
        "evaluate",
        *common,
        "--adapter",
        trained / "adapter",
        "--scale",
        "0",
        "--out",
        tmp_path / "zero",
        "--no-cache",
    )
    zero = json.loads((tmp_path / "zero" / "results.json").read_text())
    assert zero["metrics"]["em_normalized"] < 50


@pytest.mark.parametrize("task", ["mquake", "clutrr", "truthfulqa"])
def test_published_files_are_evaluated(task, mini, tiny_folder, tmp_path, capsys):
    file = mini / ("truthfulqa.jsonl" if task == "truthfulqa" else f"{task}_test.jsonl")
    in_process(
        capsys,
        "evaluate",
        "--task",
        task,
        "--data",
        file,
        "--model",
        f"hf:{tiny_folder}",
        "--out",
        tmp_path,
        "--limit",
        "3",
        "--no-cache",
    )
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["n"] == 3
    wanted = {"mc1", "mc2", "mc3"} if task == "truthfulqa" else {"em_strict", "em_normalized"}
    assert wanted <= set(results["metrics"])
    assert (results["echo"] is not None) == (task == "mquake")
    row = json.loads((tmp_path / "predictions.jsonl").read_text().splitlines()[0])
    if task == "truthfulqa":
        assert set(row) == {"id", "scores_true", "scores_false", "best_index", "mc1", "mc2", "mc3"}


def test_open_answers_are_judged(mini, tiny_folder, tmp_path, capsys):
    in_process(
        capsys,
        "evaluate",
        "--task",
        "truthfulqa",
        "--data",
        mini / "truthfulqa.jsonl",
        "--model",
        f"hf:{tiny_folder}",
        "--judge-true",
        "smollm2",
        "--judge-informative",
        "smollm2",
        "--limit",
        "2",
        "--out",
        tmp_path,
        "--no-cache",
    )
    metrics = json.loads((tmp_path / "results.json").read_text())["metrics"]
    assert metrics["true*informative (product of means)"] == pytest.approx(
        metrics["true"] * metrics["informative"] / 100
    )
    assert "true and informative (per answer)" in metrics


def test_merge_verifies_and_inspect_tells(trained, tiny_folder, tmp_path, capsys):
    said = in_process(
        capsys,
        "merge",
        "--adapter",
        trained / "adapter",
        "--model",
        f"hf:{tiny_folder}",
        "--out",
        tmp_path / "m",
        "--verify",
    )
    report = json.loads((tmp_path / "m" / "verify.json").read_text())
    assert report["max_abs_logit_diff"] < 1e-3 and report["greedy_agreement"] == 1.0
    assert "merged against hooked" in said
    content = json.loads(in_process(capsys, "inspect", trained / "adapter", "--json"))
    assert content["numbers"] == 64 and content["merged for vLLM"] is True
    assert content["share of the base's numbers"].endswith("%")


def test_a_merge_that_is_off_exits_with_3(trained, tiny_folder, tmp_path, capsys, monkeypatch):
    from lofit.cli.main import app
    from lofit.offsets.merge_check import MergeReport

    monkeypatch.setattr(
        "lofit.offsets.merge_check.verify_merge",
        lambda *a, **k: MergeReport(1.0, 0.0, 1.0, 1e-3, False),
    )
    code = app(
        [
            "merge",
            "--adapter",
            str(trained / "adapter"),
            "--model",
            f"hf:{tiny_folder}",
            "--out",
            str(tmp_path / "m"),
            "--verify",
        ],
        standalone_mode=False,
    )
    assert code == 3


def test_generation_goes_on_where_it_was(trained, tiny_folder, tmp_path, capsys):
    prompts, out = tmp_path / "p.jsonl", tmp_path / "o.jsonl"
    rows = [{"id": str(i), "prompt": f"Q: item {i}? A:"} for i in range(4)]
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    call = [
        "generate",
        "--prompts",
        prompts,
        "--model",
        f"hf:{tiny_folder}",
        "--adapter",
        trained / "adapter",
        "--out",
        out,
        "--max-tokens",
        "4",
        "--no-cache",
    ]
    in_process(capsys, *call)
    whole = out.read_text().splitlines()
    assert len(whole) == 4 and "yes" in json.loads(whole[0])["completion"]
    out.write_text("\n".join(whole[:2]) + "\n" + whole[2][:20])  # killed in the third line
    in_process(capsys, *call)
    again = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(row["id"] for row in again) == ["0", "1", "2", "3"]


def test_prompts_of_a_users_own_are_trained_on(mini, tiny_folder, tmp_path, capsys):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mquake.jinja").write_text("{{ question }} {{ nothing }}")
    from lofit.cli.main import app
    from tenpapers.errors import UserError

    call = [
        "tune",
        "--task",
        "mquake",
        "--data",
        str(mini),
        "--model",
        f"hf:{tiny_folder}",
        "--heads",
        "x",
        "--prompts",
        str(tmp_path / "p"),
        "--out",
        str(tmp_path / "o"),
    ]
    with pytest.raises(UserError, match="mquake.jinja: 'nothing' is undefined"):
        app(call, standalone_mode=False)


def test_the_two_steps_apart_and_rankings_compared(training_file, tiny_folder, tmp_path, capsys):
    common = ["--task", "jsonl", "--data", training_file, "--model", f"hf:{tiny_folder}"]
    for name in ("a", "b"):
        command = ["select-heads"] if name == "a" else ["rank-heads", "--method", "random"]
        said = in_process(
            capsys, *command, *common, "--epochs", "1", "--top-k", "3", "--out", tmp_path / name
        )
        assert "best 3 of 16 heads" in said and "256 lofit step 1 (scales)" in said
    in_process(
        capsys,
        "tune",
        *common,
        "--heads",
        tmp_path / "a" / "heads.npy",
        "--top-k",
        "3",
        "--epochs",
        "1",
        "--out",
        tmp_path / "t",
    )
    assert (tmp_path / "t" / "adapter" / "adapter_config.json").exists()
    content = json.loads(
        in_process(
            capsys,
            "compare-heads",
            tmp_path / "a" / "heads.json",
            tmp_path / "b" / "heads.json",
            "--top-k",
            "3",
            "--out",
            tmp_path / "c",
            "--json",
        )
    )
    assert content["jaccard"][0][0] == 1.0 and content["chance"] == pytest.approx(3 / 29)
    assert (tmp_path / "c" / "layers.png").stat().st_size > 5000


def test_transfer_and_sweep(mini, tiny_folder, tmp_path, capsys):
    common = [
        "--data",
        mini,
        "--model",
        f"hf:{tiny_folder}",
        "--epochs",
        "1",
        "--top-k",
        "2",
        "--limit",
        "2",
    ]
    said = in_process(
        capsys, "transfer", "--tasks", "mquake,clutrr", *common, "--out", tmp_path / "t"
    )
    assert "mquake" in said and (tmp_path / "t" / "transfer.png").exists()
    for over, values, arms in (
        ("scale", "0,1", {"LoFiT"}),
        ("train-size", "4", {"LoFiT", "LoRA", "RED"}),
        ("component", "1", {"offsets", "scales kept"}),
        ("k", "10,50", {"LoFiT"}),
        ("l1", "0,0.001", {"LoFiT"}),
    ):
        out = tmp_path / over
        in_process(
            capsys,
            "sweep",
            "--over",
            over,
            "--values",
            values,
            "--task",
            "mquake",
            *common,
            "--out",
            out,
        )
        assert set(json.loads((out / "sweep.json").read_text())) == arms


@pytest.mark.parametrize("method", ["iti", "repe", "lora", "red", "reft", "zero-shot"])
def test_every_baseline_command(method, mini, tiny_folder, tmp_path, capsys):
    more = [] if method in ("iti", "repe", "zero-shot") else ["--epochs", "1"]
    more += ["--coefficient", "1"] if method == "repe" else []
    more += ["--limit", "2"] if method == "zero-shot" else []
    in_process(
        capsys,
        "baseline",
        method,
        "--task",
        "mquake",
        "--data",
        mini,
        "--model",
        f"hf:{tiny_folder}",
        "--out",
        tmp_path,
        *more,
    )
    if method == "zero-shot":
        assert json.loads((tmp_path / "results.json").read_text())["n"] == 2
        return
    in_process(
        capsys,
        "evaluate",
        "--task",
        "mquake",
        "--data",
        mini / "mquake_test.jsonl",
        "--model",
        f"hf:{tiny_folder}",
        "--adapter",
        tmp_path / "adapter",
        "--limit",
        "2",
        "--no-cache",
        "--out",
        tmp_path / "e",
    )
    assert json.loads((tmp_path / "e" / "results.json").read_text())["n"] == 2
    assert "numbers" in in_process(capsys, "inspect", tmp_path / "adapter")


def test_a_killed_training_goes_on(training_file, tiny_folder, tmp_path):
    out = tmp_path / "out"
    code = "import lofit.training.loop; lofit.training.loop.SAVE_EVERY = 0; from lofit.cli.main import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "train",
        "--task",
        "jsonl",
        "--data",
        str(training_file),
        "--model",
        f"hf:{tiny_folder}",
        "--epochs",
        "60",
        "--top-k",
        "2",
        "--out",
        str(out),
    ]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    state = out / ".step1" / "state.json"
    while not state.exists() or len(json.loads(state.read_text())["losses"]) < 5:
        assert first.poll() is None
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    kept = json.loads(state.read_text())["losses"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    losses = json.loads((out / "heads.json").read_text())["details"]["losses"]
    assert len(losses) == 120
    assert losses[: len(kept)] == [round(loss, 6) for loss in kept]


LINES = {
    "good": '{"id": "1", "prompt": "p", "completion": " c"}',
    "missing": '{"id": "2", "prompt": "p"}',
    "type": '{"id": "2", "prompt": 7, "completion": "c"}',
    "broken": '{"id": "2", ',
}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"{LINES['good']}\n{LINES['missing']}\n", "train.jsonl:2: missing field 'completion'"),
        (f"{LINES['good']}\n{LINES['type']}\n", "train.jsonl:2: prompt: "),
        (f"{LINES['good']}\n{LINES['broken']}\n", "train.jsonl:2: not JSON"),
        ("", "train.jsonl: no records in it"),
        (None, "train.jsonl: no such file"),
        (
            json.dumps({"id": "x", "prompt": "p", "completion": "w " * 600}) + "\n",
            "x: 1 prompt tokens and",
        ),
    ],
)
def test_bad_training_files(cli, content, told, tmp_path, tiny_folder):
    """Check 22."""
    file = tmp_path / "train.jsonl"
    if content is not None:
        file.write_text(content)
    fails(
        cli(
            "train",
            "--task",
            "jsonl",
            "--data",
            file,
            "--model",
            f"hf:{tiny_folder}",
            "--out",
            tmp_path / "o",
        ),
        told,
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["train", "--task", "jsonl", "--data", "D", "--top-k", "0", "--model", "T"],
            ["K=0 outside 1..16"],
        ),
        (
            ["train", "--task", "jsonl", "--data", "D", "--top-k", "17", "--model", "T"],
            ["K=17 outside 1..16"],
        ),
        (["train", "--task", "poetry"], ["--task poetry: unknown", "mquake"]),
        (["train", "--task", "jsonl"], ["--task jsonl needs --data"]),
        (["train", "--data", "/nowhere"], ["/nowhere: no such folder"]),
        (["train", "--model", "gpt"], ["unknown model 'gpt'"]),
        (["train", "--task", "truthfulqa", "--fold", "2"], ["two folds"]),
        (["train", "--task", "truthfulqa", "--pairs", "most"], ["first, all or random"]),
        (
            ["train", "--task", "jsonl", "--data", "D", "--model", "T", "--eos-token", "<no>"],
            ["--eos-token '<no>'"],
        ),
        (
            ["train", "--task", "jsonl", "--data", "D", "--model", "T", "--config", "BAD"],
            ["rate: unknown setting"],
        ),
        (
            ["train", "--task", "jsonl", "--data", "D", "--model", "T", "--l1-mode", "no"],
            ["l1_mode"],
        ),
        (["rank-heads", "--method", "magic"], ["--method magic: unknown"]),
        (
            ["tune", "--heads", "nowhere.json", "--task", "jsonl", "--data", "D", "--model", "T"],
            ["nowhere.json: no such file"],
        ),
        (
            ["tune", "--heads", "OTHER", "--task", "jsonl", "--data", "D", "--model", "T"],
            ["num_heads 8 != 4"],
        ),
        (["evaluate", "--task", "mquake", "--data", "/nowhere"], ["no such file or folder"]),
        (
            ["evaluate", "--task", "jsonl", "--data", "D", "--adapter", "/nothing", "--model", "T"],
            ["no adapter in it"],
        ),
        (
            [
                "evaluate",
                "--task",
                "truthfulqa",
                "--model",
                "T",
                "--judge-true",
                "openai:x@http://h",
            ],
            ["--allow-http"],
        ),
        (["merge", "--adapter", "ITI", "--model", "T"], ["last token only", "--all-positions"]),
        (["merge", "--adapter", "ITI", "--model", "smollm2"], ["num_layers 4 != 30"]),
        (["merge", "--adapter", "ITI", "--model", "T", "--via", "ffn"], ["o_proj or v_proj"]),
        (["sweep", "--over", "mood"], ["--over mood: unknown"]),
        (["compare-heads", "OTHER"], ["two rankings"]),
        (["reproduce", "--scale", "huge"], ["--scale huge: unknown"]),
        (["baseline", "repe", "--task", "mquake", "--window", "a"], ["FIRST:END"]),
    ],
)
def test_mistakes_are_one_line(arguments, told, training_file, tiny_folder, tmp_path):
    """Check 22: message and exit code."""
    from lofit.offsets.adapter import LofitAdapter
    from tenpapers.models import Head, HeadGeometry

    (tmp_path / "bad.yaml").write_text("rate: 3\n")
    other = {"order": [[0, 0]], "scores": [[0.0] * 8] * 4, "num_layers": 4, "num_heads": 8}
    (tmp_path / "other.json").write_text(json.dumps(other))
    shape = HeadGeometry("llama", 4, 4, 2, 16, 64)
    LofitAdapter([Head(0, 1)], torch.ones(1, 16), shape, method="iti", positions="last").save(
        tmp_path / "iti"
    )
    names = {
        "D": training_file,
        "T": f"hf:{tiny_folder}",
        "BAD": tmp_path / "bad.yaml",
        "OTHER": tmp_path / "other.json",
        "ITI": tmp_path / "iti",
    }
    made = [str(names.get(argument, argument)) for argument in arguments]
    from lofit.cli.main import app
    from tenpapers.errors import UserError
    from typer.exceptions import TyperException

    with pytest.raises((UserError, TyperException)) as caught:
        app([*made, "--out", str(tmp_path / "o")], standalone_mode=False)
    for part in told:
        assert part in str(caught.value)


def test_reproduce_on_the_shipped_data(tiny_folder, mini, tmp_path, capsys):
    """The whole study with a tiny model; a second run reuses everything."""
    import yaml

    file = tmp_path / "study.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "model": f"hf:{tiny_folder}",
                "data": str(mini),
                "tasks": ["mquake", "truthfulqa"],
                "split": "val",
                "seeds": [1, 2],
                "random_seeds": [0, 1],
                "epochs": 1,
                "k": 3,
                "max_tokens": 4,
                "alphas": [5.0, 15.0],
                "second_ranking": "clutrr",
                "second_size": 6,
            }
        )
    )
    out = tmp_path / "out"
    call = ["reproduce", "--config", file, "--out", out]
    said = in_process(capsys, *call)
    assert "offsets beat zero-shot" in said and "learned selection beats random" in said
    report = (out / "report.md").read_text()
    assert "truthfulqa, fold 1" in report and "heads_per_layer.png" in report
    assert {p.name for p in out.glob("*.*")} >= {
        "report.md",
        "table.csv",
        "results.json",
        "manifest.json",
        "heads_per_layer.png",
    }
    lines = (out / "table.csv").read_text().splitlines()
    assert lines[0].startswith("method,runs,em_normalized,em_strict,numbers,seconds,paper: EM")
    assert [line.split(",")[0] for line in lines[1:]] == [
        "zero-shot",
        "echo",
        "ITI",
        "random heads",
        "LoFiT",
    ]
    stamp = (out / "mquake" / "lofit-1" / "heads.json").stat().st_mtime_ns
    in_process(capsys, *call)
    assert (out / "mquake" / "lofit-1" / "heads.json").stat().st_mtime_ns == stamp
    from lofit.cli.main import app
    from tenpapers.errors import UserError

    with pytest.raises(UserError, match="study of other settings"):
        app([*map(str, call), "--limit", "2"], standalone_mode=False)


def test_paper_configs_are_the_released_scripts():
    from lofit.study.settings import read_study

    small = read_study("paper", None)
    assert small.settings["clutrr"] == {"select_lr": 5e-4, "l1": 5e-3, "tune_lr": 1e-2}
    large = read_study("paper_llama2_13b", None)
    assert large.settings["mquake"] == {"select_lr": 1e-3, "l1": 1e-3, "tune_lr": 8e-3}
    assert read_study("paper_gemma_7b", None).settings["truthfulqa"]["tune_lr"] == 2e-2
