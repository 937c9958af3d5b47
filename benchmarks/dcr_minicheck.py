"""MiniCheck's scores of a whole file against its published loop, with the same random T5.

The published loop takes one pair of document and sentence at a time: it cuts and tokenizes the
document again for every sentence, and a batch holds the chunks of that one document. Ours cuts and
tokenizes each document once and reads chunks of all documents in batches of like lengths. Prints
processor times, their ratio and the largest difference of a probability. Documents are as long as
most of FaithBench's (40 to 200 words); over long ones both spend their time in the same attention.

    python benchmarks/dcr_minicheck.py [--documents 40] [--sentences 6] [--words 40 200]
"""

import argparse
import time
from collections.abc import Callable
from random import Random
from typing import TypeVar

import torch
from tenpapers.models.minicheck import BATCH_TOKENS, CHUNK_WORDS, LONGEST, T5_LABELS, MiniCheck
from tenpapers.sentences import sentence_split
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

Result = TypeVar("Result")
# The published loop's batch, and sizes of the T5.
PEER_BATCH = 16
WIDTH, LAYERS, VOCABULARY = 64, 2, 2000


def clock(run: Callable[[], Result]) -> tuple[Result, float]:
    """A result and its seconds of processor time, which a busy machine does not change."""
    began = time.process_time()
    return run(), time.process_time() - began


def scorer() -> MiniCheck:
    """A random T5 that reads whole words."""
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=VOCABULARY,
        d_model=WIDTH,
        d_kv=16,
        d_ff=4 * WIDTH,
        num_layers=LAYERS,
        num_heads=4,
        decoder_start_token_id=0,
    )
    words = [
        "<pad>",
        "</s>",
        "<unk>",
        "predict",
        ":",
        ".",
        *(f"w{n}" for n in range(6, VOCABULARY)),
    ]
    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    return MiniCheck(T5ForConditionalGeneration(config), tokenizer, name="random T5")


def pairs(documents: int, sentences: int, words: tuple[int, int]) -> list[tuple[str, str]]:
    """Documents of so many words in sentences of 5 to 30, and some of their sentences."""
    draw, made = Random(0), []
    for _ in range(documents):
        left, text = draw.randint(*words), []
        while left > 0:
            length = draw.randint(5, 30)
            text.append(" ".join(f"w{draw.randint(6, VOCABULARY - 1)}" for _ in range(length)))
            left -= length
        document = ". ".join(sentence.capitalize() for sentence in text) + "."
        claims = [text[n % len(text)].capitalize() + "." for n in range(sentences)]
        made += [(document, claim) for claim in claims]
    return made


def published_loop(model: MiniCheck, pairs: list[tuple[str, str]]) -> list[float]:
    """One pair after the other, as MiniCheck's own code reads them."""
    return [max(_one_pair(model, document, claim)) for document, claim in pairs]


def _one_pair(model: MiniCheck, document: str, claim: str) -> list[float]:
    parts: list[str] = []
    for line in document.split("\n"):
        parts += [*(sentence.text for sentence in sentence_split(line)), "\n"]
    chunks, current, used = [], [], 0
    for part in parts[:-1]:
        if used + len(part.split()) > CHUNK_WORDS:
            chunks.append(" ".join(current))
            current, used = [], 0
        current.append(part)
        used += len(part.split())
    chunks.append(" ".join(current))
    texts = [chunk.replace(" \n ", "\n").strip() for chunk in chunks]
    joined = [f"predict: {text}{model.tokenizer.eos_token}{claim}" for text in texts if text]
    probs: list[float] = []
    for start in range(0, len(joined), PEER_BATCH):
        given = model.tokenizer(
            joined[start : start + PEER_BATCH],
            max_length=LONGEST,
            truncation=True,
            padding=True,
            return_tensors="pt",
        )
        with torch.no_grad():
            logits = model.model(
                input_ids=given["input_ids"],
                attention_mask=given["attention_mask"],
                decoder_input_ids=torch.zeros((len(given["input_ids"]), 1), dtype=torch.long),
            ).logits.squeeze(1)
        probs += logits[:, list(T5_LABELS)].softmax(-1)[:, 1].tolist()
    return probs


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=40)
    parser.add_argument("--sentences", type=int, default=6)
    parser.add_argument("--words", type=int, nargs=2, default=(40, 200), metavar=("LOW", "HIGH"))
    parser.add_argument("--batch-tokens", type=int, default=BATCH_TOKENS)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    model, given = scorer(), pairs(chosen.documents, chosen.sentences, tuple(chosen.words))
    model.score(given[:2])  # whatever is made once
    published_loop(model, given[:2])
    ours, seconds = clock(lambda: model.score(given, batch_tokens=chosen.batch_tokens))
    theirs, peer = clock(lambda: published_loop(model, given))
    chunks = sum(len(probs) for probs in ours.chunk_probs)
    apart = max(abs(a - b) for a, b in zip(ours.probs.tolist(), theirs, strict=True))
    print(
        f"{len(given)} pairs, {chunks} chunks: ours {seconds:.2f} s, published loop {peer:.2f} s; "
        f"ratio {peer / seconds:.1f}x; probabilities differ by at most {apart:.1e}"
    )


if __name__ == "__main__":
    main()
