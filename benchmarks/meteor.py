"""METEOR against NLTK, over the pairs of AVeriTeC's scores, in one process.

Scores must be equal; times are of the processor.

NLTK cuts, stems and looks up both texts of every pair, as the shared task's script has it; beside
it NLTK with the words cut before. Synonyms come from the WordNet of this machine (the same reader
for both), from none where there is none. Pairs are those of the first claims of
../shared/data/cfr with a system's published evidence.

    python benchmarks/meteor.py [--claims 100] [--wordnet FOLDER]
"""

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from cfr.records import Claim, Verdict
from cfr.scoring.averitec import EVIDENCE, predicted_strings, reference_strings
from cfr.scoring.meteor import Meteor
from cfr.scoring.wordnet import Synonyms, Synset, find_wordnet
from nltk.tokenize import NLTKWordTokenizer
from nltk.translate.meteor_score import single_meteor_score
from tenpapers import data

CLAIMS, VERDICTS = "averitec_dev_0_399.jsonl.gz", "averitec_dev_predictions_8b_0_399.jsonl.gz"


def clock(run: Callable[[], list[float]]) -> tuple[list[float], float]:
    """Scores and the seconds of processor time that they took; others may keep the machine busy."""
    began = time.process_time()
    return run(), time.process_time() - began


class NoSynonyms:
    """What NLTK is given where there is no WordNet."""

    def synsets(self, word: str) -> list[Synset]:
        """None of any word."""
        return []


def pairs(folder: Path, claims: int) -> Iterator[tuple[str, str]]:
    """Every reference string of a claim with every predicted one."""
    verdicts = {row["claim_id"]: Verdict.model_validate(row) for row in rows(folder / VERDICTS)}
    for row in list(rows(folder / CLAIMS))[:claims]:
        claim = Claim.model_validate(row)
        evidence = verdicts[claim.claim_id].evidence[:EVIDENCE]
        for candidate in predicted_strings(evidence):
            for reference in reference_strings(claim):
                yield reference, candidate


def rows(file: Path) -> Iterator[dict]:
    """Rows of a packed file."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main() -> None:
    """Ours, NLTK as it is called, NLTK with words that were cut before."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--claims", type=int, default=100)
    parser.add_argument("--wordnet", type=Path)
    options = parser.parse_args()
    folder = data.folder("cfr")
    if folder is None:
        raise SystemExit("no data: `cfr data fetch` brings them")
    given = list(pairs(folder, options.claims))
    found = find_wordnet(options.wordnet)
    synonyms: Synonyms = found or NoSynonyms()
    synonyms.synsets("word")  # its files are read before the clock runs
    cut = NLTKWordTokenizer().tokenize

    meteor = Meteor(found)
    meteor.score("a", "b")  # NLTK's modules are loaded for both
    ours, mine = clock(lambda: [meteor.score(*pair) for pair in given])
    warm, again = clock(lambda: [meteor.score(*pair) for pair in given])
    theirs, peer = clock(
        lambda: [single_meteor_score(cut(r), cut(c), wordnet=synonyms) for r, c in given]
    )
    words = {text: cut(text) for pair in given for text in pair}
    _, half = clock(
        lambda: [single_meteor_score(words[r], words[c], wordnet=synonyms) for r, c in given]
    )
    apart = float(np.abs(np.array(ours) - np.array(theirs)).max())
    print(
        f"{meteor.name}, {len(given)} pairs of {options.claims} claims: ours {mine:.2f} s "
        f"(every text seen before: {again:.2f} s); NLTK {peer:.2f} s, with words cut before "
        f"{half:.2f} s; ratio {peer / mine:.0f}x, {half / mine:.0f}x; "
        f"largest difference {apart:.1e}"
    )
    assert ours == warm and apart < 1e-12


if __name__ == "__main__":
    main()
