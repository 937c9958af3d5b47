"""Critiques of all sentences of a few responses: together, by document, and one prompt at a time.

The sentence stands last in the prompt, so the sentences of a response share all before it. Peer:
the paper's way, one prompt at a time through the same model. Prints seconds and generated tokens a
second; texts are compared with those of the peer.

    python benchmarks/dcr_critique.py [--documents 2] [--sentences 3] [--words 120] [--tokens 8]
"""

import argparse
import random

from dcr.critique.critic import CriticOptions, CritiqueRequest
from dcr.critique.language_model import LanguageModel
from dcr.critique.model_critic import ModelCritic
from dcr.records import Instance
from timing import clock

WORDS = ["river", "stone", "window", "garden", "yellow", "quiet", "train", "market", "letter"]


def main() -> None:
    """Time the three ways, after a warm-up."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=2)
    parser.add_argument("--sentences", type=int, default=3)
    parser.add_argument("--words", type=int, default=120)
    parser.add_argument("--tokens", type=int, default=8)
    given = parser.parse_args()
    draw = random.Random(0)

    def sentence(words: int) -> str:
        return " ".join(draw.choices(WORDS, k=words)).capitalize() + "."

    groups = []
    for number in range(given.documents):
        said = [sentence(draw.randint(6, 14)) for _ in range(given.sentences)]
        document = " ".join(sentence(10) for _ in range(given.words // 10))
        instance = Instance(id=str(number), document=document, response=" ".join(said))
        groups.append([CritiqueRequest(instance, n, text, (0, 0)) for n, text in enumerate(said)])
    everything = [item for group in groups for item in group]
    options = CriticOptions(max_new_tokens=given.tokens)
    with LanguageModel.open("smollm2", cache=False) as model:
        critic = ModelCritic(model, options)
        critic.critique(everything[:1])
        ways = {
            "a sentence at a time": [[item] for item in everything],
            "a document at a time": groups,
            "all together": [everything],
        }
        peer: list[str] = []
        for name, parts in ways.items():
            found, seconds = clock(
                lambda parts=parts: [one for p in parts for one in critic.critique(p)]
            )
            texts = [one.raw for one in found]
            peer = peer or texts
            same = sum(a == b for a, b in zip(texts, peer, strict=True))
            tokens = sum(len(model.generator.backend.lm.tokenizer.encode(text)) for text in texts)
            speed = tokens / seconds
            line = f"{seconds:.1f} s, {speed:.1f} tokens/s, {same} of {len(peer)} texts same"
            print(f"{name}: {line}", flush=True)


if __name__ == "__main__":
    main()
