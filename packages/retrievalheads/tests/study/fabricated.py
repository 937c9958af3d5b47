"""Runs, knockouts and patches with the numbers that a test wants."""

from retrievalheads.study.verdicts import StudyRun


def run(name, f1, count, recall, precision=1.0, both=None):
    draw = [1.0] * round(f1 * 100) + [0.0] * (100 - round(f1 * 100))
    return StudyRun(
        name=name,
        task="t",
        model="m",
        n_train=9,
        n_test=100,
        f1=f1,
        per_example=draw,
        count=count,
        count_both=both or count,
        count_over_0=count,
        recall=recall,
        precision=precision,
        jaccard=recall,
        cosine=recall,
    )


def fabricated(real=0.9):
    rows = [
        run(n, f, c, r)
        for n, f, c, r in [
            ("hh", 0.5, 8, 0.8),
            ("hl", 0.4, 6, 0.6),
            ("lh", 0.3, 5, 0.5),
            ("ll", 0.2, 4, 0.4),
            ("symbolic", 0.1, 2, 0.2),
        ]
    ]
    return [*rows, run("real-full", real, 10, 1.0)]


def knocked(top, random):
    def row(arm, k, value):
        return {
            "arm": arm,
            "k": k,
            "seed": 0,
            "heads": [],
            "f1": value,
            "accuracy": value,
            "per_example_f1": [value] * 20,
            "per_example_accuracy": [value] * 20,
        }

    return [row("top", 0, 0.9), row("top", 10, top), row("random", 10, random)]


def patched(inter, random, original=0.3):
    def arm(value):
        return {"f1": value, "delta": value - original, "n_heads": 3, "per_example": [value] * 20}

    return [
        {
            "name": n,
            "n": 20,
            "arms": {
                "original": arm(original),
                "complement": arm(original),
                "intersection": arm(inter),
                "random": arm(random),
            },
        }
        for n in ("hh", "hl")
    ]
