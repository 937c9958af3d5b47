"""Commands from prompts to a training set: generate, fewgen, parse, filter."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Cache, Json, OutFile, Seed

from ..options import ConfigFile, Defaults, First, Overwrite, TaskName, fresh, say

Teacher = Annotated[
    str, typer.Option("--teacher", "--model", help="Model spec: smollm2, hf:ID, vllm:ID, openai:..")
]
TokenizerSpec = Annotated[
    str | None, typer.Option("--tokenizer", help="Counts tokens [the teacher's].")
]
StyleName = Annotated[str | None, typer.Option("--style", help="plain, turns or chat [plain].")]
Groups = Annotated[
    int | None,
    typer.Option("--icl-groups", help="Sets of shots a label [one a prompt].", min=1),
]
Temperature = Annotated[float | None, typer.Option("--temperature", help="[0.95]", min=0)]
TopP = Annotated[
    float | None, typer.Option("--top-p", help="1 does not send it [0.9].", min=0, max=1)
]
NewTokens = Annotated[
    int | None, typer.Option("--max-new-tokens", help="Of an answer [the task's].", min=1)
]
PromptTokens = Annotated[
    int | None,
    typer.Option("--max-prompt-tokens", help="Whole shots go until it fits [4000].", min=16),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""

    @app.command()
    def generate(
        inputs: Annotated[Path, typer.Argument(help="inputs.jsonl")],
        icl: Annotated[Path, typer.Argument(help="icl.jsonl")],
        out: OutFile,
        task: TaskName,
        teacher: Teacher = "smollm2",
        shots: Annotated[
            int | None, typer.Option("--shots", help="Demonstrations a prompt [3].", min=0)
        ] = None,
        style: StyleName = None,
        icl_groups: Groups = None,
        temperature: Temperature = None,
        top_p: TopP = None,
        max_new_tokens: NewTokens = None,
        max_prompt_tokens: PromptTokens = None,
        tokenizer: TokenizerSpec = None,
        limit: First = None,
        seed: Annotated[int | None, typer.Option("--seed", help="[42]")] = None,
        config: ConfigFile = None,
        cache: Cache = True,
        overwrite: Overwrite = False,
        as_json: Json = False,
    ) -> None:
        """Let the teacher turn documents into labelled texts; a killed run goes on.

        Example: synthesizrr generate runs/inputs/inputs.jsonl runs/inputs/icl.jsonl --task ag_news
        --teacher vllm:meta-llama/Llama-2-13b-chat-hf --shots 3 --out generations.jsonl
        """
        from tenpapers.cli import load_config

        from ..inputs.task import load_task
        from ..inversion.teacher import GenerateConfig
        from ..records import IclRow, InputRow, read_rows

        chosen = load_task(task)
        labels = list(chosen.labels)
        rows = read_rows(inputs, InputRow, labels=labels, limit=limit)
        pool = read_rows(icl, IclRow, labels=labels)
        mode = "retricl" if any(row.context for row in pool) else "non-retricl"
        settings = load_config(
            GenerateConfig,
            config,
            mode=mode,
            shots=shots,
            style=style,
            icl_groups=icl_groups,
            temperature=temperature,
            top_p=top_p,
            max_new_tokens=max_new_tokens,
            max_prompt_tokens=max_prompt_tokens,
            seed=seed,
        )
        _run(teacher, tokenizer, cache, rows, pool, chosen, settings, out, overwrite, as_json)

    @app.command()
    def fewgen(
        seeds: Annotated[Path, typer.Argument(help="seeds.jsonl")],
        out: OutFile,
        task: TaskName,
        teacher: Teacher = "smollm2",
        method: Annotated[
            str,
            typer.Option(
                "--method", help="fewgen, simprompt, attrprompt, progen, sungen, s3, regen."
            ),
        ] = "fewgen",
        shots: Annotated[
            int | None, typer.Option("--shots", help="0 or 32 in the paper [32].", min=0)
        ] = None,
        n: Annotated[int, typer.Option("-n", "--per-label", help="Rows a label.", min=1)] = 3000,
        attributes: Annotated[
            Path | None, typer.Option("--attributes", help="attrprompt: values (YAML or JSON).")
        ] = None,
        rounds: Annotated[int, typer.Option("--rounds", help="progen, s3: rounds.", min=1)] = 2,
        student: Annotated[
            str, typer.Option("--student", help="progen, s3: the student of every round.")
        ] = "probe",
        emb: Annotated[
            Path | None, typer.Option("--emb", help="regen: folder of `corpus embed`.")
        ] = None,
        style: StyleName = None,
        icl_groups: Groups = None,
        temperature: Temperature = None,
        top_p: TopP = None,
        max_new_tokens: NewTokens = None,
        max_prompt_tokens: PromptTokens = None,
        tokenizer: TokenizerSpec = None,
        seed: Annotated[int | None, typer.Option("--seed", help="[42]")] = None,
        config: ConfigFile = None,
        cache: Cache = True,
        overwrite: Overwrite = False,
        as_json: Json = False,
    ) -> None:
        """The baselines without a corpus: FewGen, and small forms of earlier methods.

        Example: synthesizrr fewgen seeds.jsonl --task ag_news --shots 32 -n 100 --out few.jsonl
        """
        from tenpapers.cli import load_config

        from ..baselines.run import BaselineRun, generate_baseline
        from ..inputs.task import load_task
        from ..inversion.teacher import GenerateConfig
        from ..records import Example, read_rows

        chosen = load_task(task)
        rows = read_rows(seeds, Example, labels=list(chosen.labels))
        settings = load_config(
            GenerateConfig,
            config,
            mode="fewgen",
            shots=32 if shots is None else shots,
            style=style,
            icl_groups=icl_groups,
            temperature=temperature,
            top_p=top_p,
            max_new_tokens=max_new_tokens,
            max_prompt_tokens=max_prompt_tokens,
            seed=seed,
        )
        if method == "regen":
            _regen(chosen, emb, n, rounds, student, settings.seed, fresh(out, overwrite), as_json)
            return
        if overwrite:
            out.unlink(missing_ok=True)
        with _open(teacher, cache) as engine:
            run = BaselineRun(
                chosen,
                rows,
                engine,
                settings,
                out,
                _tokenizer(tokenizer, teacher),
                per_label=n,
                rounds=rounds,
                student=student,
            )
            counts = generate_baseline(method, run, attributes)
        say(counts, as_json, f"{counts}\n-> {out}")

    @app.command()
    def parse(
        generations: Annotated[Path, typer.Argument(help="generations.jsonl")],
        out: OutFile,
        task: TaskName,
        multi: Annotated[
            bool, typer.Option("--multi", help="Keep further texts of a generation.")
        ] = False,
        fewgen: Annotated[
            bool, typer.Option("--fewgen", help="Of FewGen: nothing counts as a refusal.")
        ] = False,
        deduplicate: Annotated[
            bool, typer.Option("--deduplicate/--keep-duplicates", help="Each text once a label.")
        ] = True,
        dataset: Annotated[
            Path | None, typer.Option("--dataset", help="Also write a `datasets` folder there.")
        ] = None,
        overwrite: Overwrite = False,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Turn generations into labelled texts; refusals and empty ones are counted.

        Example: synthesizrr parse generations.jsonl --task ag_news --out synthetic.jsonl
        """
        from dataclasses import asdict

        from tenpapers.records import write_jsonl

        from ..inputs.task import load_task
        from ..inversion.parse import parse as parse_all
        from ..records import Generation, read_rows
        from ..study.dataset_card import write_dataset

        chosen = load_task(task)
        rows = read_rows(generations, Generation, labels=list(chosen.labels))
        texts, report = parse_all(rows, chosen, multi=multi, fewgen=fewgen, deduplicate=deduplicate)
        write_jsonl(fresh(out, overwrite), texts)
        if dataset is not None:
            facts = {
                "teacher": rows[0].model,
                "shots": rows[0].shots_used,
                "temperature": rows[0].temperature,
                "top_p": rows[0].top_p,
                "parsed": asdict(report),
            }
            write_dataset(dataset, texts, chosen, facts=facts)
        say(
            asdict(report) | report.rates,
            as_json,
            f"{report.texts} texts of "
            f"{report.generations} generations; {report.refused} refused, {report.empty} empty, "
            f"{report.duplicate} repeated\n-> {out}",
        )

    @app.command("filter")
    def filter_command(
        synth: Annotated[Path, typer.Argument(help="synthetic.jsonl")],
        out: Annotated[
            Path,
            typer.Option("--out", help="Folder for synthetic.filtered.jsonl, cartography.jsonl."),
        ],
        keep: Annotated[
            float | None, typer.Option("--keep", help="Share of the most confident rows [0.83].")
        ] = None,
        filters: Annotated[
            list[str] | None,
            typer.Option(
                "--filter",
                help="VALUE:top=S, :bottom=S or :LOW..HIGH; VALUE is confidence, variability or "
                "correctness.",
            ),
        ] = None,
        scope: Annotated[
            str, typer.Option("--scope", help="A share acts within each label, or overall.")
        ] = "label",
        student: Annotated[
            str, typer.Option("--student", help="Recipe of the student of the map.")
        ] = "distilbert",
        epochs: Annotated[int, typer.Option("--epochs", help="Recorded epochs.", min=1)] = 6,
        read: Annotated[
            str, typer.Option("--read", help="The student reads text or context.")
        ] = "text",
        target: Annotated[
            Path | None, typer.Option("--target", help="Gold rows whose label mix is drawn.")
        ] = None,
        n: Annotated[
            int | None, typer.Option("-n", help="Rows drawn with --target.", min=1)
        ] = None,
        seed: Seed = 42,
        overwrite: Overwrite = False,
        config: Defaults = None,
        as_json: Json = False,
    ) -> None:
        """Dataset cartography: keep what a student is confident of.

        Example: synthesizrr filter synthetic.jsonl --keep 0.83 --student minilm --out runs/filter
        """
        from tenpapers.records import write_jsonl

        from ..filtering.cartography import KEEP, Filter
        from ..filtering.filter import filter_rows, final_sample, parse_filter
        from ..records import Synthetic, TextRow, read_rows
        from ..scoring.label_mix import shares
        from ..students.classifiers import student_spec

        rows = read_rows(synth, Synthetic)
        chosen = [parse_filter(text, scope) for text in filters or []]
        if keep is not None or not chosen:
            chosen.append(Filter("confidence", top=keep or KEEP, scope=scope))  # type: ignore[arg-type]
        path = fresh(out / "synthetic.filtered.jsonl", overwrite)
        spec = student_spec(student)
        found = filter_rows(rows, spec, chosen, epochs=epochs, read=read, seed=seed)
        kept = found.rows
        if target is not None:
            mix = shares([str(row.label) for row in read_rows(target, TextRow)])
            kept = final_sample(kept, mix, n, seed=seed)
        write_jsonl(out / "cartography.jsonl", found.table)
        write_jsonl(path, kept)
        counts = {"rows": len(rows), "kept": len(kept)}
        say(counts, as_json, f"{len(kept)} of {len(rows)} rows\n-> {path}")


def _open(teacher: str, cache: bool) -> Any:
    from tenpapers.generation import open_generator

    return open_generator(teacher, cache=cache)


def _tokenizer(named: str | None, teacher: str) -> Any:
    from ..inversion.teacher import load_tokenizer

    return load_tokenizer(named or teacher)


def _regen(
    task: Any,
    emb: Path | None,
    top: int,
    rounds: int,
    student: str,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    from tenpapers.embedding import EmbeddingShards
    from tenpapers.errors import UserError
    from tenpapers.records import write_jsonl

    from ..baselines.regen import regen
    from ..sourcing.retrievers import embedded_corpus

    if emb is None:
        raise UserError("regen takes texts from a corpus", "pass --emb EMB")
    rows = regen(
        task,
        EmbeddingShards(emb),
        embedded_corpus(emb),
        top=top,
        rounds=rounds,
        student=student,
        seed=seed,
    )
    count = write_jsonl(out, rows)
    say({"texts": count}, as_json, f"{count} texts (no need to parse them)\n-> {out}")


def _run(
    teacher: str,
    tokenizer: str | None,
    cache: bool,
    rows: Any,
    pool: Any,
    task: Any,
    settings: Any,
    out: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    from ..inversion.teacher import generate

    if overwrite:
        out.unlink(missing_ok=True)
    with _open(teacher, cache) as engine:
        counts = generate(
            rows, pool, task, engine, settings, out, tokenizer=_tokenizer(tokenizer, teacher)
        )
    say(
        counts,
        as_json,
        f"{counts['asked']} asked, {counts['done_before']} done before, "
        f"{counts['failed']} failed; {100 * counts['shared_prompt_share']:.0f} % of the prompt "
        f"tokens are shared\n-> {out}",
    )
