"""The arms of the study on one task: zero-shot, echo, ITI, random heads, LoFiT."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tenpapers.journal import Journal, RowLog
from tenpapers.models import CausalLM, HeadGeometry

from ..baselines.intervention import Intervention
from ..baselines.iti import fit_iti
from ..heads.other_selectors import random_heads
from ..heads.ranking import HeadRanking
from ..inputs.load_task import Task
from ..offsets.adapter import LofitAdapter
from ..records import Prediction, SFTExample
from ..scoring.answers import echo_baseline, grade_answer, graded_answers
from ..scoring.evaluate import evaluate_task, headline
from ..scoring.evaluation import Evaluation
from ..serving.merged_folder import merged_folder
from .evaluation import measured
from .settings import Study
from .two_steps import choose_heads, keep_adapter, learn_offsets


@dataclass
class Arm:
    """One row of the table.

    Parameters
    ----------
    numbers : that it adds to the model.
    seconds : of training or fitting, all runs together.
    runs, per_item : metrics (%) of every run, and the headline (0 to 100) of each of its items.
    seeds : of the runs; none where an arm has one run that no seed changes.
    """

    name: str
    numbers: int = 0
    seconds: float = 0.0
    runs: list[dict[str, float]] = field(default_factory=list)
    per_item: list[list[float]] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)

    def mean(self, metric: str) -> float | None:
        """Mean of a metric over the runs."""
        found = [run[metric] for run in self.runs if metric in run]
        return sum(found) / len(found) if found else None

    def spread(self, metric: str) -> float | None:
        """Half of the range of a metric over the runs; None of a single run."""
        found = [run[metric] for run in self.runs if metric in run]
        return (max(found) - min(found)) / 2 if len(found) > 1 else None


def run_task(
    lm: CausalLM, task: Task, study: Study, k: int, journal: Journal, place: str
) -> tuple[list[Arm], list[HeadRanking]]:
    """All arms on one task, and the ranking of each of LoFiT's seeds; files lie in `place`."""
    shape = HeadGeometry.from_config(lm.model.config)
    run = TaskRun(lm, task, study, k, journal)
    zero, iti, lofit, control = Arm("zero-shot"), Arm("ITI"), Arm("LoFiT"), Arm("random heads")
    run.measure(zero, None, f"{place}/zero-shot")
    began = time.monotonic()
    run.measure(iti, run.iti(f"{place}/iti"), f"{place}/iti")
    iti.seconds = time.monotonic() - began
    rankings = []
    for seed in study.seeds:
        folder = f"{place}/lofit-{seed}"
        began = time.monotonic()
        config = study.select(task.name, seed)
        rankings.append(choose_heads(lm, task, config, journal, folder))
        adapter = run.offsets(rankings[-1], seed, folder)
        lofit.seconds += time.monotonic() - began
        run.measure(lofit, adapter, folder, seed)
    for seed in study.random_seeds:
        folder = f"{place}/random-{seed}"
        began = time.monotonic()
        adapter = run.offsets(random_heads(shape, seed), seed, folder)
        control.seconds += time.monotonic() - began
        run.measure(control, adapter, folder, seed)
    lofit.numbers = control.numbers = iti.numbers = k * shape.head_dim
    echo = run.echo()
    return [zero, *([echo] if echo else []), iti, control, lofit], rankings


@dataclass(frozen=True)
class TaskRun:
    """The model and the task that all arms share; `k` heads each."""

    lm: CausalLM
    task: Task
    study: Study
    k: int
    journal: Journal

    def measure(
        self, arm: Arm, adapter: Intervention | None, folder: str, seed: int | None = None
    ) -> None:
        """Evaluate one run of an arm, once: its numbers are kept in `evaluation.json`."""
        kept = measured(self.journal, folder, partial(self._evaluate, adapter, folder))
        arm.runs.append(kept["metrics"])
        arm.per_item.append(kept["per_item"])
        if seed is not None:
            arm.seeds.append(seed)

    def echo(self) -> Arm | None:
        """Answering with what the prompt says, where the task has that."""
        found = echo_baseline(self.task.name, self._examples())
        return Arm("echo", runs=[found]) if found else None

    def offsets(self, ranking: HeadRanking, seed: int, folder: str) -> LofitAdapter:
        """Step 2 on the first K heads, unless its adapter lies there already."""
        config = self.study.tune(self.task.name, seed)
        return learn_offsets(
            self.lm,
            self.task,
            ranking.top(self.k),
            config,
            self.journal,
            folder,
            ranking=ranking,
        )[0]

    def iti(self, folder: str) -> LofitAdapter:
        """ITI; of several strengths the best one on the last quarter of the training data."""
        name = f"{folder}/adapter"
        if self.journal.has_folder(name):
            return LofitAdapter.load(self.journal.root / name)
        unit, _ = fit_iti(
            self.lm.model,
            self.lm.tokenizer,
            self.task.contrast,
            k=self.k,
            alpha=1.0,
            seed=self.study.seeds[0],
            progress=True,
        )
        best = self._best_strength(unit)
        adapter = replace(
            unit, values=best * unit.values, task=self.task.name, train=unit.train | {"alpha": best}
        )
        keep_adapter(self.journal, name, adapter, self.lm, chat=False)
        return adapter

    def _best_strength(self, unit: LofitAdapter) -> float:
        alphas = self.study.alphas
        examples = [example for example in self.task.train if isinstance(example, SFTExample)]
        if len(alphas) == 1 or not examples:
            return alphas[0]
        held_out = replace(self.task, val=examples[-len(examples) // 4 :])
        means = {}
        for alpha in alphas:
            scaled = replace(unit, values=alpha * unit.values)
            found = evaluate_task(
                self.lm, held_out, scaled, split="val", max_tokens=self.study.max_tokens
            )
            _, values = headline(found)
            means[alpha] = sum(values) / len(values)
        return max(means, key=lambda alpha: (means[alpha], -alpha))

    def _examples(self) -> Sequence[SFTExample]:
        """Test items that are answered; none where they are multiple choice."""
        items = self.task.part(self.study.split)[: self.study.limit or None]
        return [item for item in items if isinstance(item, SFTExample)]

    def _evaluate(self, adapter: Intervention | None, folder: str, *, log: RowLog) -> Evaluation:
        if isinstance(adapter, LofitAdapter) and self._in_vllm(adapter):
            return self._through_vllm(adapter, folder, log)
        return evaluate_task(
            self.lm,
            self.task,
            adapter,
            split=self.study.split,
            limit=self.study.limit or None,
            max_tokens=self.study.max_tokens,
            log=log,
            progress=True,
        )

    def _in_vllm(self, adapter: LofitAdapter) -> bool:
        return self.study.vllm and adapter.positions == "all" and bool(self._examples())

    def _through_vllm(self, adapter: LofitAdapter, folder: str, log: RowLog) -> Evaluation:
        """Answers of the merged checkpoint in vLLM; the base leaves the GPU for that long."""
        from tenpapers.generation import Request, Sampling, open_generator

        examples = {example.id: example for example in self._examples()}
        left = log.missing(examples.values())
        merged = merged_folder(self.lm, adapter, self.journal, folder)
        device = self.lm.model.device
        self.lm.model.to("cpu")  # type: ignore[arg-type]  # a wrapper hides its types
        try:
            sampling = Sampling(max_tokens=self.study.max_tokens)
            requests = [Request(id=e.id, prompt=e.prompt, sampling=sampling) for e in left]
            with open_generator(f"vllm:{merged.resolve()}", cache=False) as engine:
                for done in engine.stream(requests, progress="vllm"):
                    log.write(grade_answer(self.task.name, examples[done.id], done))
        finally:
            self.lm.model.to(device)  # type: ignore[arg-type]
        items = [Prediction.model_validate(log.rows[name]) for name in examples]
        return graded_answers(self.task.name, list(examples.values()), items)
