"""The whole study: variants, heads, correlation, knockout, patching (sections 6, 7, 8)."""

import random
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tenpapers.models import CausalLM
from tenpapers.records import read_json, read_jsonl, write_json, write_jsonl
from tenpapers.report import claim_folder, manifest, print_report, write_report

from ..decoding.answers import Evaluation, Prediction, evaluate, summarise
from ..heads.detect import NothingToScoreError, detect
from ..heads.overlap import compare
from ..heads.score_files import HeadScores
from ..inputs.builders.build import BuildConfig, build
from ..inputs.fact_writers import invented_passage
from ..inputs.planted_phrase import planted_examples
from ..inputs.published_files import Passage, read_source
from ..interventions.knockout_sweep import settings_for, sweep
from ..interventions.patching import two_adapters
from ..interventions.patching_arms import patch_study
from ..options import plain
from ..records import SYNTHETIC, Example, load_examples
from ..training.attention_tuning import TrainConfig, train
from ..training.context_extension import extend_context
from ..training.tuned_model import load_base, load_model, put_on
from .reporting import REAL, StudyRun, study_body
from .resuming import KeptValues, text_digest
from .settings import Study, data_folder, read_study, toy_checkpoint
from .tables import sweep_rows

THRESHOLD = 0.1
SPLITS = ("train", "dev", "test")


def reproduce(
    out: Path,
    *,
    scale: str = "cpu",
    config: Path | None = None,
    model: str | None = None,
    seed: int | None = None,
    limit: int | None = None,
    overwrite: bool = False,
) -> None:
    """Run the study and write its report into `out`; a killed run goes on where it was.

    Raises
    ------
    UserError : wrong settings, or `out` holds a study of other settings.
    """
    began = time.monotonic()
    study = read_study(scale, config, model=model, seed=seed, limit=limit)
    parts = [
        "data",
        "runs",
        "planted",
        "runs.jsonl",
        "knockout.json",
        "patch.json",
        "adapters.json",
    ]
    claim_folder(out, plain(asdict(study)), overwrite=overwrite, parts=parts)
    knockout, intro, read = _planted_part(study, out)
    runs: list[StudyRun] = []
    patches: list[dict[str, Any]] = []
    knocked: list[dict[str, Any]] = []
    for task in ["toy"] if study.world == "toy" else study.tasks:
        data = _data(study, task, out / "data")
        found = _variants(study, task, data, out / "runs")
        runs += found
        patches += _patches(study, task, data, out / "runs", found)
        knocked += _adapter_knockouts(study, task, data, out / "runs")
    write_jsonl(out / "runs.jsonl", runs)
    write_json(out / "patch.json", plain(patches))
    write_json(out / "adapters.json", plain(knocked))
    body, verdicts = study_body(runs, knockout, patches, out / "study.png", knocked)
    body = [intro, *body]
    results = {
        "runs": [run.model_dump() for run in runs],
        "knockout": knockout,
        "patch": patches,
        "adapters": knocked,
        "verdicts": verdicts,
    }
    details = manifest(plain(asdict(study)), seed=study.seed, began=began, data=read)
    write_report(
        out, f"Retrieval heads, {scale} scale", body, results=plain(results), manifest=details
    )
    print_report(body, out, time.monotonic() - began)


def _planted_part(study: Study, out: Path) -> tuple[dict[str, Any], str, list[Path]]:
    """Part A: find heads of a pre-trained model on planted facts, and switch them off."""
    intro = (
        "Part A: a pass-phrase planted among passages, in a pre-trained model. "
        if study.planted
        else ""
    )
    source = (data_folder() or Path()) / "nq_open_oracle.jsonl.gz"
    passages, described = _passages(source)
    part_b = (
        "Part B: a tiny pre-trained Llama (3 layers of 4 heads), its context extended from 64 to "
        f"{study.train.context_tokens} tokens and its attention tuned on each variant of a toy "
        "world; no number of it says anything about a large model."
        if study.world == "toy"
        else f"Variants: {study.model}, {study.train.context_tokens} tokens."
    )
    if not study.planted:
        return {}, part_b, []
    file = out / "knockout.json"
    if not file.exists():
        lm = load_base(study.model)
        count = min(study.planted, study.limit or study.planted)
        examples = planted_examples(lm.tokenizer, passages, count, study.seed)
        write_json(file, plain(_knock(study, lm, examples, out / "planted")))
    scores = HeadScores.load(out / "planted" / "scores.json")
    best = ", ".join(
        f"{a}-{b} {s:.2f}" for a, b, s in read_json(out / "planted" / "scores.json")["ranked"][:5]
    )
    intro += (
        f"Model {study.model}, {len(scores.ids)} prompts of 300 to 600 tokens, {described}: "
        f"{int((scores.mean >= THRESHOLD).sum())} of {scores.mean.numel()} heads score at least "
        f"{THRESHOLD}, {int((scores.mean > 0).sum())} over 0; the best are {best}.\n\n{part_b}"
    )
    return read_json(file), intro, [source]


def _passages(source: Path) -> tuple[list[Passage], str]:
    """Real passages where they are at hand, else ours."""
    if source.is_file():
        items = read_source("mdqa", source)
        return [item.gold for item in items if item.gold], "passages of NaturalQuestions"
    draw = random.Random("passages")
    texts = [invented_passage(draw, number)[1] for number in range(400)]
    return [Passage("", text) for text in texts], "our own passages (no real data was at hand)"


def _knock(study: Study, lm: CausalLM, examples: Sequence[Example], place: Path) -> dict[str, Any]:
    """Scores, the curve over k (decode scope), and the headline k in the paper's two forms."""
    write_jsonl(place / "examples.jsonl", examples)
    scores = detect(lm.model, lm.tokenizer, examples, progress=True)
    scores.model = study.model
    scores.save(place / "scores.json")
    seeds = range(study.control_seeds)
    curve = settings_for(scores.mean, study.ks, seeds, threshold=THRESHOLD)
    headline = settings_for(scores.mean, [0, study.headline_k], seeds, threshold=THRESHOLD)

    def run(settings: Any, kind: Any, scope: Any) -> dict[str, Any]:
        found = sweep(
            lm.model,
            lm.tokenizer,
            examples,
            settings,
            kind=kind,
            scope=scope,
            answers=False,
            progress=True,
        )
        return {"kind": kind, "scope": scope, "n": len(examples), "rows": sweep_rows(found)}

    return run(curve, "zero", "decode") | {
        "more": [run(headline, "zero", "all"), run(headline, "uniform", "decode")]
    }


def _data(study: Study, task: str, place: Path) -> dict[str, dict[str, list[Example]]]:
    """Every variant's splits; equal sizes for all."""
    found: dict[str, dict[str, list[Example]]] = {}
    wanted = [(variant, variant, study.train.context_tokens) for variant in study.variants]
    if "real-short" in study.extras:
        wanted.append(("real-short", REAL, study.short_tokens))
    for name, variant, context in wanted:
        folder = place / task / name
        if not (folder / "manifest.json").exists():
            if task == "toy":
                facts = study.short_facts if name == "real-short" else study.toy_facts
                _toy_data(study, variant, context, facts, folder)
            else:
                settings = BuildConfig(
                    task=task,
                    variant=variant,
                    source=study.sources[task],
                    context_tokens=context,
                    tokenizer=study.model,
                    n=study.n_train,
                    n_dev=study.n_dev,
                    n_test=study.n_test,
                    seed=study.seed,
                    generator=study.generator,
                )
                build(settings, folder, progress=True)
        found[name] = {
            split: load_examples(folder / f"{split}.jsonl", limit=study.limit) for split in SPLITS
        }
    return found


def _toy_data(study: Study, variant: str, context: int, facts: int, folder: Path) -> None:
    from ..inputs.toy.examples import toy_examples

    sizes = dict(zip(SPLITS, (study.n_train, study.n_dev, study.n_test), strict=True))
    for split, count in sizes.items():
        examples = toy_examples(
            variant,
            split,
            count,
            context=context,
            facts=facts,
            seed=study.seed,  # type: ignore[arg-type]
        )
        write_jsonl(folder / f"{split}.jsonl", examples)
    write_json(folder / "manifest.json", {"variant": variant, "counts": sizes})


def _base(study: Study, task: str) -> str:
    return f"hf:{toy_checkpoint()}" if task == "toy" else study.model


def _variants(
    study: Study, task: str, data: dict[str, dict[str, list[Example]]], place: Path
) -> list[StudyRun]:
    """Train, evaluate on the real test set and detect, for every variant and the two bases."""
    spec = _base(study, task)
    test, dev = data[REAL]["test"], data[REAL]["dev"]
    heads: dict[str, HeadScores | None] = {}
    own: dict[str, HeadScores | None] = {}
    graded: dict[str, Evaluation] = {}
    sizes: dict[str, int] = {}
    seconds: dict[str, float] = {}

    def measure(name: str, lm: CausalLM, folder: Path) -> None:
        graded[name] = _graded(lm, test, folder)
        heads[name] = _scored(lm, dev, folder / "heads.json", spec)

    def tuned(name: str, examples: Sequence[Example], config: TrainConfig) -> CausalLM:
        folder = place / task / name
        began = time.monotonic()
        if not (folder / "train_state.json").exists():
            train(load_base(spec), examples, folder, config)
        seconds[name] = time.monotonic() - began
        sizes[name] = len(examples)
        lm = put_on(load_base(spec), folder)
        measure(name, lm, folder)
        return lm

    for variant in study.variants:
        lm = tuned(variant, data[variant]["train"], study.train)
        own[variant] = _scored(
            lm, data[variant]["dev"], place / task / variant / "heads_own.json", spec
        )
    for extra in study.extras:
        config = replace(study.train, no_lora=True) if extra == "no-lora" else study.train
        tuned(extra, _extra_examples(extra, data, graded), config)
    for name, rope in (("base", "none"), ("base, theta'", study.train.rope)):
        lm = load_model(spec, rope=rope, context=study.train.context_tokens)
        # Without theta' too it reads beyond its positions, to show what that does.
        extend_context(lm.model, study.train.context_tokens, None)
        measure(name, lm, place / task / name.replace(", theta'", "-extended"))
    return [
        _run(
            task,
            spec,
            name,
            graded[name],
            heads[name],
            heads[REAL],
            own.get(name),
            own.get(REAL),
            sizes.get(name, 0),
            seconds.get(name, 0.0),
        )
        for name in graded
    ]


def _extra_examples(
    extra: str, data: dict[str, dict[str, list[Example]]], graded: dict[str, Evaluation]
) -> list[Example]:
    """Training examples of a further baseline, as many as every variant has."""
    if extra == "real-short":
        return data["real-short"]["train"]
    if extra == "no-lora":
        return data[REAL]["train"]
    synthetic = [name for name in SYNTHETIC if name in graded]
    best = max(synthetic, key=lambda name: graded[name].metrics["f1"])
    limited, other = data["real-limited"]["train"], data[best]["train"]
    half = len(limited) // 2
    return [*limited[:half], *other[: len(limited) - half]]


def _graded(lm: CausalLM, test: Sequence[Example], folder: Path) -> Evaluation:
    """Answers on the real test set, once: they are kept in `predictions.jsonl`."""
    file = folder / "predictions.jsonl"
    if file.exists():
        kept = read_jsonl(file, Prediction)
        return Evaluation(kept, summarise(kept))
    found = evaluate(lm, test, progress=True)
    write_jsonl(file, found.predictions)
    return found


def _scored(lm: CausalLM, dev: Sequence[Example], file: Path, spec: str) -> HeadScores | None:
    """Head scores, once; None where no example can be scored."""
    if not file.exists():
        try:
            scores = detect(lm.model, lm.tokenizer, dev, batch_size=8)
        except NothingToScoreError:
            return None
        scores.model = "toy" if spec == f"hf:{toy_checkpoint()}" else spec
        scores.save(file)
    return HeadScores.load(file)


def _run(
    task: str,
    spec: str,
    name: str,
    graded: Evaluation,
    heads: HeadScores | None,
    reference: HeadScores | None,
    own: HeadScores | None,
    own_reference: HeadScores | None,
    n_train: int,
    seconds: float,
) -> StudyRun:
    run = StudyRun(
        name=name,
        task=task,
        model="toy" if task == "toy" else spec,
        n_train=n_train,
        n_test=len(graded.predictions),
        f1=graded.metrics["f1"],
        per_example=tuple(graded.per_example()),
        seconds=round(seconds, 1),
    )
    if heads is None or reference is None:
        return run
    found = compare(reference.mean, heads.mean, threshold=THRESHOLD)
    over_0 = compare(reference.mean, heads.mean, nonzero=True)
    more = {
        "count": found.n_other,
        "count_both": found.n_both,
        "count_over_0": over_0.n_other,
        "recall": found.recall,
        "recall_over_0": over_0.recall,
        "precision": found.precision,
        "jaccard": found.jaccard,
        "cosine": found.cosine,
    }
    if own is not None and own_reference is not None:
        more["recall_own"] = compare(own_reference.mean, own.mean, threshold=THRESHOLD).recall
    return run.model_copy(update=plain(more))


def _patches(
    study: Study,
    task: str,
    data: dict[str, dict[str, list[Example]]],
    place: Path,
    runs: Sequence[StudyRun],
) -> list[dict[str, Any]]:
    """Activations of Real-Full in every synthetic variant."""
    found = []
    source = place / task / REAL
    for variant in study.patch:
        folder = place / task / variant
        file = folder / "patch.json"
        if not file.exists():
            scores = [folder / "heads.json", source / "heads.json"]
            if not all(score.exists() for score in scores):
                continue
            lm = two_adapters(load_base(_base(study, task)), folder, source)
            mine, real = (HeadScores.load(score) for score in scores)
            test = data[REAL]["test"][: study.patch_examples]
            result = patch_study(
                lm, test, mine.mean, real.mean, seed=study.seed, threshold=THRESHOLD, progress=True
            )
            write_json(file, plain({"name": variant} | result))
        found.append(read_json(file))
    return found


def _adapter_knockouts(
    study: Study, task: str, data: dict[str, dict[str, list[Example]]], place: Path
) -> list[dict[str, Any]]:
    """Answers of trained adapters with their own best heads off, against random heads."""
    found = []
    test = data[REAL]["test"][: study.patch_examples]
    for variant in study.knock:
        folder = place / task / variant
        file = folder / "knockout.json"
        if not file.exists():
            if not (folder / "heads.json").exists():
                continue
            scores = HeadScores.load(folder / "heads.json")
            settings = settings_for(
                scores.mean, study.ks, range(study.control_seeds), threshold=THRESHOLD
            )
            lm = put_on(load_base(_base(study, task)), folder)
            key = text_digest(f"{variant} {settings}")
            with KeptValues.beside(file, key, resume=True) as kept:
                swept = sweep(lm.model, lm.tokenizer, test, settings, kept=kept, progress=True)
            content = {
                "name": f"{task}, {variant}",
                "kind": "zero",
                "scope": "all",
                "n": len(test),
                "rows": sweep_rows(swept),
            }
            write_json(file, plain(content))
        found.append(read_json(file))
    return found
