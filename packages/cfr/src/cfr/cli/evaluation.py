"""Commands that compare a file with its references: cfr evaluate ..."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from tenpapers.cli import Cache, Json, PromptsFolder, Seed, say
from tenpapers.report import Table

from ..equivalence.answer_scores import JUDGE_TOKENS, ScorerModel, ScorerTokens
from ..scoring.labels import LabelsName

app = typer.Typer(
    help="Compare predictions with references."
    "\n\nExample: cfr evaluate retrieval --pred ranked.jsonl --ref labels.jsonl",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Pred = Annotated[Path, typer.Option("--pred", help="What is scored.")]
Ref = Annotated[Path, typer.Option("--ref", help="What is right.")]
Ks = Annotated[list[int], typer.Option("--at", help="Cut a ranking here; may be repeated.", min=1)]
WordNet = Annotated[
    Path | None,
    typer.Option("--wordnet", help="Folder of WordNet's files; default: where it is installed."),
]
FixStems = Annotated[
    bool,
    typer.Option("--meteor-fix-stems", help="Look for synonyms of words, not of stems as NLTK."),
]
Tokenizer = Annotated[
    Literal["NLTKWordTokenizer", "word_tokenize"],
    typer.Option("--tokenizer", help="word_tokenize cuts sentences first (NLTK's punkt data)."),
]


@app.command()
def retrieval(
    pred: Pred,
    ref: Ref,
    at: Ks = [1, 5, 10],  # noqa: B006
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Rankings against labels: MRR, hit@k, recall@k, nDCG@k over queries with a relevant passage.

    Example: cfr evaluate retrieval --pred ranked.jsonl --ref labels.jsonl --json
    """
    from ..inputs.files import read_labels, read_ranked
    from ..scoring.rankings import judged, metrics_by_query, retrieval_metrics, with_intervals

    ranked, labels = read_ranked(pred), judged(read_labels(ref))
    if as_json:
        tell("Retrieval", retrieval_metrics(ranked, labels, at), as_json)
        return
    found, skipped = metrics_by_query(ranked, labels, at)
    rows: list[list[str | float]] = [
        [name, mean, ends.low, ends.high]
        for name, (mean, ends) in with_intervals(found, seed=seed).items()
    ]
    note = f"{len(found)} queries; {skipped} without a relevant passage are left out."
    columns = ["", "mean", "95 % from", "to (over claims)"]
    say(None, False, Table("Retrieval", columns, rows, note))
    if not found:
        raise typer.Exit(3)


@app.command("top-documents")
def top_documents(
    pred: Pred,
    ref: Ref,
    k: Annotated[int, typer.Option("--k", help="Mean over the first k.", min=1)] = 1,
    as_json: Json = False,
) -> None:
    """Share of first passages that a teacher graded 2 (labels of cfr signals distill).

    Example: cfr evaluate top-documents --pred ranked.jsonl --ref distill.jsonl
    """
    from ..inputs.files import read_labels, read_ranked
    from ..scoring.rankings import judged, top_relevance

    tell("Top documents", top_relevance(read_ranked(pred), judged(read_labels(ref)), k), as_json)


@app.command()
def fever(
    pred: Pred,
    ref: Ref,
    passages: Annotated[
        Path | None,
        typer.Option("--passages", help="Passages with titles; default: pids are pages' titles."),
    ] = None,
    at: Ks = [1, 5, 10],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Claims of FEVER of which the first k pages hold a whole evidence set.

    Example: cfr evaluate fever --pred ranked.jsonl --ref shared_task_dev.jsonl
    """
    from ..inputs.fever import page_title
    from ..inputs.files import read_passages, read_ranked
    from ..scoring.evidence_recall import evidence_recall
    from ..scoring.rankings import pids_of
    from ..scoring.references import read_page_sets

    titles = {one.pid: one.title for one in read_passages(passages)} if passages else {}
    rankings = {
        qid: list(dict.fromkeys(page_title(titles.get(pid, pid)) for pid in pids))
        for qid, pids in pids_of(read_ranked(pred)).items()
    }
    tell("FEVER", evidence_recall(rankings, read_page_sets(ref), at), as_json)


@app.command()
def hotpotqa(
    pred: Pred,
    ref: Ref,
    at: Ks = [2, 5, 10],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Of each question's two gold paragraphs: how many, and how often both, are in the first k.

    Example: cfr evaluate hotpotqa --pred ranked.jsonl --ref hotpot_dev_distractor_v1.json
    """
    from ..inputs.files import read_ranked
    from ..scoring.evidence_recall import paragraphs_found
    from ..scoring.rankings import pids_of
    from ..scoring.references import read_gold_paragraphs

    gold = read_gold_paragraphs(ref)
    tell("HotpotQA", paragraphs_found(pids_of(read_ranked(pred)), gold, at), as_json)


@app.command()
def answers(
    pred: Pred,
    ref: Ref,
    scorer: Annotated[
        str,
        typer.Option(
            "--scorer",
            help="Beside exact match and token F1: meteor, lerc, embed, none, or a model that "
            "grades: smollm2, hf:ID, ...",
        ),
    ] = "meteor",
    model: ScorerModel = "",
    tokens: ScorerTokens = JUDGE_TOKENS,
    candidates: Annotated[
        Path | None, typer.Option("--candidates", help="Texts of what was read, for LERC.")
    ] = None,
    wordnet: WordNet = None,
    fix_stems: FixStems = False,
    prompts: PromptsFolder = None,
    cache: Cache = True,
    as_json: Json = False,
) -> None:
    """Answers against people's: exact match, token F1, and a scorer; no answer scores 0.

    Example: cfr evaluate answers --pred answers.jsonl --ref claims.jsonl
    """
    from tenpapers.records import read_jsonl

    from ..equivalence.answer_scores import open_scorer
    from ..equivalence.evaluate_answers import contexts_of, evaluate_answers
    from ..inputs.claims import read_asked
    from ..records import ReadAnswer

    given, asked = read_jsonl(pred, ReadAnswer), read_asked(ref)
    contexts = contexts_of(given, candidates)
    with ExitStack() as opened:
        scorers = []
        if scorer != "none":
            one = open_scorer(
                scorer,
                model=model,
                wordnet=wordnet,
                fix_stems=fix_stems,
                prompts=prompts,
                max_new_tokens=tokens,
                cache=cache,
                progress="judge",
            )
            scorers = [opened.enter_context(one)]
        values = evaluate_answers(given, asked, scorers, contexts=contexts)
    tell("Answers", values, as_json)


@app.command()
def veracity(
    pred: Pred,
    ref: Ref,
    labels: Annotated[
        LabelsName, typer.Option("--labels", help="The data set whose labels count.")
    ] = "averitec",
    as_json: Json = False,
) -> None:
    """Verdicts against labels: accuracy, F1 of each label, replies without a label.

    Example: cfr evaluate veracity --pred verdicts.jsonl --ref claims.jsonl
    """
    from ..scoring.labels import LABEL_SETS
    from ..scoring.references import read_labelled, read_verdicts
    from ..scoring.veracity import veracity

    verdicts = read_verdicts(pred)
    tell("Veracity", veracity(verdicts, read_labelled(ref, labels), LABEL_SETS[labels]), as_json)


@app.command()
def averitec(
    pred: Pred,
    ref: Ref,
    wordnet: WordNet = None,
    fix_stems: FixStems = False,
    tokenizer: Tokenizer = "NLTKWordTokenizer",
    as_json: Json = False,
) -> None:
    """Verdicts and their evidence as AVeriTeC's shared task scores them.

    Example: cfr evaluate averitec --pred verdicts.jsonl --ref dev.json
    """
    from ..inputs.claims import read_claims
    from ..scoring.averitec import averitec
    from ..scoring.meteor import open_meteor
    from ..scoring.references import read_verdicts

    meteor = open_meteor(wordnet, fix_stems=fix_stems, tokenizer=tokenizer)
    tell("AVeriTeC", averitec(read_verdicts(pred), read_claims(ref), meteor), as_json)


def tell(title: str, values: dict[str, Any], as_json: bool) -> None:
    """Print values; what is not a number is null, and ends the command with exit code 3.

    Raises
    ------
    typer.Exit : nothing was there to be counted.
    """
    flat = {
        f"{name}, {inner}" if isinstance(value, dict) else name: one
        for name, value in values.items()
        for inner, one in (value.items() if isinstance(value, dict) else [("", value)])
    }
    undefined = any(isinstance(one, float) and math.isnan(one) for one in flat.values())
    known = {name: _known(value) for name, value in values.items()}
    say(known, as_json, Table(title, ["", "value"], [[name, one] for name, one in flat.items()]))
    if undefined:
        raise typer.Exit(3)


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _known(one) for name, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
