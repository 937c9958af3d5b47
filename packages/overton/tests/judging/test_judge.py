import json
from contextlib import nullcontext
from dataclasses import asdict, replace

import pytest
from overton.inputs.judgements import load_judgements
from overton.judging import judge as module
from overton.judging.judge import judge
from overton.judging.local_stance import Labelled, LocalStance
from overton.judging.settings import JudgeSettings
from tenpapers.errors import UserError
from tenpapers.testing import read_rows, write_rows

from ..conftest import responses

BAD = {"bad_json": 0, "missing_key": 0, "out_of_range": 0, "call_failed": 0}


def verdicts(folder, *said):
    """A judge whose answers were recorded: texts, or whole completions, by case."""
    rows = [
        {"id": name, **(text if isinstance(text, dict) else {"text": text})} for name, text in said
    ]
    return f"replay:{write_rows(folder / 'said.jsonl', rows)}"


def stance(name):
    return json.dumps({"reason": "x", "stance": name})


def test_every_way_in_which_a_judge_may_end_is_counted_apart(tmp_path):
    said = [
        ("0|0", stance("Both")),
        ("0|1", '```json\n{"stance": "yes"}\n```'),
        ("0|2", {"text": '{"reason": "it says', "finish_reason": "length"}),
        ("0|3", {"text": "I cannot judge this.", "finish_reason": "refusal"}),
        ("1|0", stance("maybe")),
        ("1|1", '{"verdict": "yes"}'),
        ("1|2", "Yes!"),
        ("1|3", f"<think>{stance('no')}</think>{stance('other')}"),
        ("2|0", {"text": "", "finish_reason": "content_filter"}),
    ]
    texts = ["a", "b", "c", "d"]
    samples = responses(tmp_path / "m.jsonl", texts, texts, ["a", "b", None, None])
    out = tmp_path / "v.jsonl"
    counts = judge(JudgeSettings("stance", samples, verdicts(tmp_path, *said)), out)
    assert asdict(counts) == {
        "verdicts": 10,
        "ok": 3,
        "not_applicable": 0,
        "call_failed": 1,
        "bad_json": 4,
        "missing_key": 1,
        "out_of_range": 1,
        "refused": 1,
        "filtered": 1,
        "truncated": 1,
        "no_response": 2,
        "agreement": None,
    }
    rows = read_rows(out)
    assert [row["value"] for row in rows] == [
        "both",
        "yes",
        None,
        None,
        None,
        None,
        None,
        "other",
        None,
        None,
    ]
    assert rows[2] == {
        "metadata": {"instance_id": 0, "sample_index": 2},
        "kind": "stance",
        "model": "m",
        "raw": '{"reason": "it says',
        "value": None,
        "status": "bad_json",
        "finish_reason": "length",
    }
    assert rows[9]["finish_reason"] == "error: not recorded"
    assert [one.value for one in load_judgements(out)] == [row["value"] for row in rows]


def test_not_applicable_is_a_verdict_without_a_score(tmp_path):
    scores = {name: {"reason": "x", "score": "4"} for name in ("helpfulness", "clarity", "depth")}
    scores |= {"factuality": {"score": "N/A"}, "engagement": {"score": 5}}
    samples = responses(tmp_path / "m.jsonl", ["a"])
    judged_by = verdicts(tmp_path, ("0|0", json.dumps(scores)))
    counts = judge(JudgeSettings("quality", samples, judged_by), tmp_path / "v.jsonl")
    assert (counts.ok, counts.not_applicable) == (1, 1)
    (row,) = read_rows(tmp_path / "v.jsonl")
    assert row["value"] == {
        "helpfulness": 4.0,
        "clarity": 4.0,
        "factuality": None,
        "depth": 4.0,
        "engagement": 5.0,
    }


@pytest.mark.parametrize(
    ("kind", "said", "value"),
    [
        ("missing", '{"reason": "x", "score": "2"}', 2.0),
        (
            "topics",
            '{"topics": [{"name": "tea", "response": "Both", "helpfulness": "5"}]}',
            [{"name": "tea", "response": "both", "helpfulness": 5.0}],
        ),
    ],
)
def test_pairs_compare_the_first_sample_of_the_reference_with_each(tmp_path, kind, said, value):
    samples = responses(tmp_path / "m.jsonl", ["a", "b"], ["c", "d"])
    reference = responses(tmp_path / "ref.jsonl", ["r", "s"], [None, "t"])
    settings = JudgeSettings(
        kind, samples, verdicts(tmp_path, ("0|0", said), ("0|1", said)), reference=reference
    )
    counts = judge(settings, tmp_path / "v.jsonl")
    assert (counts.verdicts, counts.ok) == (2, 2)  # of the second question there is no reference
    rows = read_rows(tmp_path / "v.jsonl")
    assert [row["metadata"] for row in rows] == [
        {"instance_id": 0, "ref_sample_index": 0, "alt_sample_index": index} for index in (0, 1)
    ]
    assert all(row["value"] == value for row in rows)
    with pytest.raises(UserError, match=f"judge {kind}: compares two responses, --reference is"):
        judge(replace(settings, reference=None), tmp_path / "w.jsonl")


def test_samples_that_do_not_say_what_was_asked_need_the_prompts(tmp_path, prompts):
    samples = write_rows(tmp_path / "m.jsonl", [{"outputs": ["Yes."]}])
    settings = JudgeSettings("stance", samples, verdicts(tmp_path, ("0|0", stance("yes"))))
    with pytest.raises(UserError, match="does not say what instance 0 was asked; --instances"):
        judge(settings, tmp_path / "v.jsonl")
    assert judge(replace(settings, instances=prompts), tmp_path / "v.jsonl").ok == 1


def test_only_verdicts_that_failed_are_asked_again(tmp_path):
    samples = responses(tmp_path / "m.jsonl", ["a", "b"])
    settings = JudgeSettings("stance", samples, verdicts(tmp_path, ("0|0", stance("yes"))))
    out = tmp_path / "v.jsonl"
    assert judge(settings, out).call_failed == 1
    assert judge(settings, out).call_failed == 1 and len(read_rows(out)) == 2
    with pytest.raises(UserError, match="judge replay:"):
        said = verdicts(tmp_path, ("0|0", stance("yes")), ("0|1", stance("no")))
        judge(replace(settings, judge=said), out)


@pytest.mark.parametrize("kind", ["stance", "quality", "missing", "topics"])
def test_every_judge_asks_a_live_model(tmp_path, model, monkeypatch, kind):
    monkeypatch.setattr(module, "open_generator", lambda *_, **__: nullcontext_of(model))
    samples = responses(tmp_path / "m.jsonl", ["Yes, it is."])
    settings = JudgeSettings(
        kind, samples, "smollm2", reference=samples, max_new_tokens=8, cache=False
    )
    counts = judge(settings, tmp_path / "v.jsonl")
    assert counts.verdicts == 1 and counts.call_failed == 0


def nullcontext_of(model):
    """The session's model, which outlives whoever closes it."""
    lent = nullcontext(model)
    lent.backend, lent.stream, lent.close = model.backend, model.stream, lambda: None
    return lent


def test_local_stance_judges_stances_alone(tmp_path):
    samples = responses(tmp_path / "m.jsonl", ["a"])
    with pytest.raises(UserError, match="local-stance: judges stances alone"):
        judge(JudgeSettings("quality", samples, "local-stance"), tmp_path / "v.jsonl")


@pytest.mark.parametrize("system", [[], [{"role": "system", "content": "Be fair."}]])
@pytest.mark.parametrize("form", ["rows", "chats"])
def test_rows_of_one_answer_are_judged_with_what_each_was_asked(form, system, tmp_path):
    """Questions of such rows are known by their prompts, and judged as any."""
    long = "Is " + "tea " * 60 + "healthy?"
    said = [("Sky?", "Blue."), ("Sky?", "Grey."), (long, "Yes.")]
    rows = [{"prompt": query, "response": text} for query, text in said]
    if form == "chats":
        rows = [
            {
                "messages": [
                    *system,
                    {"role": "user", "content": query},
                    {"role": "assistant", "content": text},
                ]
            }
            for query, text in said
        ]
    file = write_rows(tmp_path / "m.jsonl", rows)
    samples = module.load_samples(file)
    settings = JudgeSettings("stance", file, "replay:none")
    cases = list(module._cases(settings, samples))
    assert [(case.query, case.index, case.response) for case in cases] == [
        ("Sky?", 0, "Blue."),
        ("Sky?", 1, "Grey."),
        (long, 0, "Yes."),
    ]
    asked = write_rows(tmp_path / "asked.jsonl", [{"prompt": query} for query in ("Sky?", long)])
    cases = list(module._cases(replace(settings, instances=asked), samples))
    assert [case.query for case in cases] == ["Sky?", "Sky?", long]


def test_local_stance_guesses_nothing_of_a_response_it_knows_no_word_of(tmp_path, monkeypatch):
    known = [Labelled(n, word, word) for n in range(9) for word in ("yes", "no")]
    classifier = LocalStance(known, remember=False)
    monkeypatch.setattr(module.LocalStance, "train", lambda: classifier)
    samples = responses(tmp_path / "m.jsonl", ["yes", "", "Нет"])
    counts = judge(JudgeSettings("stance", samples, "local-stance"), tmp_path / "v.jsonl")
    assert (counts.verdicts, counts.ok, counts.bad_json) == (3, 1, 2)
    assert [row["value"] for row in read_rows(tmp_path / "v.jsonl")] == ["yes", None, None]
