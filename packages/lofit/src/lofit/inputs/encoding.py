"""From examples to token ids, with the tokens that count in the loss.

The prompt and its completion are tokenised apart, so that the supervised tokens are known by their
number and never searched for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenpapers.errors import UserError

from ..records import PreferencePair, SFTExample, TokenPair, TokenSequence

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_LENGTH = 400  # tokens of an SFT sequence
MAX_PROMPT = 128  # tokens of the prompt of a preference pair
MAX_RESPONSE = 128  # tokens of each response, end included

Examples = Sequence[SFTExample] | Sequence[PreferencePair]
Encoded = Sequence[TokenSequence] | Sequence[TokenPair]


@dataclass(frozen=True)
class Encoding:
    """How examples become tokens.

    Parameters
    ----------
    max_length : tokens of a sequence, for pairs of prompt and response each; None is the paper's.
    chat : put prompts into the model's chat template.
    eos_token : end of a completion, where the tokenizer has none.
    """

    max_length: int | None = None
    chat: bool = False
    eos_token: str | None = None


def as_chat(tokenizer: PreTrainedTokenizerBase, prompt: str) -> str:
    """Put a prompt into the model's chat template, ready for the answer.

    Raises
    ------
    UserError : the tokenizer has no template.
    """
    if not tokenizer.chat_template:
        raise UserError("this tokenizer has no chat template", "drop --chat-template")
    messages = [{"role": "user", "content": prompt}]
    return str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: str, *, chat: bool = False) -> list[int]:
    """Token ids of a prompt as generation sees it."""
    if chat:
        return list(tokenizer(as_chat(tokenizer, prompt), add_special_tokens=False)["input_ids"])
    return list(tokenizer(prompt)["input_ids"])


def completion_ids(tokenizer: PreTrainedTokenizerBase, completion: str) -> list[int]:
    """Token ids of a completion, whatever stands before it.

    It is tokenised after a newline: SentencePiece would add a blank of its own at the start of a
    text, and the tokens must not depend on the prompt, so that their number is always the same.
    """
    newline = list(tokenizer("\n", add_special_tokens=False)["input_ids"])
    whole = list(tokenizer("\n" + completion, add_special_tokens=False)["input_ids"])
    if whole[: len(newline)] == newline:
        return whole[len(newline) :]
    return list(tokenizer(completion, add_special_tokens=False)["input_ids"])


def end_token(tokenizer: PreTrainedTokenizerBase, eos_token: str | None = None) -> int:
    """Id of the token that ends a completion.

    Raises
    ------
    UserError : the tokenizer has none and `eos_token` names none it knows.
    """
    if eos_token is not None:
        found = tokenizer.convert_tokens_to_ids(eos_token)
        if not isinstance(found, int) or found == tokenizer.unk_token_id:
            raise UserError(f"--eos-token {eos_token!r}: the tokenizer does not know it")
        return found
    if not isinstance(tokenizer.eos_token_id, int):
        raise UserError("the tokenizer has no end-of-sequence token", "pass --eos-token TOKEN")
    return tokenizer.eos_token_id


def join(
    name: str, prompt: Sequence[int], completion: Sequence[int], *, limit: int
) -> TokenSequence:
    """Put prompt and completion together; a prompt that is too long loses its left side.

    Raises
    ------
    UserError : nothing to learn, or the completion alone does not fit.
    """
    if not completion or not prompt:
        raise UserError(
            f"{name}: no supervised token ({len(prompt)} prompt tokens, "
            f"{len(completion)} completion tokens)"
        )
    room = limit - len(completion)
    if room < 1:
        raise UserError(
            f"{name}: {len(prompt)} prompt tokens and {len(completion)} completion tokens: the "
            f"completion does not fit into {limit}",
            "raise --max-length",
        )
    kept = tuple(prompt[-room:])
    return TokenSequence(name, kept + tuple(completion), len(kept), len(kept) < len(prompt))


def encode_examples(
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[SFTExample],
    *,
    max_length: int = MAX_LENGTH,
    chat: bool = False,
    eos_token: str | None = None,
) -> list[TokenSequence]:
    """Encode SFT examples: prompt, completion, end of sequence; the last two are supervised."""
    end = end_token(tokenizer, eos_token)
    return [
        join(
            example.id,
            prompt_ids(tokenizer, example.prompt, chat=chat),
            [*_answer_ids(tokenizer, example.completion, chat), end],
            limit=max_length,
        )
        for example in examples
    ]


def encode_pairs(
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[PreferencePair],
    *,
    max_prompt: int = MAX_PROMPT,
    max_response: int = MAX_RESPONSE,
    chat: bool = False,
    eos_token: str | None = None,
) -> list[TokenPair]:
    """Encode preference pairs; both responses end with the end of sequence."""
    end = end_token(tokenizer, eos_token)
    encoded = []
    for pair in pairs:
        prompt = prompt_ids(tokenizer, pair.prompt, chat=chat)[-max_prompt:]
        sides = []
        for text in (pair.chosen, pair.rejected):
            response = [*_answer_ids(tokenizer, text, chat), end]
            if len(response) > max_response:
                raise UserError(
                    f"{pair.id}: a response of {len(response)} tokens, the limit is {max_response}",
                    "raise --max-length",
                )
            sides.append(join(pair.id, prompt, response, limit=max_prompt + max_response))
        encoded.append(TokenPair(pair.id, *sides))
    return encoded


def _answer_ids(tokenizer: PreTrainedTokenizerBase, text: str, chat: bool) -> list[int]:
    """A chat template ends where the answer begins, so the blank of a plain prompt is dropped."""
    return completion_ids(tokenizer, text.lstrip() if chat else text)


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Examples, encoding: Encoding | None = None
) -> list[TokenSequence] | list[TokenPair]:
    """Encode whichever of the two kinds of training data these are.

    Raises
    ------
    UserError : no example at all, or as `join`.
    """
    if not examples:
        raise UserError("no training examples")
    how = encoding or Encoding()
    pairs = [example for example in examples if isinstance(example, PreferencePair)]
    if pairs:
        return encode_pairs(
            tokenizer,
            pairs,
            max_prompt=how.max_length or MAX_PROMPT,
            max_response=how.max_length or MAX_RESPONSE,
            chat=how.chat,
            eos_token=how.eos_token,
        )
    return encode_examples(
        tokenizer,
        [example for example in examples if isinstance(example, SFTExample)],
        max_length=how.max_length or MAX_LENGTH,
        chat=how.chat,
        eos_token=how.eos_token,
    )
