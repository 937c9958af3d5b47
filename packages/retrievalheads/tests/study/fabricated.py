"""Runs, knockouts and patches with the numbers that a test wants."""

from retrievalheads.study.runs import StudyRun

VARIANTS = [
    ("hh", 0.5, 8, 0.8),
    ("hl", 0.4, 6, 0.6),
    ("lh", 0.3, 5, 0.5),
    ("ll", 0.2, 4, 0.4),
    ("symbolic", 0.1, 2, 0.2),
]


def run(name, f1, count, recall, precision=1.0, seed=0):
    draw = [1.0] * round(f1 * 100) + [0.0] * (100 - round(f1 * 100))
    return StudyRun(
        name=name,
        task="t",
        model="m",
        seed=seed,
        n_train=9,
        n_test=100,
        f1=f1,
        per_example=draw,
        n_heads=40,
        count=count,
        count_both=round(count * precision),
        count_over_0=count,
        recall=recall,
        shared=recall,
        precision=precision,
        jaccard=recall,
        cosine=recall,
    )


def fabricated(real=0.9, seeds=1):
    """A study in which every claim about trained adapters holds, in each of the seeds."""
    return [
        made
        for seed in range(seeds)
        for made in (
            *(run(*variant, seed=seed) for variant in VARIANTS),
            run("real-full", real, 10, 1.0, seed=seed),
        )
    ]


def knocked(top, random, sets=5):
    """Twenty prompts: k = 0 at 0.9, the top ten off, random tens off; a value is one set's."""

    def row(arm, k, value, seed=0):
        return {
            "arm": arm,
            "k": k,
            "seed": seed,
            "heads": [],
            "f1": value,
            "accuracy": value,
            "per_example_f1": [value] * 20,
            "per_example_accuracy": [value] * 20,
        }

    drawn = random if isinstance(random, list) else [random] * sets
    controls = [row("random", 10, value, seed) for seed, value in enumerate(drawn)]
    return [row("top", 0, 0.9), row("top", 10, top), *controls]


def patched(inter, random, original=0.3, seed=0):
    def arm(value):
        return {"f1": value, "delta": value - original, "n_heads": 3, "per_example": [value] * 20}

    return [
        {
            "name": n,
            "task": "t",
            "seed": seed,
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
