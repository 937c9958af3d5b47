"""LoFiT's training steps and its multiple-choice scorer against their peers; same as `lofit bench`.

Peers: a per-head loop as in the released code, peft LoRA and IA3, one forward an answer.

    python benchmarks/head_edits.py [--repetitions 5] [--questions 3] [--threads 1]
"""

import argparse

from lofit.speed.bench import run_benchmarks


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--questions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    run_benchmarks(
        repetitions=options.repetitions, questions=options.questions, threads=options.threads
    )


if __name__ == "__main__":
    main()
