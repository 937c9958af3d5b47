"""Self-BLEU against fast-bleu (C++) and NLTK, on the same tokens in one process.

Rows are AG News descriptions from ../shared/data where they are at hand, made-up news otherwise.
fast-bleu is built by a compiler: `uv sync --group bench`; without it that column stays empty.

    python benchmarks/self_bleu.py [--rows 2000,6039] [--nltk 200,400]
"""

import argparse
from collections.abc import Sequence

import numpy as np
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from synthesizrr.inputs.made_up_news import made_up_news
from synthesizrr.scoring.self_bleu import self_bleu
from synthesizrr.scoring.tokens import token_lists
from tenpapers import data
from tenpapers.records import read_json_lines
from timing import clock

N = 5
WEIGHTS = (1 / N,) * N


def texts(rows: int) -> list[str]:
    """AG News descriptions, or made-up ones."""
    folder = data.folder("synthesizrr")
    if folder is None:
        return [row["text"] for row in made_up_news(rows // 4 + 1)][:rows]
    found = [row["text"] for _, row in read_json_lines(folder / "ag_news.jsonl.gz")]
    return (found * (rows // len(found) + 1))[:rows]


def nltk_scores(documents: Sequence[Sequence[str]]) -> np.ndarray:
    """The textbook way."""
    smoothing = SmoothingFunction().method1
    return np.array(
        [
            sentence_bleu(
                [*documents[:i], *documents[i + 1 :]],
                one,
                weights=WEIGHTS,
                smoothing_function=smoothing,
            )
            for i, one in enumerate(documents)
        ]
    )


def against_nltk(documents: list[list[str]]) -> None:
    """One order by NLTK, all five by ours."""
    mine, ours = clock(lambda: self_bleu(documents, N).per_doc[:, N - 1])
    theirs, peer = clock(lambda: nltk_scores(documents))
    print(
        f"{len(documents)} rows: ours, all orders {ours:.3f} s; NLTK, order {N} {peer:.1f} s; "
        f"ratio {peer / ours:.0f}x; largest difference {np.abs(mine - theirs).max():.1e}"
    )


def against_fast_bleu(documents: list[list[str]]) -> None:
    """One order by fast-bleu, all five by ours."""
    mine, ours = clock(lambda: self_bleu(documents, N).per_doc[:, N - 1])
    try:
        from fast_bleu import SelfBLEU
    except ImportError:
        print(f"{len(documents)} rows: ours, all orders {ours:.3f} s; fast-bleu is not installed")
        return
    theirs, peer = clock(lambda: np.array(SelfBLEU(documents, {N: WEIGHTS}).get_score()[N]))
    print(
        f"{len(documents)} rows: ours, all orders {ours:.3f} s; fast-bleu, order {N} {peer:.2f} s; "
        f"ratio {peer / ours:.0f}x; largest difference {np.abs(mine - theirs).max():.1e}"
    )


def main() -> None:
    """Both peers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default="2000,6039,7600")
    parser.add_argument("--nltk", default="200,400")
    options = parser.parse_args()
    for rows in map(int, options.nltk.split(",")):
        against_nltk(token_lists(texts(rows)))
    for rows in map(int, options.rows.split(",")):
        against_fast_bleu(token_lists(texts(rows)))


if __name__ == "__main__":
    main()
