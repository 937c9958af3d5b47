"""Word edits against the table that is filled cell by cell, which the paper's code does.

Same pairs of 200 words in one process, the results held against each other; prints seconds and the
ratios, for the distance alone and for the kinds of edits.

    python benchmarks/edits.py [--pairs 40] [--words 200]
"""

import argparse
import random

from dcr import EditOps, edit_ops
from dcr.scoring.edits import edit_distance
from timing import clock


def made_up_pairs(count: int, words: int) -> list[tuple[str, str]]:
    """Texts and what became of them: one word in ten changed, dropped or added."""
    draw = random.Random(0)
    pairs = []
    for _ in range(count):
        before = [f"word{draw.randrange(400)}" for _ in range(words)]
        after = []
        for word in before:
            chance = draw.random()
            if chance < 0.04:
                after.append(f"new{draw.randrange(50)}")
            elif chance < 0.07:
                after += [word, "added"]
            elif chance > 0.03 + 0.07:
                after.append(word)
        pairs.append((" ".join(before), " ".join(after)))
    return pairs


def by_table(a: str, b: str) -> EditOps:
    """The full table in plain Python, and the canonical way back through it."""
    first, second = a.split(), b.split()
    table = [[i + j for j in range(len(second) + 1)] for i in range(len(first) + 1)]
    for i, x in enumerate(first, 1):
        for j, y in enumerate(second, 1):
            best = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (x != y))
            table[i][j] = best
    adds = deletes = subs = 0
    i, j = len(first), len(second)
    while i or j:
        if i and table[i][j] == table[i - 1][j] + 1:
            deletes, i = deletes + 1, i - 1
        elif j and table[i][j] == table[i][j - 1] + 1:
            adds, j = adds + 1, j - 1
        else:
            i, j = i - 1, j - 1
            subs += first[i] != second[j]
    return EditOps(table[-1][-1], adds, deletes, subs, len(first), len(second))


def main() -> None:
    """Time the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--words", type=int, default=200)
    arguments = parser.parse_args()
    pairs = made_up_pairs(arguments.pairs, arguments.words)
    edit_distance("warm", "up")
    distances, quick = clock(lambda: [edit_distance(a, b) for a, b in pairs])
    kinds, seconds = clock(lambda: [edit_ops(a, b) for a, b in pairs])
    peers, peer = clock(lambda: [by_table(a, b) for a, b in pairs])
    assert kinds == peers and distances == [ops.edits for ops in peers]
    print(
        f"{len(pairs)} pairs of about {arguments.words} words: table {peer:.3f} s; distance "
        f"{quick:.4f} s, ratio {peer / quick:.0f}x; kinds of edits {seconds:.4f} s, ratio "
        f"{peer / seconds:.0f}x; all equal"
    )


if __name__ == "__main__":
    main()
