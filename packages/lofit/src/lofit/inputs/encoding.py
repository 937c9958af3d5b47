"""From examples to token ids, with the tokens that count in the loss (section 3.4 of the spec)."""

from collections.abc import Sequence
from typing import Any

from tenpapers.errors import UserError

from ..records import PreferencePair, SFTExample, TokenPair, TokenSequence

MAX_LENGTH = 400  # tokens of an SFT sequence
MAX_PROMPT = 128  # tokens of the prompt of a preference pair
MAX_RESPONSE = 128  # tokens of each response, end included


def as_chat(tokenizer: Any, prompt: str) -> str:
    """Put a prompt into the model's chat template, ready for the answer.

    Raises
    ------
    UserError : the tokenizer has no template.
    """
    if not tokenizer.chat_template:
        raise UserError("this tokenizer has no chat template", "drop --chat-template")
    messages = [{"role": "user", "content": prompt}]
    return str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))


def prompt_ids(tokenizer: Any, prompt: str, *, chat: bool = False) -> list[int]:
    """Token ids of a prompt as generation sees it."""
    if chat:
        return list(tokenizer(as_chat(tokenizer, prompt), add_special_tokens=False)["input_ids"])
    return list(tokenizer(prompt)["input_ids"])


def completion_ids(tokenizer: Any, completion: str) -> list[int]:
    """Token ids of a completion, whatever stands before it.

    It is tokenised after a newline: SentencePiece would add a blank of its own at the start of a
    text, and the tokens must not depend on the prompt, so that their number is always the same.
    """
    head = list(tokenizer("\n", add_special_tokens=False)["input_ids"])
    whole = list(tokenizer("\n" + completion, add_special_tokens=False)["input_ids"])
    if whole[: len(head)] == head:
        return whole[len(head) :]
    return list(tokenizer(completion, add_special_tokens=False)["input_ids"])


def end_token(tokenizer: Any, eos_token: str | None = None) -> int:
    """Id of the token that ends a completion.

    Raises
    ------
    UserError : the tokenizer has none and `eos_token` names none it knows.
    """
    if eos_token is not None:
        found = tokenizer.convert_tokens_to_ids(eos_token)
        if found is None or found == tokenizer.unk_token_id:
            raise UserError(f"--eos-token {eos_token!r}: the tokenizer does not know it")
        return int(found)
    if tokenizer.eos_token_id is None:
        raise UserError("the tokenizer has no end-of-sequence token", "pass --eos-token TOKEN")
    return int(tokenizer.eos_token_id)


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
    tokenizer: Any,
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
            [*_answer(tokenizer, example.completion, chat), end],
            limit=max_length,
        )
        for example in examples
    ]


def encode_pairs(
    tokenizer: Any,
    pairs: Sequence[PreferencePair],
    *,
    max_prompt: int = MAX_PROMPT,
    max_response: int = MAX_RESPONSE,
    chat: bool = False,
    eos_token: str | None = None,
) -> list[TokenPair]:
    """Encode preference pairs; both responses end with the end of sequence."""
    end = end_token(tokenizer, eos_token)
    made = []
    for pair in pairs:
        prompt = prompt_ids(tokenizer, pair.prompt, chat=chat)[-max_prompt:]
        sides = []
        for side in (pair.chosen, pair.rejected):
            response = [*_answer(tokenizer, side, chat), end]
            if len(response) > max_response:
                raise UserError(
                    f"{pair.id}: a response of {len(response)} tokens, the limit is {max_response}",
                    "raise --max-length",
                )
            sides.append(join(pair.id, prompt, response, limit=max_prompt + max_response))
        made.append(TokenPair(pair.id, *sides))
    return made


def _answer(tokenizer: Any, text: str, chat: bool) -> list[int]:
    """A chat template ends where the answer begins, so the blank of a plain prompt is dropped."""
    return completion_ids(tokenizer, text.lstrip() if chat else text)


def encode(
    tokenizer: Any,
    examples: Sequence[SFTExample] | Sequence[PreferencePair],
    *,
    max_length: int | None = None,
    chat: bool = False,
    eos_token: str | None = None,
) -> list[TokenSequence] | list[TokenPair]:
    """Encode whichever of the two kinds of training data these are.

    Parameters
    ----------
    max_length : tokens of a sequence, for pairs of prompt and response each; None is the paper's.

    Raises
    ------
    UserError : no example at all, or as `join`.
    """
    if not examples:
        raise UserError("no training examples")
    if isinstance(examples[0], PreferencePair):
        return encode_pairs(
            tokenizer,
            examples,  # type: ignore[arg-type]
            max_prompt=max_length or MAX_PROMPT,
            max_response=max_length or MAX_RESPONSE,
            chat=chat,
            eos_token=eos_token,
        )
    return encode_examples(
        tokenizer,
        examples,  # type: ignore[arg-type]
        max_length=max_length or MAX_LENGTH,
        chat=chat,
        eos_token=eos_token,
    )
