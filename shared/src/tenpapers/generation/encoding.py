"""From a request to token ids, the same way for every backend that runs in process."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .types import Completion, Request, unanswered

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)


def admit(
    tokenizer: PreTrainedTokenizerBase,
    request: Request,
    context: int,
    template_options: Mapping[str, Any] | None = None,
) -> list[int] | Completion:
    """Give the token ids of a request, or the failed completion of one that cannot be asked.

    Parameters
    ----------
    context : longest sequence in tokens.
    template_options : for the chat template, see `ModelSpec.template_options`.
    """
    new, ids = request.sampling.max_tokens, list[int]()
    try:
        ids = encode(tokenizer, request, template_options)
        if ids and len(ids) + new <= context:
            return ids
        trouble = f"prompt of {len(ids)} tokens and {new} new ones do not fit the context of "
        trouble = f"{trouble}{context}" if ids else "an empty prompt"
    except UserError as error:
        trouble = str(error)
    return unanswered(request.id, trouble, n_prompt_tokens=len(ids))


def encode(
    tokenizer: PreTrainedTokenizerBase,
    request: Request,
    template_options: Mapping[str, Any] | None = None,
) -> list[int]:
    """Give the token ids of a plain prompt, or of messages in the model's chat template.

    Where the last message is the assistant's, the model goes on with it (a prefill).

    Raises
    ------
    UserError : not one of prompt and messages, or the template does not take the messages.
    """
    if (request.prompt is None) == (not request.messages):
        raise UserError("a request has either a prompt or messages")
    if request.prompt is not None:
        return encode_plain(tokenizer, request.prompt)
    text = chat_text(tokenizer, request, template_options)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def encode_plain(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Give the token ids of a text that a model goes on with.

    One that begins with the model's BOS gets no second one; of a tokenizer that ends every text
    with EOS that end is taken off.
    """
    ids = list(tokenizer(text)["input_ids"])
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    own = [eos] if text.endswith(str(tokenizer.eos_token)) else []
    if eos is not None and ids[-len(own) - 1 :] == [*own, eos]:
        ids = ids[:-1]
    return ids[1:] if bos is not None and ids[:2] == [bos, bos] else ids


def encode_scored(
    tokenizer: PreTrainedTokenizerBase, prompt: str, continuations: Sequence[str], context: int
) -> tuple[list[int], list[tuple[int, ...]]]:
    """Give the token ids of a prompt and of its continuations, as they are scored.

    A continuation is what the whole text has behind the prompt's tokens; where the two melt
    together, its own tokens.

    Raises
    ------
    UserError : an empty prompt, or a text that is longer than the context.
    """
    head = encode_plain(tokenizer, prompt)
    if not head:
        raise UserError("scores need a prompt of at least one token")
    tails = []
    for text in continuations:
        whole = encode_plain(tokenizer, prompt + text)
        if whole[: len(head)] == head:
            tails.append(tuple(whole[len(head) :]))
        else:
            tails.append(tuple(tokenizer(text, add_special_tokens=False)["input_ids"]))
    longest = len(head) + max(map(len, tails), default=0)
    if longest > context:
        raise UserError(f"a scored text of {longest} tokens does not fit the context of {context}")
    return head, tails


def chat_text(
    tokenizer: PreTrainedTokenizerBase,
    request: Request,
    template_options: Mapping[str, Any] | None = None,
) -> str:
    """Messages in the chat template; without a template as plain paragraphs, roles before them.

    A template without a system role (Gemma 2) gets that message at the head of the first user's.

    Raises
    ------
    UserError : the template refuses the messages, or drops the last one's beginning of an answer.
    """
    messages = [message.model_dump() for message in request.messages]
    goes_on = bool(messages) and messages[-1]["role"] == "assistant"
    if getattr(tokenizer, "chat_template", None) is None:
        _warn_once(str(getattr(tokenizer, "name_or_path", "the model")))
        turns = [f"{turn['role'].capitalize()}: {turn['content']}" for turn in messages]
        return "\n\n".join(turns if goes_on else [*turns, "Assistant:"])
    return _templated(tokenizer, messages, goes_on, template_options or {})


def _templated(
    tokenizer: PreTrainedTokenizerBase,
    messages: list[dict[str, str]],
    goes_on: bool,
    options: Mapping[str, Any],
) -> str:
    from jinja2 import TemplateError

    try:
        text = tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            continue_final_message=goes_on,
            add_generation_prompt=not goes_on,
            **options,
        )
    except TemplateError as error:
        if [message["role"] for message in messages[:2]] != ["system", "user"]:
            raise UserError(f"{tokenizer.name_or_path}: chat template: {error}") from None
    except (ValueError, TypeError) as error:
        dropped = goes_on and "final message" in str(error)
        reason = "drops the beginning of an answer (the last message)" if dropped else str(error)
        raise UserError(f"{tokenizer.name_or_path}: chat template: {reason}") from None
    else:
        return str(text)
    system, user, *rest = messages
    merged = {"role": "user", "content": f"{system['content']}\n\n{user['content']}"}
    return _templated(tokenizer, [merged, *rest], goes_on, options)


@cache
def _warn_once(name: str) -> None:
    log.warning("%s has no chat template: messages are sent as plain paragraphs", name)
