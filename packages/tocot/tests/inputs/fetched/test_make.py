import csv
import gzip
import io
import json
import re

import pytest
import yaml
from tenpapers.testing import exactly_published, fetched, read_rows
from tocot.inputs.fetched.make import AGIEVAL, make
from tocot.inputs.fetched.recorded_pairs import BIG_BENCH_HARD, ZERO_SHOT

from .forms import formula, log, outputs

KOJIMA, SUZGUN, PAL, MUSR = "5ef330f", "9ee07bd", "f81ca2a", "b1f4d41/viewer/small_datasets"
AUTHORS = "4382f93/eval_datasets/thirdparty"
ONTOLOGIES = (
    "false/3hop_falseontology",
    *(f"fictional/{n}hop" for n in (1, 3, 5)),
    "symbolic/3hop",
)
DOMAINS = ("murder_mystery", "object_placements", "team_allocation")


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def recorded(pairs):
    """Logs and files of outputs of all tasks; `pairs` has (direct, cot) by source and task."""
    files = {}
    for task in ZERO_SHOT:
        for arm, content in zip(("", "_cot"), pairs["zero_shot_cot", task], strict=True):
            files[f"{KOJIMA}/log/{task}_zero_shot{arm}.log"] = content
    for task in BIG_BENCH_HARD:
        for arm, content in zip(("direct", "cot"), pairs["big_bench_hard", task], strict=True):
            below = f"code-davinci-002-outputs/code-davinci-002-{arm}"
            files[f"{SUZGUN}/{below}/{task}_few_shot_template_0-255000.json"] = content
    return files


def test_every_published_file_makes_one_of_ours(tmp_path):
    item = {"question": "Q", "answer": "A"}
    story = {"context": "C", "questions": [item | {"choices": ["A", "B"]}]}
    shots = {f"in_context_example{number}": item for number in range(3)} | {"test_example": item}
    stories = [formula("aaa is True.", False, {"abstract": {"0": {"<nl>": "Is it?"}}})]
    sheet = io.StringIO()
    csv.writer(sheet).writerow(["", "lsat-ar"])
    zero = [("Q", "The answer is 1", "1", "1")]
    few = [("Q", "1", "1")]
    pairs = {("zero_shot_cot", task): (log(zero), log(zero)) for task in ZERO_SHOT}
    pairs |= {
        ("big_bench_hard", task): (outputs(few), outputs(few, cot=True)) for task in BIG_BENCH_HARD
    }
    files = recorded(pairs) | {
        f"{KOJIMA}/dataset/grade-school-math/test.jsonl": lines([item]),
        f"{KOJIMA}/dataset/CommonsenseQA/dev_rand_split.jsonl": lines([item]),
        f"{PAL}/datasets/gsm.jsonl": lines([{"input": "1?"}]),
        f"{PAL}/datasets/gsmhardv2.jsonl": lines([{"input": "9?"}]),
        f"{PAL}/datasets/outputs/aqua_pal_outputs.jsonl": lines(
            [{"question": "# Question: Q", "generated_answer": "", "answer": "", "is_correct": 1}]
        ),
        f"{AUTHORS}/AGIEval/data/few_shot_prompts.csv": sheet.getvalue().encode(),
        f"{AUTHORS}/folio/original.json": json.dumps([item]).encode(),
        f"{AUTHORS}/strategyqa_dataset/strategyqa_train_filtered.json": json.dumps([item]).encode(),
        f"{AUTHORS}/lm_eval_mmlu_few_shot/mmlu_anatomy.yaml": yaml.safe_dump(
            {"fewshot_config": {"samples": [{"question": "Q", "target": "T"}]}}
        ).encode(),
    }
    files |= {f"{AUTHORS}/AGIEval/data/v1/{name}.jsonl": lines([item]) for name in AGIEVAL}
    for logic in ("deductive", "abductive"):
        for path in (f"1/{logic}_logic", f"1/{logic}_logic_traincot", f"2/{logic}_logic"):
            files[f"{AUTHORS}/contexthub/data_level{path}.json"] = json.dumps(stories).encode()
    for path in ONTOLOGIES:
        files[f"{AUTHORS}/prontoqa/{path}.json"] = json.dumps({"example1": shots}).encode()
    for domain in DOMAINS:
        files[f"{MUSR}/small_{domain}.json"] = json.dumps([story]).encode()

    found = fetched("tocot", make, files, tmp_path)

    plain = {"tasks/gsm8k": item, "tasks/csqa": item, "tasks/folio": item, "tasks/strategyqa": item}
    plain |= {f"tasks/agieval_{name}": item | {"idx": 0} for name in AGIEVAL}
    plain |= {
        f"tasks/prontoqa_{path.replace('/', '_')}": {"id": f"{path.replace('/', '-')}-example1"}
        | shots
        for path in ONTOLOGIES
    }
    plain |= {f"tasks/musr_{domain}": {"id": f"{domain}-0"} | story for domain in DOMAINS}
    plain["plans/gsm_hard"] = {"input": "9?", "idx": 0, "orig_question": "1?"}
    for name, row in plain.items():
        assert found.pop(f"{name}.jsonl.gz") == [row], name
    assert found.pop("tasks/agieval_few_shot.csv.gz") == sheet.getvalue().encode()
    (plan,) = found.pop("plans/aqua_pal_codex.jsonl.gz")
    assert plan["question"] == "Q"
    (shown,) = found.pop("tasks/mmlu_dev_cot.jsonl.gz")
    assert shown["subject"] == "anatomy"
    for logic in ("deductive", "abductive"):
        for level in (1, 2):
            (row,) = found.pop(f"tasks/contexthub_{logic}_l{level}.jsonl.gz")
            assert row["id"] == f"ch-{logic}-l{level}-0-abstract-0"
    assert [row["task"] for row in found.pop("replay/bbh_codex.jsonl.gz")] == list(BIG_BENCH_HARD)
    assert {name: rows[0]["task"] for name, rows in found.items()} == {
        f"replay/kojima_{task}.jsonl.gz": task for task in ZERO_SHOT
    }


@pytest.mark.acceptance
def test_rows_at_hand_come_back_from_their_published_forms(data, tmp_path):
    ours = {
        str(file.relative_to(data)): read_rows(file)
        for folder in ("replay", "plans", "tasks")
        for file in (data / folder).glob("*.jsonl.gz")
    }
    by_task = {}
    for name in sorted(ours):
        for row in ours[name] if name.startswith("replay") else []:
            by_task.setdefault((row["source"], row["task"]), []).append(row)
    files = recorded({key: published_pairs(*key, rows) for key, rows in by_task.items()})
    sheet = (data / "tasks" / "agieval_few_shot.csv.gz").read_bytes()
    files[f"{AUTHORS}/AGIEval/data/few_shot_prompts.csv"] = gzip.decompress(sheet)
    files |= published_plans(ours) | published_tasks(ours)
    assert exactly_published("tocot", files) == {f"{AUTHORS}/AGIEval/data/few_shot_prompts.csv"}
    found = fetched("tocot", make, files, tmp_path)
    assert found.pop("tasks/agieval_few_shot.csv.gz") == gzip.decompress(sheet)
    assert found.keys() == ours.keys()
    for name, rows in ours.items():
        made = {json.dumps(row, sort_keys=True) for row in found[name]}
        lost = [row for row in rows if json.dumps(row, sort_keys=True) not in made]
        assert lost == [], f"{name}: {len(lost)} of {len(rows)}"


def published_pairs(source, task, rows):
    """The two files that a task's pairs came from."""
    arms = []
    for arm in ("direct", "cot"):
        answers = []
        for row in rows:
            response, prediction = row[f"{arm}_response"], row[f"logged_{arm}_pred"]
            options = row["choices"] or {"label": [], "text": []}
            lettered = zip(options["label"], options["text"], strict=True)
            raw, gold = row["question"], row["gold"]
            if source == "zero_shot_cot":
                if row["answer_kind"] == "letter":
                    listed = " ".join(f"({label}) {text}" for label, text in lettered)
                    raw = f"{raw} Answer Choices: {listed}"
                answers.append((raw, response, prediction, gold))
                continue
            if row["answer_kind"] == "letter":
                raw += "\nOptions:" + "".join(f"\n({label}) {text}" for label, text in lettered)
                gold = f"({gold})" if len(gold) == 1 else gold
            elif options["text"] and not BIG_BENCH_HARD[task].options:
                raw += "\nOptions:" + "".join(f"\n- {text}" for text in options["text"])
            answers.append((raw, response, gold))
        if source == "zero_shot_cot":
            arms.append(log(answers))
        else:
            arms.append(outputs(answers, cot=arm == "cot").replace(b"GUID", row["canary"].encode()))
    return arms


def at_their_places(rows):
    """Rows by `idx`, without it, with an empty one for each that is not at hand."""
    known = {row["idx"]: {key: row[key] for key in row if key != "idx"} for row in rows}
    return [known.get(number, {}) for number in range(max(known) + 1)]


def published_plans(ours):
    hard = at_their_places(ours["plans/gsm_hard.jsonl.gz"])
    codex = at_their_places(ours["plans/aqua_pal_codex.jsonl.gz"])
    empty = dict.fromkeys(("question", "generated_answer", "answer", "is_correct"), "")
    for row in codex:
        row["question"] = f"# Question: {row.get('question')}\n\n# solution using Python:\n"
    questions = [{"input": row.pop("orig_question", "")} for row in hard]
    return {
        f"{PAL}/datasets/gsm.jsonl": lines(questions),
        f"{PAL}/datasets/gsmhardv2.jsonl": lines(hard),
        f"{PAL}/datasets/outputs/aqua_pal_outputs.jsonl": lines(empty | row for row in codex),
    }


def published_tasks(ours):
    def rows(name):
        return ours[f"tasks/{name}.jsonl.gz"]

    files = {
        f"{KOJIMA}/dataset/grade-school-math/test.jsonl": lines(rows("gsm8k")),
        f"{KOJIMA}/dataset/CommonsenseQA/dev_rand_split.jsonl": lines(rows("csqa")),
        f"{AUTHORS}/folio/original.json": json.dumps(rows("folio")).encode(),
        f"{AUTHORS}/strategyqa_dataset/strategyqa_train_filtered.json": json.dumps(
            rows("strategyqa")
        ).encode(),
    }
    for name in AGIEVAL:
        content = lines(at_their_places(rows(f"agieval_{name}")))
        files[f"{AUTHORS}/AGIEval/data/v1/{name}.jsonl"] = content
    for logic in ("deductive", "abductive"):
        for level in (1, 2):
            below = f"{AUTHORS}/contexthub/data_level{level}/{logic}_logic"
            stories = rows(f"contexthub_{logic}_l{level}")
            files[f"{below}.json"] = formulas(stories, cot=False)
            if level == 1:
                files[f"{below}_traincot.json"] = formulas(stories, cot=True)
    for path in ONTOLOGIES:
        items = {}
        for row in rows(f"prontoqa_{path.replace('/', '_')}"):
            name = re.search(r"example\d+$", row["id"])[0]
            items[name] = {key: row[key] for key in row if key != "id"} | {
                "in_context_example7": {}
            }
        files[f"{AUTHORS}/prontoqa/{path}.json"] = json.dumps(items).encode()
    subjects = {}
    for row in rows("mmlu_dev_cot"):
        subjects.setdefault(row["subject"], []).append(
            {key: row[key] for key in ("question", "target")}
        )
    for subject, samples in subjects.items():
        path = f"{AUTHORS}/lm_eval_mmlu_few_shot/mmlu_{subject}.yaml"
        files[path] = yaml.safe_dump({"fewshot_config": {"samples": samples}}).encode()
    for domain in DOMAINS:
        stories = [{**row, "id": 0} for row in rows(f"musr_{domain}")]
        files[f"{MUSR}/small_{domain}.json"] = json.dumps(stories).encode()
    return files


def formulas(stories, *, cot):
    """ContextHub's list of formulas; those without a story at hand are empty."""
    last = max(row["root"] for row in stories)
    found = [formula("", None, {}) for _ in range(last + 1)]
    for row in stories:
        entry = found[row["root"]]
        entry["question"] = [{"<nl>": row["abstract"]}]
        entry["answer"] = {"True": True, "False": False}.get(row["gold"], "N/A")
        story = {f"<{name}>": text for name, text in row["variables"].items()}
        story |= {"<nl>": row["question"]} | ({"gold_cot": row["gold_cot"]} if cot else {})
        entry.setdefault(row["domain"], {})[row["subdomain"]] = story
    return json.dumps(found).encode()
