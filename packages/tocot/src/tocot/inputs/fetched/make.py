"""Which published file becomes which of ours."""

from collections.abc import Callable
from pathlib import Path

from tenpapers.data import Published, pack
from tenpapers.records import read_json, write_jsonl

from .recorded_pairs import BIG_BENCH_HARD, ZERO_SHOT, few_shot_pairs, zero_shot_pairs
from .task_rows import (
    codex_plans,
    contexthub,
    gsm_hard,
    mmlu_demonstrations,
    musr,
    numbered,
    prontoqa,
)

KOJIMA, SUZGUN = "kojima-takeshi188/zero_shot_cot", "suzgunmirac/BIG-Bench-Hard"
PAL, MUSR = "reasoning-machines/pal", "Zayne-sprague/MuSR"
AUTHORS, BELOW = "Zayne-sprague/To-CoT-or-not-to-CoT", "eval_datasets/thirdparty"
AGIEVAL = ("aqua-rat", "lsat-ar", "lsat-lr", "lsat-rc", "math", "sat-math")
Place = Callable[[str], Path]


def make(published: Published, place: Place) -> None:
    """Write the recorded pairs, the plans and the tasks.

    Parameters
    ----------
    place : gives the path of a data file by its name.
    """
    make_pairs(published, place)
    make_plans(published, place)
    make_tasks(published, place)


def make_pairs(published: Published, place: Place) -> None:
    """Write `replay/`: recorded outputs of two models, a file for all of BIG-Bench Hard."""
    for task in ZERO_SHOT:
        logs = (published.file(KOJIMA, f"log/{task}_zero_shot{arm}.log") for arm in ("", "_cot"))
        write_jsonl(place(f"replay/kojima_{task}.jsonl.gz"), zero_shot_pairs(task, *logs))
    rows = []
    for task in BIG_BENCH_HARD:
        outputs = (
            published.file(
                SUZGUN,
                f"code-davinci-002-outputs/code-davinci-002-{arm}/"
                f"{task}_few_shot_template_0-255000.json",
            )
            for arm in ("direct", "cot")
        )
        rows += few_shot_pairs(task, *outputs)
    write_jsonl(place("replay/bbh_codex.jsonl.gz"), rows)


def make_plans(published: Published, place: Place) -> None:
    """Write `plans/`: programs for GSM-Hard and AQuA."""
    hard = published.file(PAL, "datasets/gsmhardv2.jsonl")
    original = published.file(PAL, "datasets/gsm.jsonl")
    write_jsonl(place("plans/gsm_hard.jsonl.gz"), gsm_hard(hard, original))
    codex = published.file(PAL, "datasets/outputs/aqua_pal_outputs.jsonl")
    write_jsonl(place("plans/aqua_pal_codex.jsonl.gz"), codex_plans(codex))


def make_tasks(published: Published, place: Place) -> None:
    """Write `tasks/`: items and demonstrations."""

    def theirs(path: str) -> Path:
        return published.file(AUTHORS, f"{BELOW}/{path}")

    grade_school = published.file(KOJIMA, "dataset/grade-school-math/test.jsonl")
    pack(grade_school, place("tasks/gsm8k.jsonl.gz"))
    common = published.file(KOJIMA, "dataset/CommonsenseQA/dev_rand_split.jsonl")
    pack(common, place("tasks/csqa.jsonl.gz"))
    pack(theirs("AGIEval/data/few_shot_prompts.csv"), place("tasks/agieval_few_shot.csv.gz"))
    for name in AGIEVAL:
        rows = numbered(theirs(f"AGIEval/data/v1/{name}.jsonl"))
        write_jsonl(place(f"tasks/agieval_{name}.jsonl.gz"), rows)
    for level in (1, 2):
        for logic in ("deductive", "abductive"):
            stories = theirs(f"contexthub/data_level{level}/{logic}_logic.json")
            # Level 2 has no reasoning.
            cot = f"contexthub/data_level{level}/{logic}_logic_traincot.json"
            rows = contexthub(stories, logic, level, theirs(cot) if level == 1 else None)
            write_jsonl(place(f"tasks/contexthub_{logic}_l{level}.jsonl.gz"), rows)
    write_jsonl(place("tasks/folio.jsonl.gz"), read_json(theirs("folio/original.json")))
    strategy = theirs("strategyqa_dataset/strategyqa_train_filtered.json")
    write_jsonl(place("tasks/strategyqa.jsonl.gz"), read_json(strategy))
    for file in published.files(AUTHORS, f"{BELOW}/prontoqa/"):
        name = f"prontoqa_{file.parent.name}_{file.stem}"
        write_jsonl(place(f"tasks/{name}.jsonl.gz"), prontoqa(file))
    subjects = published.files(AUTHORS, f"{BELOW}/lm_eval_mmlu_few_shot/")
    write_jsonl(place("tasks/mmlu_dev_cot.jsonl.gz"), mmlu_demonstrations(subjects))
    for domain in ("murder_mystery", "object_placements", "team_allocation"):
        file = published.file(MUSR, f"viewer/small_datasets/small_{domain}.json")
        write_jsonl(place(f"tasks/musr_{domain}.jsonl.gz"), musr(file, domain))
