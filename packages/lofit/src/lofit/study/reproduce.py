"""The study: baselines, both steps, random-head controls, overlap of two tasks (section 8)."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tenpapers.models import CausalLM, HeadGeometry, load_causal_lm
from tenpapers.records import read_json, write_json
from tenpapers.report import Picture, Table, claim_folder, manifest, print_report, write_report

from ..baselines.iti import fit_iti
from ..heads.other_selectors import random_heads
from ..heads.overlap import chance_jaccard, jaccard
from ..heads.ranking import HeadRanking, default_k
from ..inputs.load_task import Task, data_folder, load_task, nested_sample
from ..offsets.adapter import LofitAdapter
from ..records import SFTExample
from ..scoring.evaluate import Evaluation, echo_baseline
from ..scoring.significance import paired_bootstrap, sentence
from .figures import layers_figure
from .settings import Study, read_study
from .transfer_and_sweep import evaluate_task, headline
from .two_steps import kept_heads, learn_offsets

# Per-cell values of the paper that could be confirmed (section 7 of the spec): MC1, Llama-2-7B.
CONFIRMED = {("Llama-2-7b", "truthfulqa", "LoFiT"): 58.1, ("Llama-2-7b", "truthfulqa", "ITI"): 33.4}


@dataclass
class Arm:
    """One row: metrics (%) of all its runs, numbers it adds, seconds, headline of each item."""

    name: str
    numbers: int = 0
    seconds: float = 0.0
    runs: list[dict[str, float]] = field(default_factory=list)
    per_item: list[list[float]] = field(default_factory=list)

    def mean(self, metric: str) -> float | None:
        """Mean of a metric over the runs."""
        found = [run[metric] for run in self.runs if metric in run]
        return sum(found) / len(found) if found else None

    def item_means(self) -> list[float]:
        """Mean over the runs of each item's headline (0 to 100)."""
        return [sum(values) / len(values) for values in zip(*self.per_item, strict=True)]


def reproduce(
    out: Path,
    *,
    scale: str = "cpu",
    config: Path | None = None,
    data: Path | None = None,
    model: str | None = None,
    seed: int | None = None,
    limit: int | None = None,
    overwrite: bool = False,
) -> None:
    """Run the study and write its report; killed, it goes on, and finished parts are reused.

    Raises
    ------
    UserError : wrong settings, or `out` holds a study of other settings.
    """
    began = time.monotonic()
    study = read_study(
        scale,
        config,
        data=str(data) if data else None,
        model=model,
        limit=limit,
        seeds=[seed] if seed is not None else None,
    )
    parts = [*study.tasks, *(f"truthfulqa-fold {fold}" for fold in (0, 1))]
    parts += [f"{study.second_ranking}-heads"]
    claim_folder(out, asdict(study), overwrite=overwrite, parts=parts)
    lm = load_causal_lm(study.model)
    shape = HeadGeometry.from_config(lm.model.config)
    k = study.k or default_k(shape, study.share)
    body: list[str | Table | Picture] = []
    results: dict[str, Any] = {"k": k}
    read: list[Path] = []
    rankings: dict[str, HeadRanking] = {}
    for name in study.tasks:
        for fold in (0, 1) if name == "truthfulqa" else (0,):
            task = load_task(
                name, Path(study.data) if study.data else None, fold=fold, seed=study.seeds[0]
            )
            read += task.files
            label = f"{name}, fold {fold}" if name == "truthfulqa" else name
            arms, ranking = run_task(lm, task, study, k, out / label.replace(", ", "-"))
            rankings.setdefault(name, ranking)
            body += [task_table(label, arms, task, study, k), *claims(arms)]
            results[label] = {arm.name: asdict(arm) for arm in arms}
    if study.second_ranking:
        rankings[study.second_ranking] = second_ranking(lm, study, out)
    if len(rankings) > 1:
        body += overlap(rankings, shape, k, out, results)
    intro = (
        f"Model: {study.model}. {shape.n_layers} layers of {shape.n_heads} heads; offsets on {k} "
        f"({100 * k / (shape.n_layers * shape.n_heads):.0f} %). Data: "
        f"{study.data or described(data_folder())}. "
        f"Settings: {study.settings}, {study.epochs} epochs a step."
    )
    details = manifest(asdict(study), seed=study.seeds[0], began=began, data=read)
    body = [intro, *body]
    write_report(out, f"LoFiT, {scale} scale", body, results=results, manifest=details)
    print_report(body, out, time.monotonic() - began)


def described(folder: Path) -> str:
    """Say where the data is from, without naming a place of this machine."""
    if folder.name == "mini":
        return "the small sets that ship with this package (no real data was at hand)"
    return "the published files (shared/data/lofit)"


def run_task(
    lm: CausalLM, task: Task, study: Study, k: int, out: Path
) -> tuple[list[Arm], HeadRanking]:
    """All arms on one task."""
    shape = HeadGeometry.from_config(lm.model.config)
    zero = Arm("zero-shot")
    _measure(zero, lm, task, study, None, out / "zero-shot")
    iti = Arm("ITI")
    began = time.monotonic()
    _measure(iti, lm, task, study, _iti(lm, task, study, k, out / "iti"), out / "iti")
    iti.seconds = time.monotonic() - began
    lofit, control = Arm("LoFiT"), Arm("random heads")
    first: HeadRanking | None = None
    for seed in study.seeds:
        place = out / f"lofit-{seed}"
        began = time.monotonic()
        ranking = kept_heads(lm, task, study.select(task.name, seed), place)
        first = first or ranking
        adapter = _offsets(lm, task, ranking, k, study, seed, place)
        lofit.seconds += time.monotonic() - began
        _measure(lofit, lm, task, study, adapter, place)
    for seed in study.random_seeds:
        place = out / f"random-{seed}"
        began = time.monotonic()
        adapter = _offsets(lm, task, random_heads(shape, seed), k, study, seed, place)
        control.seconds += time.monotonic() - began
        _measure(control, lm, task, study, adapter, place)
    lofit.numbers = control.numbers = iti.numbers = k * shape.head_dim
    arms = [zero]
    if (echo := _echo(task, study)) is not None:
        arms.append(echo)
    assert first is not None
    return [*arms, iti, control, lofit], first


def _items(task: Task, study: Study) -> list[Any]:
    return list(getattr(task, study.split))[: study.limit or None]


def _echo(task: Task, study: Study) -> Arm | None:
    items = _items(task, study)
    if not isinstance(items[0], SFTExample):
        return None
    found = echo_baseline(task.name, items)
    return Arm("echo", runs=[found]) if found else None


def _measure(arm: Arm, lm: CausalLM, task: Task, study: Study, adapter: Any, place: Path) -> None:
    """Evaluate one run of an arm, once: its numbers are kept in `evaluation.json`."""
    file = place / "evaluation.json"
    if file.exists():
        kept = read_json(file)
    else:
        found = _evaluate(lm, task, study, adapter, place)
        kept = {"metrics": found.metrics, "per_item": headline(found)[1]}
        write_json(file, kept)
    arm.runs.append(kept["metrics"])
    arm.per_item.append(kept["per_item"])


def _evaluate(lm: CausalLM, task: Task, study: Study, adapter: Any, place: Path) -> Evaluation:
    more: dict[str, Any] = {"progress": True}
    if isinstance(_items(task, study)[0], SFTExample):
        more["max_tokens"] = study.max_tokens
        if study.vllm and adapter is not None and adapter.positions == "all":
            return _through_vllm(lm, task, study, adapter, place)
    return evaluate_task(lm, task, adapter, split=study.split, limit=study.limit or None, **more)


def _through_vllm(
    lm: CausalLM, task: Task, study: Study, adapter: LofitAdapter, place: Path
) -> Evaluation:
    """Answers of the merged checkpoint in vLLM; the base leaves the GPU for that long."""
    from tenpapers.generation import Request, Sampling, open_generator

    from ..scoring.evaluate import grade_answers
    from ..serving.serve import merged_folder

    examples = _items(task, study)
    folder = merged_folder(lm, adapter, place / "merged")
    device = lm.model.device
    lm.model.to("cpu")
    try:
        sampling = Sampling(max_tokens=study.max_tokens)
        requests = [Request(id=e.id, prompt=e.prompt, sampling=sampling) for e in examples]
        with open_generator(f"vllm:{folder.resolve()}", cache=False) as engine:
            texts = [c.text for c in engine.generate(requests, progress="vllm")]
    finally:
        lm.model.to(device)
    return grade_answers(task.name, examples, texts)


def _offsets(
    lm: CausalLM, task: Task, ranking: HeadRanking, k: int, study: Study, seed: int, place: Path
) -> LofitAdapter:
    if (place / "adapter" / "adapter_model.safetensors").exists():
        return LofitAdapter.load(place / "adapter")
    config = study.tune(task.name, seed)
    return learn_offsets(lm, task, ranking.top(k), config, place, ranking=ranking)[0]


def _iti(lm: CausalLM, task: Task, study: Study, k: int, place: Path) -> LofitAdapter:
    """ITI; of several strengths the one that does best on the last quarter of the training data."""
    if (place / "adapter" / "adapter_model.safetensors").exists():
        return LofitAdapter.load(place / "adapter")
    adapter, _ = fit_iti(
        lm.model, lm.tokenizer, task.contrast, k=k, alpha=1.0, seed=study.seeds[0], progress=True
    )
    best = study.alphas[0]
    if len(study.alphas) > 1 and isinstance(task.train[0], SFTExample):
        held = replace(task, val=task.train[-len(task.train) // 4 :])
        scores = {}
        for alpha in study.alphas:
            scaled = replace(adapter, values=alpha * adapter.values)
            found = evaluate_task(lm, held, scaled, split="val", max_tokens=study.max_tokens)
            values = headline(found)[1]
            scores[alpha] = sum(values) / len(values)
        best = max(scores, key=lambda alpha: (scores[alpha], -alpha))
    made = replace(
        adapter, values=best * adapter.values, task=task.name, train=adapter.train | {"alpha": best}
    )
    made.save(place / "adapter")
    return made


def second_ranking(lm: CausalLM, study: Study, out: Path) -> HeadRanking:
    """Step 1 on another task, on few examples and in one epoch, for the comparison of heads."""
    task = load_task(study.second_ranking, Path(study.data) if study.data else None)
    few = replace(task, train=nested_sample(task.train, study.second_size, study.seeds[0]))
    config = replace(study.select(task.name, study.seeds[0]), epochs=1)
    place = out / f"{task.name}-heads"
    return kept_heads(lm, few, config, place)


def task_table(label: str, arms: Sequence[Arm], task: Task, study: Study, k: int) -> Table:
    """The form of the paper's tables 1 and 2 for one task."""
    choices = "mc1" in arms[0].runs[0]
    metrics = ["mc1", "mc2", "mc3"] if choices else ["em_normalized", "em_strict"]
    column = "paper: mc1" if choices else "paper: EM"
    base = study.model.split("?")[0].split("/")[-1].removesuffix("-hf")
    rows: list[list[Any]] = [
        [
            arm.name,
            len(arm.runs),
            *[arm.mean(metric) for metric in metrics],
            arm.numbers,
            round(arm.seconds, 1),
            CONFIRMED.get((base, task.name, arm.name)),
        ]
        for arm in arms
    ]
    n = len(arms[0].per_item[0])
    note = (
        f"{n} items of {study.split}, in percent, means over the runs; numbers = what the method "
        f"adds to the model; seconds = training (or fitting) of all runs. K = {k} heads."
    )
    if any(task.missing.values()):
        note += f" Ids of the paper's splits that are not in the files: {task.missing}."
    return Table(label, ["method", "runs", *metrics, "numbers", "seconds", column], rows, note)


def claims(arms: Sequence[Arm]) -> list[str]:
    """Both sentences of the study, from the numbers."""
    by_name = {arm.name: arm for arm in arms}
    lofit = by_name["LoFiT"].item_means()
    pairs = [
        ("offsets beat zero-shot", by_name["zero-shot"]),
        ("learned selection beats random selection", by_name["random heads"]),
    ]
    return [sentence(text, paired_bootstrap(lofit, arm.item_means())) for text, arm in pairs]


def overlap(
    rankings: dict[str, HeadRanking],
    shape: HeadGeometry,
    k: int,
    out: Path,
    results: dict[str, Any],
) -> list[str | Table | Picture]:
    """Figure and sentence on where the heads of two tasks are."""
    sets = {name: ranking.top(k) for name, ranking in rankings.items()}
    (a, first), (b, second) = list(sets.items())[:2]
    found, chance = jaccard(first, second), chance_jaccard(k, shape.n_layers * shape.n_heads)
    results["overlap"] = {"tasks": [a, b], "jaccard": found, "chance": chance}
    picture = layers_figure(
        out / "heads_per_layer.png",
        sets,
        shape.n_layers,
        f"Selected heads per layer; Jaccard {found:.2f} (chance {chance:.2f})",
    )
    text = (
        f"Heads of {a} and {b}: Jaccard {found:.2f}, two random sets would have about {chance:.2f}."
    )
    return [text, picture]
