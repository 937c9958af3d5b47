"""From prompts to a training set: generate, fewgen, parse, filter."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Json, OutFile, Overwrite, Wait, say, stop_on_failures
from tenpapers.settings import options

from ..baselines.baseline_run import BaselineSettings
from ..filtering.filter import FilterSettings
from ..inversion.planning import GenerateConfig
from ..study.file_stages import TASK, ParseFileSettings

app = typer.Typer()

TaskName = Annotated[str, TASK]
Teacher = Annotated[
    str, typer.Option("--teacher", "--model", help="Model spec: smollm2, hf:ID, vllm:ID, openai:..")
]
TokenizerSpec = Annotated[str | None, typer.Option(help="Counts tokens [the teacher's].")]


@app.command()
@options(GenerateConfig)
def generate(
    inputs: Annotated[Path, typer.Argument(help="inputs.jsonl")],
    icl: Annotated[Path, typer.Argument(help="icl.jsonl")],
    settings: GenerateConfig,
    out: OutFile,
    task: TaskName,
    teacher: Teacher = "smollm2",
    tokenizer: TokenizerSpec = None,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", help="Only the first N rows.", min=1)
    ] = None,
    cache: Cache = True,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Let the teacher turn documents into labelled texts; a killed run goes on.

    Example: synthesizrr generate runs/inputs/inputs.jsonl runs/inputs/icl.jsonl --task ag_news
    --teacher vllm:meta-llama/Llama-2-13b-chat-hf --shots 3 --out generations.jsonl
    """
    from ..inversion.teacher import requests_in, told
    from ..study.model_stages import TeacherChoice, generate_file

    chosen = TeacherChoice(teacher, tokenizer, cache)
    counts = generate_file(
        (inputs, icl), task, chosen, settings, out, limit=limit, overwrite=overwrite, wait=wait
    )
    shared = f"{100 * counts['shared_prompt_share']:.0f} % of the prompt tokens are shared"
    text = f"{told(counts)}\n{shared}\n-> {out}"
    say(counts, as_json, text)
    stop_on_failures(*requests_in(counts))


@app.command()
@options(BaselineSettings)
def fewgen(
    seeds: Annotated[Path, typer.Argument(help="seeds.jsonl")],
    settings: BaselineSettings,
    out: OutFile,
    task: TaskName,
    teacher: Teacher = "smollm2",
    tokenizer: TokenizerSpec = None,
    cache: Cache = True,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """The baselines without a corpus: FewGen, and small forms of earlier methods.

    Example: synthesizrr fewgen seeds.jsonl --task ag_news --shots 32 -n 100 --out few.jsonl
    """
    from ..inversion.teacher import requests_in, told_rounds
    from ..study.model_stages import TeacherChoice, baseline_file

    chosen = TeacherChoice(teacher, tokenizer, cache)
    counts = baseline_file(seeds, task, chosen, settings, out, overwrite=overwrite, wait=wait)
    text = f"{told_rounds(counts)}\n-> {out}"
    if settings.method == "regen":
        text = f"{counts['texts']} texts (no need to parse them)\n-> {out}"
    say(counts, as_json, text)
    stop_on_failures(*requests_in(counts))


@app.command()
@options(ParseFileSettings)
def parse(
    generations: Annotated[Path, typer.Argument(help="generations.jsonl")],
    settings: ParseFileSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Turn generations into labelled texts; refusals and empty ones are counted.

    Example: synthesizrr parse generations.jsonl --task ag_news --out synthetic.jsonl
    """
    from tenpapers.journal import Journal, key_of

    from ..study.file_stages import parse_file
    from ..study.model_stages import task_file

    key = key_of("synthesizrr parse", settings)
    inputs = [generations, task_file(settings.task)]
    with Journal.of_file(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        report = parse_file(generations, settings, journal.file(out.name))
    say(asdict(report) | report.rates, as_json, f"{report.sentence()}\n-> {out}")


@app.command("filter")
@options(FilterSettings)
def filter_rows(
    synth: Annotated[Path, typer.Argument(help="synthetic.jsonl")],
    settings: FilterSettings,
    out: Annotated[
        Path, typer.Option(help="Folder for synthetic.filtered.jsonl, cartography.jsonl.")
    ],
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Dataset cartography: keep what a student is confident of.

    Example: synthesizrr filter synthetic.jsonl --keep 0.83 --student minilm --out runs/filter
    """
    from tenpapers.journal import Journal, files_of, key_of

    from ..students.identity import known_student
    from ..study.file_stages import filter_file

    key = key_of("synthesizrr filter", settings, student=known_student(settings.student))
    file, inputs = out / "synthetic.filtered.jsonl", [synth, *files_of(settings)]
    with Journal.of_file(file, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        counts = filter_file(synth, settings, journal)
    text = f"{counts['kept']} of {counts['rows']} rows\n-> {out / 'synthetic.filtered.jsonl'}"
    say(counts, as_json, text)
