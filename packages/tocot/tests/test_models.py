import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling
from tenpapers.generation.encoding import chat_text
from tocot.answering.cue_wordings import variants_table
from tocot.answering.judge import model_judge
from tocot.answering.label_likelihood import run_logprob
from tocot.answering.prompts import VARIANTS, build_messages
from tocot.answering.run import run
from tocot.inputs.task_registry import registry, task_spec
from tocot.records import Extraction
from tocot.solvers.plan_study import plan_messages, plan_study, plan_table, tool_answer
from tocot.solvers.python import SolverResult

from .conftest import item, read_lines, sums


def test_the_registry_has_the_papers_groups():
    groups = {}
    for spec in registry().values():
        groups.setdefault(spec.group, set()).add(spec.merge or spec.name)
    assert {name: len(tasks) for name, tasks in groups.items()} == {
        "Commonsense": 5,
        "Knowledge": 5,
        "Soft reasoning": 4,
        "Symbolic": 3,
        "Mathematical": 4,
    }  # (Knowledge has the development questions of MMLU as a task of ours)
    assert task_spec("csqa").budget == (10, 512)
    with pytest.raises(UserError, match="task quiz: unknown"):
        task_spec("quiz")


def test_both_arms_share_everything_before_the_instruction():
    prompts = [build_messages(item(), setting) for setting in ("zs_direct", "zs_cot")]
    assert prompts[0].messages[0] == prompts[1].messages[0]
    texts = [prompt.messages[-1].content for prompt in prompts]
    question = "Question: Question 1?\n(A) red\n(B) blue\n\n"
    assert all(text.startswith(question) for text in texts) and texts[0] != texts[1]
    assert [prompt.max_new_tokens for prompt in prompts] == [10, 512]
    assert [prompt.prefill for prompt in prompts] == ["", ""]


def test_few_shot_prompts():
    demo = sums(2, meta={"rationale": "3 + 4 = 7"})
    direct, cot = (build_messages(sums(), s, demos=[demo]) for s in ("fs_direct", "fs_cot"))
    assert [one.role for one in cot.messages] == ["system", "user", "assistant", "user"]
    assert direct.messages[2].content == "$\\boxed{7}$"
    assert cot.messages[2].content == "3 + 4 = 7\n$\\boxed{7}$"
    with pytest.raises(UserError, match="needs demonstrations"):
        build_messages(sums(), "fs_cot")
    with pytest.raises(UserError, match="setting zs: unknown"):
        build_messages(sums(), "zs")


def test_demonstrations_by_subject():
    from tocot.answering.run import plan_jobs

    demos = {"law": [item(7, "mmlu", meta={"rationale": "r"})]}
    law, art = (item(n, "mmlu", meta={"subject": name}) for n, name in ((1, "law"), (2, "art")))
    (job,) = plan_jobs([law], ["fs_cot"], demos=demos)
    assert "Question 7?" in job.prompt.messages[1].content
    with pytest.raises(UserError, match="needs demonstrations"):
        plan_jobs([art], ["fs_cot"], demos=demos)


def test_every_style_renders_for_its_tasks():
    for spec in registry().values():
        kinds = {"letter": {}, "number": {"answer_kind": "number", "choices": None, "gold": "1"}}
        one = item(task=spec.name, context="Some context.", **kinds.get(spec.kind, {}))
        for setting in ("zs_direct", "zs_cot"):
            for style in ("unified", "prefill", "chat_only"):
                prompt = build_messages(one, setting, style)
                text = "\n".join(turn.content for turn in prompt.messages)
                assert one.question in text and "{{" not in text and "{%" not in text
                assert prompt.max_new_tokens == spec.budget[setting == "zs_cot"]


def test_wordings_change_the_cue_alone():
    texts = {
        name: build_messages(item(), "zs_cot", variant=name).messages[-1].content
        for name in VARIANTS
    }
    assert len(set(texts.values())) == 4
    direct = {
        build_messages(item(), "zs_direct", variant=name).messages[-1].content for name in VARIANTS
    }
    assert len(direct) == 1
    with pytest.raises(UserError, match="variant loud: unknown"):
        build_messages(item(), "zs_cot", variant="loud")


def test_templates_can_be_replaced(tmp_path):
    (tmp_path / "plain.jinja").write_text(
        "--- question ---\nQ {{ item.question }}\n--- direct ---\nGo.\n--- cot ---\nThink.\n"
        "--- answer ---\n{{ answer }}\n"
    )
    prompt = build_messages(item(), "zs_direct", folder=tmp_path)
    assert prompt.messages[-1].content == "Q Question 1?\n\nGo."
    other = tmp_path / "other"
    other.mkdir()
    (other / "plain.jinja").write_text("--- question ---\n{{ nothing }}\n--- direct ---\nGo.\n")
    with pytest.raises(UserError, match=r"plain.jinja: question: 'nothing' is undefined"):
        build_messages(item(3), "zs_direct", folder=other)


def test_the_prompt_ends_with_the_prefill(model, tmp_path):
    """Check 17."""
    tokenizer = model.backend.lm.tokenizer
    prompt = build_messages(item(), "zs_direct", "prefill")
    assert prompt.prefill == "Answer: "
    text = chat_text(tokenizer, Request(id="1", messages=tuple(prompt.messages)))
    assert text.endswith(prompt.prefill) and text.count("<|im_start|>assistant") == 1
    (row,) = run(
        model, [item()], ["zs_direct"], tmp_path / "o.jsonl", style="prefill", progress=False
    )
    assert row.response.startswith("Answer: ") and row.prefill == "Answer: "


def test_a_model_without_a_chat_template_gets_plain_text(caplog):
    class Tokenizer:
        chat_template = None
        name_or_path = "bare"

    prompt = build_messages(item(), "zs_direct", "prefill")
    for _ in range(2):
        text = chat_text(Tokenizer(), Request(id="1", messages=tuple(prompt.messages)))
    assert text.startswith("System: ") and text.endswith("\n\nAssistant: Answer: ")
    assert caplog.text.count("bare has no chat template") == 1


def test_prefix_reuse_changes_no_text(model, tmp_path):
    """Check 18: 32 five-shot items, greedy texts with a shared prefix equal those without."""
    from tenpapers.generation.hf import HFBackend

    demos = [sums(n, meta={"rationale": f"{n} + 4 makes it."}) for n in range(100, 105)]
    prompts = [build_messages(sums(n), "fs_cot", demos=demos) for n in range(32)]
    sampling = Sampling(max_tokens=8)
    requests = [
        Request(id=str(n), messages=tuple(prompt.messages), sampling=sampling)
        for n, prompt in enumerate(prompts)
    ]
    shared = {one.id: one.text for one in model.backend.stream(requests)}
    alone = HFBackend(model.backend.lm, share_prefix=False)
    assert shared == {one.id: one.text for one in alone.stream(requests)}


def test_a_run_grades_and_goes_on(model, tmp_path):
    out = tmp_path / "o.jsonl"
    items = [sums(n) for n in range(3)]
    first = run(model, items[:2], ["zs_direct", "zs_cot"], out, budgets=(8, 12), progress=False)
    assert {(one.setting, one.id) for one in first} == {
        (setting, f"i{n}") for setting in ("zs_direct", "zs_cot") for n in range(2)
    }
    with out.open("a") as stream:
        stream.write('{"id": "i2", "se')
    calls = model.calls
    second = run(model, items, ["zs_direct", "zs_cot"], out, budgets=(8, 12), progress=False)
    assert len(second) == 6 and model.calls - calls == 2
    for row in read_lines(out):
        assert row["new_tokens"] <= 12 and row["gold"] == "7" and "api_key" not in row
    assert run(model, items, ["zs_cot"], tmp_path / "p.jsonl", deadline=0.0, progress=False) == []
    with pytest.raises(UserError, match="one task a file"):
        run(model, [item(), sums()], ["zs_cot"], out)


def test_a_stop_pattern_ends_a_text(model):
    request = Request(
        id="1",
        prompt="One, two, three, four,",
        sampling=Sampling(max_tokens=24, stop_pattern=r"six|seven"),
    )
    plain = request.model_copy(update={"id": "2", "sampling": Sampling(max_tokens=24)})
    cut, whole = model.generate([request, plain])
    assert whole.text.startswith(cut.text) and cut.text.endswith(("six", "seven"))
    assert cut.finish_reason == "stop" and cut.n_output_tokens < whole.n_output_tokens


def test_a_prompt_that_is_too_long_is_skipped_and_recorded(model, tmp_path):
    long = item(question="word " * 9000)
    (row,) = run(model, [long], ["zs_direct"], tmp_path / "o.jsonl", progress=False)
    assert row.errored and row.finish_reason == "too_long" and row.response is None


def test_direct_answers_by_log_probability(model, tmp_path):
    out = tmp_path / "o.jsonl"
    rows = run_logprob(model, [item(1), item(2, gold="B")], ["zs_direct"], out, progress=False)
    tokenizer = model.backend.lm.tokenizer
    for one, row in zip((item(1), item(2)), rows, strict=True):
        prompt = build_messages(one, "zs_direct", "prefill")
        text = chat_text(tokenizer, Request(id="1", messages=tuple(prompt.messages)))
        assert text.endswith("Answer: ")
        a, b = model.score(text[:-1], [" A", " B"])
        assert len(a.tokens) == 1 and row.answer == ("A" if a.total > b.total else "B")
    assert all(one.answer in ("A", "B") and one.parsed for one in rows)
    assert [one.correct for one in rows] == [one.answer == one.gold for one in rows]
    with pytest.raises(UserError, match="no labels to score"):
        run_logprob(model, [sums()], ["zs_direct"], tmp_path / "p.jsonl")


def test_judges_answer_yes_or_grade(model):
    judge = model_judge(model)
    assert judge(item(), Extraction("A", None, "")) is None
    short = item(task="musique_all", answer_kind="short", gold=["Rome"], choices=None)
    assert judge(short, Extraction("Oslo", None, "")) in (True, False)


def test_the_three_plan_settings_share_their_plan_part():
    texts = {
        name: plan_messages(sums(), name, "python")[0].content
        for name in ("plan_direct", "plan_cot", "plan_tool")
    }
    heads = {text.rpartition("\n\n")[0] for text in texts.values()}
    assert len(heads) == 1 and len(set(texts.values())) == 3
    assert heads.pop().count("def solution():") == 3
    assert plan_messages(item(), "plan_tool", "bool")[0].content.count("def solution():") == 4


def test_solver_values_become_answers():
    assert tool_answer(SolverResult("ok", 7), sums()) == "7"
    logic = item(choices={"label": ["A", "B", "C"], "text": ["True", "False", "N/A"]})
    assert tool_answer(SolverResult("ok", "N/A"), logic) == "C"
    assert tool_answer(SolverResult("error", None, "x"), logic) is None


def test_the_plan_study_and_its_table(model, tmp_path):
    logic = item(
        task="contexthub_deductive_level1",
        gold="A",
        choices={"label": ["A", "B", "C"], "text": ["True", "False", "N/A"]},
    )
    settings = ["da", "cot", "plan_direct", "plan_cot", "plan_tool"]
    found = plan_study(model, [logic], settings, tmp_path / "o.jsonl", budget=16, budgets=(8, 8))
    table = plan_table(found)
    assert [row["setting"] for row in table] == settings
    for row, one in zip(table, found, strict=True):
        if not one.parsed:
            assert row["accuracy"] == pytest.approx(100 / 3) and row["unparsed"] == 100
    with pytest.raises(UserError, match="has no plans"):
        plan_study(model, [item()], settings, tmp_path / "p.jsonl")
    with pytest.raises(UserError, match="setting pal: unknown"):
        plan_study(model, [logic], ["pal"], tmp_path / "p.jsonl")


def test_the_table_of_wordings():
    class Row:
        def __init__(self, correct):
            self.correct = correct

    rows = variants_table({"csqa": {"steps": [Row(True), Row(False)], "plan": [Row(True)] * 2}})
    wanted = {
        "task": "csqa",
        "n": 2,
        "steps": 50.0,
        "plan": 100.0,
        "min": 50.0,
        "max": 100.0,
        "spread": 50.0,
        "best": "plan",
    }
    assert rows == [wanted]
