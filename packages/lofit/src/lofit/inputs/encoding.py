"""From examples to token ids, with the tokens that count in the loss.

The prompt and its completion are tokenised apart, so that the supervised tokens are known by their
number and never searched for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling
from tenpapers.generation.encoding import chat_text
from tenpapers.generation.encoding import encode as encode_request
from tenpapers.generation.types import Message

from ..records import Asked, PreferencePair, SFTExample, TokenPair, TokenSequence

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
    template_options : for the chat template, see `ModelSpec.template_options`.
    """

    max_length: int | None = None
    chat: bool = False
    eos_token: str | None = None
    template_options: Mapping[str, Any] = field(default_factory=dict)


def templated(tokenizer: PreTrainedTokenizerBase, prompt: str) -> bool:
    """Whether a prompt stands in the model's chat template already."""
    if not tokenizer.chat_template:
        return False
    marked = "CONTENT OF THE TURN"
    turn = [{"role": "user", "content": marked}]
    whole = tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
    behind = str(whole).rpartition(marked)[2].strip()
    return bool(behind) and behind in prompt


def request(
    tokenizer: PreTrainedTokenizerBase,
    name: str,
    asked: Asked,
    *,
    chat: bool = False,
    sampling: Sampling | None = None,
) -> Request:
    """What is asked of a model, for training and for generation alike.

    A prompt that stands in the chat template already is taken as it is.

    Parameters
    ----------
    chat : put a prompt into the model's chat template, ready for the answer.

    Raises
    ------
    UserError : the tokenizer has no template.
    """
    how = sampling or Sampling()
    if not isinstance(asked, str):
        return Request(id=name, messages=asked, sampling=how)
    if chat and not tokenizer.chat_template:
        raise UserError("this tokenizer has no chat template", "drop --chat-template")
    if chat and not templated(tokenizer, asked):
        return Request(id=name, messages=(Message(role="user", content=asked),), sampling=how)
    return Request(id=name, prompt=asked, sampling=how)


def as_chat(
    tokenizer: PreTrainedTokenizerBase, prompt: str, options: Mapping[str, Any] | None = None
) -> str:
    """A prompt as a user's turn in the model's chat template, ready for the answer."""
    asked = request(tokenizer, "", prompt, chat=True)
    return chat_text(tokenizer, asked, options) if asked.messages else prompt


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase,
    asked: Asked,
    *,
    chat: bool = False,
    options: Mapping[str, Any] | None = None,
) -> list[int]:
    """Token ids of what is asked, as generation sees it.

    Parameters
    ----------
    options : for the chat template, see `ModelSpec.template_options`.
    """
    return encode_request(tokenizer, request(tokenizer, "", asked, chat=chat), options)


def starts_a_turn(asked: Asked, *, chat: bool) -> bool:
    """Whether an answer begins a turn of a chat, and not in the middle of a text."""
    return chat or not isinstance(asked, str)


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


def clip(
    tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int], room: int
) -> tuple[list[int], bool]:
    """A prompt in so many tokens, and whether it was longer: it then loses what follows its BOS."""
    if len(prompt) <= room:
        return list(prompt), False
    bos = tokenizer.bos_token_id
    if bos is not None and prompt[0] == bos and room > 1:
        return [bos, *prompt[len(prompt) - room + 1 :]], True
    return list(prompt[len(prompt) - room :]), True


def join(
    tokenizer: PreTrainedTokenizerBase,
    name: str,
    prompt: Sequence[int],
    completion: Sequence[int],
    *,
    limit: int,
) -> TokenSequence:
    """Put prompt and completion together; a prompt that is too long is clipped.

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
    kept, truncated = clip(tokenizer, prompt, room)
    return TokenSequence(name, (*kept, *completion), len(kept), truncated)


def encode_examples(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[SFTExample], how: Encoding
) -> list[TokenSequence]:
    """Encode SFT examples: prompt, completion, end of sequence; the last two are supervised."""
    end = end_token(tokenizer, how.eos_token)
    encoded = []
    for example in examples:
        asked = prompt_ids(tokenizer, example.asked, chat=how.chat, options=how.template_options)
        answer = [*answer_ids(tokenizer, example.completion, example.asked, how), end]
        limit = how.max_length or MAX_LENGTH
        encoded.append(join(tokenizer, example.id, asked, answer, limit=limit))
    return encoded


def encode_pairs(
    tokenizer: PreTrainedTokenizerBase, pairs: Sequence[PreferencePair], how: Encoding
) -> list[TokenPair]:
    """Encode preference pairs; both responses end with the end of sequence."""
    end = end_token(tokenizer, how.eos_token)
    longest = how.max_length or MAX_RESPONSE
    encoded = []
    for pair in pairs:
        asked = prompt_ids(tokenizer, pair.asked, chat=how.chat, options=how.template_options)
        prompt, truncated = clip(tokenizer, asked, how.max_length or MAX_PROMPT)
        sides = []
        for text in (pair.chosen, pair.rejected):
            response = [*answer_ids(tokenizer, text, pair.asked, how), end]
            if len(response) > longest:
                raise UserError(
                    f"{pair.id}: a response of {len(response)} tokens, the limit is {longest}",
                    "raise --max-length",
                )
            both = join(tokenizer, pair.id, prompt, response, limit=len(prompt) + longest)
            sides.append(replace(both, truncated=truncated))
        encoded.append(TokenPair(pair.id, *sides))
    return encoded


def answer_ids(
    tokenizer: PreTrainedTokenizerBase, text: str, asked: Asked, how: Encoding
) -> list[int]:
    """Token ids of an answer; where it begins a turn, without the blank that follows a prompt.

    Any other white space at its head is its own, such as the indentation of code.
    """
    if starts_a_turn(asked, chat=how.chat) and text[:1] == " " and not text[1:2].isspace():
        text = text[1:]
    return completion_ids(tokenizer, text)


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
        return encode_pairs(tokenizer, pairs, how)
    singles = [example for example in examples if isinstance(example, SFTExample)]
    return encode_examples(tokenizer, singles, how)


def remarks(
    tokenizer: PreTrainedTokenizerBase, examples: Examples, encoded: Encoded, how: Encoding
) -> list[str]:
    """What a user should know of how the examples became tokens."""
    prompts = [asked for example in examples if isinstance(asked := example.asked, str)]
    counts = {
        "prompts are too long and lost their beginning (--max-length)": sum(
            (item.chosen if isinstance(item, TokenPair) else item).truncated for item in encoded
        ),
        "prompts end with a blank, which belongs to the head of the completion": sum(
            prompt[-1:] in (" ", "\t") for prompt in prompts
        ),
        "prompts stand in the chat template already and are taken as they are": sum(
            how.chat and templated(tokenizer, prompt) for prompt in prompts
        ),
    }
    return [f"{count} of {len(examples)} {told}" for told, count in counts.items() if count]
