import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request
from tenpapers.generation.encoding import chat_text
from tocot.answering.prompts import VARIANTS, build_messages
from tocot.answering.run import plan_jobs
from tocot.inputs.task_registry import registry

from ..conftest import item, sums


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


@pytest.mark.parametrize(
    "closing",
    [
        " The answer is (A).",
        "\nThus, the answer is <answer>True</answer>",
        "\n\nTherefore, the answer is <answer>N/A</answer>.",
        "\n#### 7",
    ],
)
def test_a_demonstration_closes_with_the_sentence_that_is_asked_for_and_no_other(closing):
    demo = item(2, "contexthub_deductive_level1", meta={"rationale": f"It rains.{closing}"})
    prompt = build_messages(item(1, demo.task), "fs_cot", demos=[demo])
    assert prompt.messages[2].content == "It rains.\nThe best answer is A."


def test_a_rationale_that_ends_in_prose_stays_whole():
    for rationale in ("So (A) is the correct answer.", "The answer is (A) because it rains."):
        demo = item(2, "mmlu", meta={"rationale": rationale})
        prompt = build_messages(item(1, "mmlu"), "fs_cot", demos=[demo])
        assert prompt.messages[2].content == f"{rationale}\nThe best answer is A."


def test_a_murder_has_one_clearest_suspect_and_every_question_one_answer():
    murder = item(task="mm_musr", question="Who is the most likely murderer?", context="c")
    for setting in ("zs_direct", "zs_cot"):
        system, asked = build_messages(murder, setting, "prefill").messages[:2]
        assert "Choose one answer and no more" in system.content
        assert "choose the one for whom they are clearest" in asked.content


def test_demonstrations_by_subject():

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


def test_a_prefill_begins_the_sentence_that_the_question_asks_for():
    """So ContextHub's, whose questions are worded like MMLU's, is that sentence too."""
    begun = {"sentence": "The best answer is ", "lsat": "The answer is therefore "}
    begun |= {"plain": "Answer: ", "math": "$\\boxed{"}
    found = {name: spec for name, spec in registry().items() if spec.prefill}
    assert found["contexthub_deductive_level2"].style == "sentence"
    for name, spec in found.items():
        if spec.style not in begun:
            continue
        number = {"answer_kind": "number", "choices": None, "gold": "7"}
        one = item(task=name, context="c", **(number if spec.kind == "number" else {}))
        prompt = build_messages(one, "zs_direct", "prefill")
        shown = build_messages(one, "fs_direct", demos=[one]).messages
        answered = shown[-1 if spec.style == "plain" else 2].content
        assert prompt.prefill == begun[spec.style] and prompt.prefill in answered


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


def test_a_model_without_a_chat_template_gets_plain_text(caplog):
    class Tokenizer:
        chat_template = None
        name_or_path = "bare"

    prompt = build_messages(item(), "zs_direct", "prefill")
    for _ in range(2):
        text = chat_text(Tokenizer(), Request(id="1", messages=tuple(prompt.messages)))
    assert text.startswith("System: ") and text.endswith("\n\nAssistant: Answer: ")
    assert caplog.text.count("bare has no chat template") == 1


def test_plain_tasks_show_all_demonstrations_in_one_turn():
    demos = [item(n, gold="B", meta={"rationale": f"Because {n}."}) for n in (7, 8)]
    direct, cot = (build_messages(item(), name, demos=demos) for name in ("fs_direct", "fs_cot"))
    for prompt in (direct, cot):
        assert [turn.role for turn in prompt.messages] == ["system", "user"]
        text = prompt.messages[1].content
        assert text.index("Question 7?") < text.index("Question 8?") < text.index("Question 1?")
        assert text.count("Answer: B") == 2
    assert "Because 8.\nAnswer: B\n\nQuestion: Question 1?" in cot.messages[1].content
    assert "Because" not in direct.messages[1].content
    with pytest.raises(UserError, match=r"demonstration i7: no meta.rationale"):
        build_messages(item(), "fs_cot", demos=[item(7)])


def test_demonstrations_of_another_task_are_shown_in_the_style_of_the_one_asked():
    own = item(7, task="my-quiz", meta={"rationale": "r"})
    for task in ("csqa", "mmlu"):
        text = "".join(
            turn.content for turn in build_messages(item(1, task), "fs_cot", demos=[own]).messages
        )
        first, second = ("(A) red" if task == "csqa" else "A. red"), "blue"
        assert text.count(first) == 2 and text.count(second) == 2
