"""Published items of tasks and plans of tool solvers, as rows of our files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tenpapers.records import read_json, read_json_lines

Row = dict[str, Any]
PRONTOQA_EXAMPLES = 3  # demonstrations that an item keeps


def numbered(file: Path) -> Iterator[Row]:
    """Rows of a JSONL file with their line, counted from 0."""
    for line, row in read_json_lines(file):
        yield row | {"idx": line - 1}


def gsm_hard(file: Path, original: Path) -> Iterator[Row]:
    """GSM-Hard's programs, each with the question of the same line of GSM8K's file."""
    questions = [row["input"] for _, row in read_json_lines(original)]
    for row in numbered(file):
        yield row | {"orig_question": questions[row["idx"]]}


def codex_plans(file: Path) -> Iterator[Row]:
    """Programs that Codex wrote for AQuA; of the few-shot prompt only the last question is kept."""
    for row in numbered(file):
        question = row["question"].rpartition("# Question: ")[2].partition("\n\n# solution")[0]
        yield {
            "generated_answer": row["generated_answer"],
            "answer": row["answer"],
            "is_correct": row["is_correct"],
            "question": question,
            "idx": row["idx"],
        }


def contexthub(file: Path, logic: str, level: int, reasoning: Path | None = None) -> Iterator[Row]:
    """ContextHub's stories: each formula was published with its stories by topic.

    Gold is the formula's; the reasoning comes from the file that has it, where there is one.
    """
    formulas = read_json(file)
    reasoned = read_json(reasoning) if reasoning else [{}] * len(formulas)
    for root, (formula, known) in enumerate(zip(formulas, reasoned, strict=True)):
        topics = [name for name in formula if name not in ("question", "answer")]
        for domain in topics:
            for subdomain, story in formula[domain].items():
                if not story.get("<nl>"):
                    continue
                place = "-".join([domain, subdomain]).replace(" ", "_")
                yield {
                    "id": f"ch-{logic}-l{level}-{root}-{place}",
                    "level": level,
                    "logic": logic,
                    "root": root,
                    "domain": domain,
                    "subdomain": subdomain,
                    "abstract": formula["question"][0]["<nl>"],
                    "question": story["<nl>"],
                    "variables": {
                        name.strip("<>"): text
                        for name, text in story.items()
                        if name not in ("<nl>", "gold_cot")
                    },
                    "gold": {True: "True", False: "False"}.get(formula["answer"], "N/A"),
                    "gold_cot": known.get(domain, {}).get(subdomain, {}).get("gold_cot"),
                }


def prontoqa(file: Path) -> Iterator[Row]:
    """PrOntoQA's items with their first demonstrations; named by ontology, file and number."""
    for name, item in read_json(file).items():
        row = {"id": f"{file.parent.name}-{file.stem}-{name}"}
        for key in (f"in_context_example{number}" for number in range(PRONTOQA_EXAMPLES)):
            row |= {key: item[key]}
        yield row | {"test_example": item["test_example"]}


def mmlu_demonstrations(files: Sequence[Path]) -> Iterator[Row]:
    """The development questions of MMLU with written reasoning, a YAML file for each subject."""
    import yaml

    for file in files:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        for index, sample in enumerate(content["fewshot_config"]["samples"]):
            yield {
                "subject": file.stem.removeprefix("mmlu_"),
                "index": index,
                "question": sample["question"],
                "target": sample["target"],
            }


def musr(file: Path, domain: str) -> Iterator[Row]:
    """MuSR's stories with their questions; the trees of its reasoning are dropped."""
    for number, story in enumerate(read_json(file)):
        yield {
            "id": f"{domain}-{number}",
            "context": story["context"],
            "questions": [
                {key: asked[key] for key in ("question", "answer", "choices")}
                for asked in story["questions"]
            ],
        }
