"""Word bags against nltk's, ROUGE-L against rouge-score, BERTScore against bert-score.

Same texts in one process, the results held against each other; prints seconds and the ratio. The
texts are the recorded outputs of overton's paper where they are here, else made-up ones. A peer
that is not installed is named and left out.

    python benchmarks/response_similarity.py [--data FOLDER] [--questions 4] [--pairs 200]
"""

import argparse
import random
from functools import partial
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np
from nltk.tokenize import NLTKWordTokenizer
from overton import bertscore_pairs, jaccard_matrix, load_samples, rouge_l
from overton.embedding.bertscore import TokenEncoder
from overton.scoring.overlap import mean_pair
from overton.scoring.tokens import content, nltk_tokens, rouge_tokens, simple_tokens
from tenpapers import data
from tenpapers.models import embedded_path
from timing import clock

Texts = list[list[str]]
REFERENCES = ("llama-2-chat", "gpt-3.5-turbo", "mistral-instruct")
ALTERNATIVES = ("llama-2-base", "llama-2-icl", "mistral-icl-chat-summary")


def texts_of(folder: Path | None) -> dict[str, Texts]:
    """Samples of each model by question: recorded, or made up."""
    names = (*REFERENCES, *ALTERNATIVES)
    if folder is not None:
        files = {name: folder / "LIMA-OE" / "outputs" / f"{name}.jsonl.gz" for name in names}
        return {name: list(load_samples(file).usable()) for name, file in files.items()}
    draw = random.Random(0)
    words = [f"word{i}" for i in range(2000)]

    def text() -> str:
        return " ".join(draw.choices(words, [1 / (i + 1) for i in range(2000)], k=300))

    return {name: [[text() for _ in range(5)] for _ in range(35)] for name in names}


def bags(samples: Texts) -> None:
    """Mean Jaccard similarity of a question's answers, by content words.

    The paper's own code cuts with Punkt and Treebank, behind a cache that is smaller than a run:
    every pair cuts its two texts again. Both that and cutting each text once are timed.
    """
    punkt = find_spec("punkt") is not None
    cut = nltk_tokens if punkt else NLTKWordTokenizer().tokenize
    name = "nltk's Punkt and Treebank" if punkt else "nltk's Treebank (no Punkt: not installed)"

    def bag(text: str) -> set[str]:
        return set(content(cut(text), "nltk"))

    def own(text: str) -> set[str]:
        return set(content(simple_tokens(text)))

    mine, seconds = clock(
        lambda: [mean_pair(jaccard_matrix([own(text) for text in texts])) for texts in samples]
    )
    by_sets, _ = clock(lambda: [_by_sets([own(text) for text in texts]) for texts in samples])
    _, once = clock(lambda: [_by_sets([bag(text) for text in texts]) for texts in samples])
    _, again = clock(
        lambda: [
            [_by_sets([bag(a), bag(b)]) for a, b in combinations(texts, 2)] for texts in samples
        ]
    )
    print(
        f"word bags of {sum(map(len, samples))} answers: ours {seconds:.3f} s; {name}, each text "
        f"once {once:.2f} s, ratio {once / seconds:.0f}x; as the paper's code, once a pair "
        f"{again:.2f} s, ratio {again / seconds:.0f}x; our matrix against sets: largest difference "
        f"{np.abs(np.array(mine) - by_sets).max():.1e}"
    )


def _by_sets(bags: list[set[str]]) -> float:
    return float(np.mean([len(a & b) / len(a | b) for a, b in combinations(bags, 2)]))


def rouge(models: dict[str, Texts], count: int) -> None:
    """F of ROUGE-L of `count` pairs."""
    if find_spec("rouge_score") is None:
        print("ROUGE-L: rouge-score is not installed")
        return
    from rouge_score.rouge_scorer import RougeScorer

    pairs = [
        (reference[0], text)
        for name in ALTERNATIVES
        for reference, texts in zip(models[REFERENCES[0]], models[name], strict=False)
        for text in texts
    ][:count]
    scorer = RougeScorer(["rougeL"])
    mine, seconds = clock(lambda: [rouge_l(rouge_tokens(a), rouge_tokens(b))[2] for a, b in pairs])
    peers, peer = clock(lambda: [scorer.score(a, b)["rougeL"].fmeasure for a, b in pairs])
    print(
        f"ROUGE-L of {len(pairs)} pairs: ours {seconds:.3f} s, rouge-score {peer:.2f} s; ratio "
        f"{peer / seconds:.0f}x; all the same bits: {mine == peers}"
    )


def bertscore(models: dict[str, Texts], questions: int) -> None:
    """All references against all alternatives; bert-score is called once a pair of models."""
    if find_spec("bert_score") is None:
        print("BERTScore: bert-score is not installed")
        return
    from bert_score import BERTScorer

    jobs = [
        [
            (reference[0], text)
            for reference, texts in zip(models[a][:questions], models[b][:questions], strict=True)
            for text in texts
        ]
        for a in REFERENCES
        for b in ALTERNATIVES
    ]
    pairs = [pair for job in jobs for pair in job]
    encoder = TokenEncoder.load("minilm")
    peer = BERTScorer(model_type=str(embedded_path("minilm")), num_layers=6, batch_size=32)
    peer.score(["warm"], ["warm"])
    encoder.encode(["warm"])
    mine, seconds = clock(
        lambda: bertscore_pairs([text for _, text in pairs], [ref for ref, _ in pairs], encoder)
    )
    scored, theirs = clock(lambda: [_scored(peer, job) for job in jobs])
    difference = float(np.abs(mine - np.concatenate(scored)).max())
    print(
        f"BERTScore of {len(pairs)} pairs in {len(jobs)} files: ours {seconds:.1f} s, bert-score "
        f"{theirs:.1f} s; ratio {theirs / seconds:.1f}x; largest difference {difference:.1e}"
    )


def _scored(peer: object, job: list[tuple[str, str]]) -> np.ndarray:
    score = partial(peer.score)  # type: ignore[attr-defined]
    found = score([text for _, text in job], [ref for ref, _ in job])
    return np.stack([part.numpy() for part in found], axis=1)


def main() -> None:
    """Run the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--questions", type=int, default=4, help="of BERTScore")
    parser.add_argument("--pairs", type=int, default=200, help="of ROUGE-L")
    arguments = parser.parse_args()
    models = texts_of(arguments.data or data.folder("overton"))
    bags(models["llama-2-chat"])
    rouge(models, arguments.pairs)
    bertscore(models, arguments.questions)


if __name__ == "__main__":
    main()
