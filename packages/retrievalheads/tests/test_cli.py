"""The commands as users run them, what they say to bad input, and the report (check 20)."""

import json
import time

import pytest
import yaml
from retrievalheads.cli.main import app
from retrievalheads.inputs.toy.examples import toy_examples
from retrievalheads.interventions import patching_arms as patching_study
from retrievalheads.study.reporting import StudyRun, report_folder, verdicts
from retrievalheads.study.settings import read_study, toy_checkpoint
from tenpapers.errors import UserError
from tenpapers.records import write_jsonl

from .conftest import in_process

COMMANDS = [
    "",
    "build-data",
    "train",
    "evaluate",
    "detect",
    "niah",
    "compare",
    "correlate",
    "similarity",
    "knockout",
    "patch",
    "import-wu",
    "export-wu",
    "attention-map",
    "heat-map",
    "bench",
    "report",
    "reproduce",
]
PNG = b"\x89PNG"


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
def world(tmp_path_factory):
    """Toy datasets of two variants, and the model spec of the tiny checkpoint."""
    folder = tmp_path_factory.mktemp("world")
    for variant in ("real-full", "lh"):
        for split, count in (("train", 32), ("dev", 12), ("test", 10)):
            rows = toy_examples(variant, split, count, context=128, facts=4)
            write_jsonl(folder / variant / f"{split}.jsonl", rows)
    return folder


def test_the_whole_chain_of_commands(world, tmp_path, capsys, monkeypatch):
    """train, evaluate, detect, compare, heat-map, knockout, patch, attention-map."""
    spec = f"hf:{toy_checkpoint()}"
    for variant in ("real-full", "lh"):
        in_process(
            capsys,
            "train",
            "--model",
            spec,
            "--data",
            world / variant,
            "--out",
            tmp_path / variant,
            "--context-tokens",
            128,
            "--lora-r",
            4,
            "--lr",
            0.01,
            "--epochs",
            1,
            "--batch-size",
            8,
            "--micro-batch",
            8,
        )
        state = json.loads((tmp_path / variant / "train_state.json").read_text())
        assert state["n_train"] == 32 and len(state["losses"]) == 4
        text = in_process(
            capsys,
            "detect",
            "--model",
            spec,
            "--adapter",
            tmp_path / variant,
            "--data",
            world / "real-full/dev.jsonl",
            "--out",
            tmp_path / f"{variant}.json",
            "--batch-size",
            4,
            "--json",
        )
        assert json.loads(text)["n_used"] == 12
    test = world / "real-full/test.jsonl"
    text = in_process(
        capsys,
        "evaluate",
        "--model",
        spec,
        "--adapter",
        tmp_path / "lh",
        "--data",
        test,
        "--out",
        tmp_path / "eval",
        "--no-cache",
        "--json",
    )
    metrics = json.loads(text)
    assert metrics["n"] == 10 and 0 <= metrics["f1"] <= 1
    off = in_process(
        capsys,
        "evaluate",
        "--model",
        spec,
        "--adapter",
        tmp_path / "lh",
        "--data",
        test,
        "--out",
        tmp_path / "off",
        "--knockout",
        f"{tmp_path}/lh.json:6",
        "--json",
    )
    assert json.loads(off)["f1"] <= metrics["f1"]
    assert len((tmp_path / "eval/predictions.jsonl").read_text().splitlines()) == 10
    found = json.loads(
        in_process(
            capsys,
            "compare",
            "--ref",
            tmp_path / "real-full.json",
            "--other",
            tmp_path / "lh.json",
            "--nonzero",
            "--json",
        )
    )
    assert found["n_both"] <= min(found["n_ref"], found["n_other"])
    in_process(
        capsys,
        "knockout",
        "--model",
        spec,
        "--adapter",
        tmp_path / "real-full",
        "--data",
        test,
        "--scores",
        tmp_path / "real-full.json",
        "--k",
        "0,2,4",
        "--control-seeds",
        2,
        "--threshold",
        2,
        "--out",
        tmp_path / "ko",
    )
    rows = json.loads((tmp_path / "ko/knockout.json").read_text())["rows"]
    assert [(row["arm"], row["k"]) for row in rows] == [
        ("top", 0),
        ("top", 2),
        ("random", 2),
        ("random", 2),
        ("top", 4),
        ("random", 4),
        ("random", 4),
    ]
    patch = [
        "patch",
        "--model",
        spec,
        "--target",
        tmp_path / "lh",
        "--source",
        tmp_path / "real-full",
        "--target-scores",
        tmp_path / "lh.json",
        "--source-scores",
        tmp_path / "real-full.json",
        "--data",
        test,
        "--nonzero",
        "--max-examples",
        4,
        "--json",
        "--out",
    ]
    text = in_process(capsys, *patch, tmp_path / "patch")
    arms = json.loads(text)["arms"]
    assert set(arms) == {"original", "complement", "intersection", "random"}
    with monkeypatch.context() as killed:
        kill_after(killed, patching_study, "encode_prompt", 6)
        again = [str(one) for one in [*patch, tmp_path / "again", "--resume"]]
        assert app(again, standalone_mode=False) == 130
    calls = kill_after(monkeypatch, patching_study, "encode_prompt", 99)
    assert json.loads(in_process(capsys, *again))["arms"] == arms
    asked = sum(arm["f1"] is not None for arm in arms.values()) * 4
    assert len(calls) == asked - 6
    pair = json.loads(
        in_process(
            capsys,
            "similarity",
            tmp_path / "real-full.json",
            tmp_path / "lh.json",
            "--nonzero",
            "--out",
            tmp_path / "matrix.png",
            "--json",
        )
    )
    assert pair[0]["cosine"] == pytest.approx(found["cosine"])
    assert set(found["rules"]) == {"> 0", ">= 0.1", ">= 0.2", "top 10"}
    in_process(capsys, "heat-map", tmp_path / "lh.json", "--out", tmp_path / "heat.png")
    in_process(
        capsys,
        "attention-map",
        "--model",
        spec,
        "--data",
        world / "real-full/dev.jsonl",
        "--heads",
        "1-2,2-0",
        "--out",
        tmp_path / "map.png",
    )
    for name in ("heat.png", "map.png", "matrix.png", "ko/knockout.png"):
        assert (tmp_path / name).read_bytes().startswith(PNG)


def test_adapters_of_different_rope_are_not_patched(world, tmp_path, capsys, cli):
    spec = f"hf:{toy_checkpoint()}"
    for name, rope in (("a", "ntk"), ("b", "theta=2e4")):
        in_process(
            capsys,
            "train",
            "--model",
            spec,
            "--data",
            world / "lh",
            "--out",
            tmp_path / name,
            "--context-tokens",
            128,
            "--epochs",
            1,
            "--batch-size",
            32,
            "--micro-batch",
            16,
            "--rope",
            rope,
        )
        in_process(
            capsys,
            "detect",
            "--model",
            spec,
            "--adapter",
            tmp_path / name,
            "--data",
            world / "lh/dev.jsonl",
            "--out",
            tmp_path / f"{name}.json",
        )
    fails(
        cli(
            "patch",
            "--model",
            spec,
            "--target",
            tmp_path / "a",
            "--source",
            tmp_path / "b",
            "--target-scores",
            tmp_path / "a.json",
            "--source-scores",
            tmp_path / "b.json",
            "--data",
            world / "lh/test.jsonl",
            "--out",
            tmp_path / "p",
        ),
        "different RoPE bases",
    )


def fails(done, *told, code=2):
    """Exit code, one line, no traceback."""
    assert done.returncode == code, done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    for part in told:
        assert part in line, line


def wrong(*arguments):
    """The message of a command that must refuse its input; run here."""
    with pytest.raises(UserError) as told:
        app([str(argument) for argument in arguments], standalone_mode=False)
    return str(told.value)


def test_bad_data_is_told_with_file_and_line(world, tmp_path, cli):
    good = (world / "lh/dev.jsonl").read_text().splitlines()
    row = json.loads(good[0])

    def detect(*lines):
        file = tmp_path / "d.jsonl"
        file.write_text("\n".join(lines) + "\n")
        return wrong("detect", "--data", file, "--out", tmp_path / "s.json")

    assert "d.jsonl:2: missing field 'prompt'" in detect(
        good[0], json.dumps({k: v for k, v in row.items() if k != "prompt"})
    )
    assert "d.jsonl:2: not JSON" in detect(good[0], "{broken")
    far = row | {"needles": [row["needles"][0] | {"end": 10**6}]}
    assert row["id"] in detect(json.dumps(far)) and "outside the prompt" in detect(json.dumps(far))
    moved = row | {"needles": [row["needles"][0] | {"start": 0, "end": 3}]}
    assert "is " in detect(json.dumps(moved)) and "not '" in detect(json.dumps(moved))
    assert "no examples" in detect("")
    assert "n_tokens" in detect(json.dumps(row | {"n_tokens": "many"}))
    fails(
        cli("detect", "--data", tmp_path / "no.jsonl", "--out", tmp_path / "s.json"), "no such file"
    )


def test_bad_options_are_told(world, tmp_path, cli):
    test = world / "lh/test.jsonl"
    spec = f"hf:{toy_checkpoint()}"
    out = tmp_path / "o"
    common = ["--model", spec, "--data", test, "--out", out]
    assert "vLLM's heads" in wrong("evaluate", *common, "--engine", "vllm", "--knockout", "1-1")
    assert "3 x 4 heads" in wrong("evaluate", *common, "--knockout", "9-1")
    assert "not a head" in wrong("evaluate", *common, "--knockout", "nine")
    assert "the model reads 64" in wrong("detect", *common)
    assert "--probe other" in wrong("detect", *common, "--probe", "other")
    assert "SummHay" in wrong(
        "detect", *common, "--probe", "insight", "--rope", "ntk", "--context-tokens", 128
    )
    assert "unknown model" in wrong("detect", "--model", "nope", "--data", test, "--out", out)
    assert "--variant other" in wrong(
        "build-data", "--task", "mdqa", "--variant", "other", "--source", test, "--out", out
    )
    assert "task" in wrong("build-data", "--variant", "hh", "--source", test, "--out", out)
    assert "--context-tokens is 64" in wrong(
        "train", "--model", spec, "--data", test, "--out", out, "--context-tokens", 64
    )
    assert "exclude each other" in wrong(
        "compare", "--ref", test, "--other", test, "--top-k", 3, "--nonzero"
    )
    assert "not a list of whole numbers" in wrong(
        "niah", "--model", spec, "--out", out, "--lengths", "a,b"
    )
    scores = tmp_path / "s.json"
    scores.write_text("{}")
    assert "not a head-score file" in wrong("compare", "--ref", scores, "--other", scores)
    needles = tmp_path / "n.jsonl"
    needles.write_text('{"needle": "a b", "question": "?", "answer": "c"}\n')
    assert "n.jsonl:1" in wrong("niah", "--model", spec, "--out", out, "--needles", needles)
    haystack = tmp_path / "h.txt"
    haystack.write_text("Too short.")
    assert "tokens of haystack are wanted" in wrong(
        "niah", "--model", spec, "--out", out, "--haystack", haystack
    )


def test_scores_of_another_shape_and_pools_that_are_too_small(world, tmp_path):
    import torch
    from retrievalheads.heads.score_files import HeadScores

    scores = HeadScores("m", "copy", "teacher", torch.rand(1, 5, 5), ids=["a"])
    scores.save(tmp_path / "s.json")
    common = [
        "--model",
        f"hf:{toy_checkpoint()}",
        "--data",
        world / "lh/test.jsonl",
        "--scores",
        tmp_path / "s.json",
        "--out",
        tmp_path / "o",
    ]
    assert "5 x 5 heads, the model has 3 x 4" in wrong(
        "knockout", *common, "--k", "0,1", "--threshold", 2
    )
    assert "the pool has" in wrong("knockout", *common, "--k", "20", "--threshold", 2)
    assert "k = 30" in wrong("knockout", *common, "--k", "30")


def test_a_killed_detect_goes_on_and_gives_the_same(world, tmp_path, capsys, monkeypatch):
    """Killed after five examples; resumed, only the others are read; other settings are refused."""
    import retrievalheads.heads.detect as module

    data = world / "real-full/dev.jsonl"
    common = [
        "--model",
        f"hf:{toy_checkpoint()}",
        "--data",
        data,
        "--rope",
        "ntk",
        "--context-tokens",
        "128",
    ]
    in_process(capsys, "detect", *common, "--out", tmp_path / "whole.json")
    whole, read = module.read_rows, []

    def broken(model, coded, batch_size, **more):
        for one in whole(model, coded, batch_size, **more):
            if len(read) == 5:
                raise KeyboardInterrupt
            read.append(one[0].id)
            yield one

    out = tmp_path / "part.json"
    monkeypatch.setattr(module, "read_rows", broken)
    arguments = [str(a) for a in ["detect", *common, "--out", out]]
    assert app(arguments, standalone_mode=False) == 130
    assert not out.exists() and len(read) == 5
    assert "other settings" in wrong(*arguments, "--resume", "--score", "wu-set")
    first, _ = list(read), read.clear()
    monkeypatch.setattr(
        module,
        "read_rows",
        lambda m, coded, b, **k: (read.append(o[0].id) or o for o in whole(m, coded, b, **k)),
    )
    in_process(capsys, *arguments, "--resume")
    assert not set(first) & set(read) and len(read) == 7
    a, b = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("whole", "part"))
    assert a["mean"] == b["mean"] and not list(tmp_path.glob("*.partial*"))


def kill_after(monkeypatch, module, name, count):
    """A function of a module that is interrupted at a call; and a list of its calls."""
    whole, calls = getattr(module, name), []

    def counted(*arguments, **more):
        if len(calls) == count:
            raise KeyboardInterrupt
        calls.append(arguments)
        return whole(*arguments, **more)

    monkeypatch.setattr(module, name, counted)
    return calls


def test_a_killed_knockout_goes_on_and_gives_the_same(world, tmp_path, capsys, monkeypatch):
    import retrievalheads.interventions.knockout_sweep as module
    import torch
    from retrievalheads.heads.score_files import HeadScores

    scores = HeadScores("m", "copy", "teacher", torch.rand(1, 3, 4), ids=["a"])
    scores.save(tmp_path / "s.json")
    common = [
        "knockout",
        "--model",
        f"hf:{toy_checkpoint()}",
        "--data",
        world / "lh/test.jsonl",
        "--scores",
        tmp_path / "s.json",
        "--threshold",
        2,
        "--k",
        "0,2",
        "--control-seeds",
        0,
        "--scope",
        "decode",
    ]
    in_process(capsys, *common, "--out", tmp_path / "whole")
    arguments = [str(one) for one in [*common, "--out", tmp_path / "part"]]
    with monkeypatch.context() as patched:
        kill_after(patched, module, "encode_prompt", 4)
        assert app(arguments, standalone_mode=False) == 130
    assert not (tmp_path / "part/knockout.json").exists()
    assert "other settings" in wrong(*arguments, "--resume", "--kind", "uniform")
    calls = kill_after(monkeypatch, module, "encode_prompt", 99)
    in_process(capsys, *arguments, "--resume")
    assert len(calls) == 6
    a, b = (
        json.loads((tmp_path / name / "knockout.json").read_text()) for name in ("whole", "part")
    )
    assert a == b and a["n"] == 10 and not list((tmp_path / "part").glob("*.partial*"))


def test_niah_without_success_is_exit_3(tmp_path, capsys, lm):
    """A random model finds nothing; the message has the success rate."""
    from .conftest import tiny

    folder = tmp_path / "tiny"
    tiny(vocab_size=len(lm.tokenizer)).save_pretrained(folder)
    lm.tokenizer.save_pretrained(folder)
    out = tmp_path / "s.json"
    arguments = ["niah", "--model", f"hf:{folder}", "--lengths", "260", "--depths", "2"]
    assert app([*arguments, "--out", str(out)], standalone_mode=False) == 3
    told = capsys.readouterr().err
    assert "success rate 0 of 6" in told and "best ROUGE" in told
    assert not out.exists()


def test_niah_on_smollm2(tmp_path, capsys):
    """End to end on the embedded model; a second run overwrites and does not append."""
    out = tmp_path / "niah.json"
    for _ in range(2):
        text = in_process(capsys, "niah", "--lengths", 260, "--depths", 2, "--out", out, "--json")
    assert json.loads(text)["success_rate"] > 0
    content = json.loads(out.read_text())
    assert content["n_used"] + sum(content["n_skipped"].values()) == 6
    assert content["ranked"][0][2] > 0.1


def run(name, f1, count, recall, precision=1.0, both=None):
    draw = [1.0] * round(f1 * 100) + [0.0] * (100 - round(f1 * 100))
    return StudyRun(
        name=name,
        task="t",
        model="m",
        n_train=9,
        n_test=100,
        f1=f1,
        per_example=draw,
        count=count,
        count_both=both or count,
        count_over_0=count,
        recall=recall,
        precision=precision,
        jaccard=recall,
        cosine=recall,
    )


def fabricated(real=0.9):
    rows = [
        run(n, f, c, r)
        for n, f, c, r in [
            ("hh", 0.5, 8, 0.8),
            ("hl", 0.4, 6, 0.6),
            ("lh", 0.3, 5, 0.5),
            ("ll", 0.2, 4, 0.4),
            ("symbolic", 0.1, 2, 0.2),
        ]
    ]
    return [*rows, run("real-full", real, 10, 1.0)]


def knocked(top, random):
    def row(arm, k, value):
        return {
            "arm": arm,
            "k": k,
            "seed": 0,
            "heads": [],
            "f1": value,
            "accuracy": value,
            "per_example_f1": [value] * 20,
            "per_example_accuracy": [value] * 20,
        }

    return [row("top", 0, 0.9), row("top", 10, top), row("random", 10, random)]


def patched(inter, random, original=0.3):
    def arm(value):
        return {"f1": value, "delta": value - original, "n_heads": 3, "per_example": [value] * 20}

    return [
        {
            "name": n,
            "n": 20,
            "arms": {
                "original": arm(original),
                "complement": arm(original),
                "intersection": arm(inter),
                "random": arm(random),
            },
        }
        for n in ("hh", "hl")
    ]


def told(runs, knockout, patches):
    return [one["verdict"] for one in verdicts(runs, knockout, patches)]


def test_bench_refuses_lengths_whose_maps_do_not_fit():
    assert "attention maps take" in wrong("bench", "--lengths", "256,100000")


def test_check_20_verdicts_follow_the_numbers():
    """Swapped numbers turn every verdict round; missing parts are never "shown"."""
    assert told(fabricated(), knocked(0.1, 0.88), patched(0.6, 0.35)) == ["shown"] * 5
    swapped = [one.model_copy(update={"recall": 1 - one.recall}) for one in fabricated(0.05)]
    swapped = [
        one.model_copy(update={"count": 20, "precision": 0.1}) if one.name != "real-full" else one
        for one in swapped
    ]
    assert told(swapped, knocked(0.88, 0.1), patched(0.1, 0.35)) == ["opposite"] * 5
    assert told(fabricated(), [], []) == ["shown"] * 3 + ["not shown"] * 2
    level = [one.model_copy(update={"recall": 0.5}) for one in fabricated()]
    assert told(level, knocked(0.1, 0.15), patched(0.6, 0.6))[2:] == ["not shown"] * 3
    apart = [
        one.model_copy(update={"recall_over_0": kept.recall})
        for one, kept in zip(level, fabricated(), strict=True)
    ]
    third = verdicts(apart, knocked(0.1, 0.15), patched(0.6, 0.6))[2]
    assert third["verdict"] == "shown" and "heads > 0: Spearman rho = 1.00" in third["numbers"]
    closed = told(fabricated(), knocked(0.1, 0.88), patched(0.95, 0.35))
    assert closed[4] == "not shown"


def test_check_20_report_and_correlate_read_a_fabricated_runs_file(tmp_path, capsys, cli):
    write_jsonl(tmp_path / "runs.jsonl", fabricated())
    (tmp_path / "knockout.json").write_text(
        json.dumps({"kind": "zero", "scope": "all", "n": 20, "rows": knocked(0.1, 0.88)})
    )
    assert report_folder(tmp_path)[3]["verdict"] == "shown"
    text = (tmp_path / "report.md").read_text()
    assert "rho = 1.00 (exact p 0.0167, N = 5" in text and "| n/a |" in text
    assert (tmp_path / "study.png").read_bytes().startswith(PNG)
    synthetic = tmp_path / "synthetic.jsonl"
    write_jsonl(synthetic, fabricated()[:5])
    found = json.loads(
        in_process(
            capsys,
            "correlate",
            "--runs",
            synthetic,
            "--x",
            "recall",
            "--y",
            "f1",
            "--out",
            tmp_path / "s.png",
            "--json",
        )
    )
    assert found["rho"] == 1 and found["p"] == pytest.approx(1 / 60)
    level = [one.model_copy(update={"recall": 0.5}) for one in fabricated()[:5]]
    write_jsonl(synthetic, level)
    fails(cli("correlate", "--runs", synthetic), "constant", code=3)
    fails(cli("correlate", "--runs", synthetic, "--x", "nothing"), "missing field 'nothing'")


def test_reproduce_goes_on_where_it_was_and_guards_its_folder(tmp_path, capsys):
    """A small study, whole: table, figure, manifest; then again without any work."""
    config = {
        "world": "toy",
        "planted": 0,
        "n_train": 16,
        "n_dev": 8,
        "n_test": 10,
        "toy_facts": 4,
        "patch_examples": 3,
        "short_tokens": 64,
        "extras": ["real-short", "mixed", "no-lora"],
        "knock": ["hh"],
        "ks": [0, 2],
        "control_seeds": 0,
        "train": {
            "context_tokens": 128,
            "lora_r": 2,
            "lr": 0.01,
            "batch_size": 16,
            "micro_batch": 16,
            "epochs": 1,
        },
    }
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(config))
    out = tmp_path / "out"
    first = in_process(capsys, "reproduce", "--config", file, "--out", out)
    for claim in range(1, 6):
        assert f"({claim})" in first
    assert "Knockout, toy, hh, zero/all: F1" in first
    (knocked,) = json.loads((out / "adapters.json").read_text())
    assert [row["k"] for row in knocked["rows"]] == [0, 2] and knocked["n"] == 3
    for name in ("report.md", "table.csv", "study.png", "results.json", "manifest.json"):
        assert (out / name).stat().st_size
    runs = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    assert len(runs) == 12 and {r["n_train"] for r in runs if "base" not in r["name"]} == {16}
    stamps = {f: f.stat().st_mtime_ns for f in out.glob("runs/toy/*/*") if f.is_file()}
    in_process(capsys, "reproduce", "--config", file, "--out", out)
    assert stamps == {f: f.stat().st_mtime_ns for f in out.glob("runs/toy/*/*") if f.is_file()}
    message = wrong("reproduce", "--config", file, "--seed", 1, "--out", out)
    assert "study of other settings" in message


@pytest.mark.parametrize("scale", ["cpu", "paper", "paper-mistral"])
def test_shipped_settings_are_valid(scale):
    study = read_study(scale, None, model=None, seed=None, limit=None)
    assert study.world == ("toy" if scale == "cpu" else "real")
    assert set(study.tasks) == set(study.sources) or scale == "cpu"


def test_unknown_settings_are_told(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("wrold: toy\n")
    assert "wrold" in wrong("reproduce", "--config", file, "--out", tmp_path / "o")
    assert "--scale big" in wrong("reproduce", "--scale", "big", "--out", tmp_path / "o")
