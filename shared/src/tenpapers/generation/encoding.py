"""From a request to token ids, the same way for every backend that runs in process."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

from ..errors import UserError
from .types import Completion, Request

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)


def encode(tokenizer: PreTrainedTokenizerBase, request: Request) -> list[int]:
    """Give the token ids of a plain prompt, or of messages in the model's chat template.

    Where the last message is the assistant's, the model goes on with it (a prefill).
    """
    if request.prompt is not None:
        return list(tokenizer(request.prompt)["input_ids"])
    text = chat_text(tokenizer, request)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def chat_text(tokenizer: PreTrainedTokenizerBase, request: Request) -> str:
    """Messages in the chat template; without a template as plain paragraphs, roles before them.

    A template without a system role (Gemma 2) gets that message at the head of the first user's.

    Raises
    ------
    UserError : the template refuses the messages.
    """
    messages = [message.model_dump() for message in request.messages]
    goes_on = bool(messages) and messages[-1]["role"] == "assistant"
    if getattr(tokenizer, "chat_template", None) is None:
        _warn_once(str(getattr(tokenizer, "name_or_path", "the model")))
        turns = [f"{turn['role'].capitalize()}: {turn['content']}" for turn in messages]
        return "\n\n".join(turns if goes_on else [*turns, "Assistant:"])
    return _templated(tokenizer, messages, goes_on)


def _templated(
    tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]], goes_on: bool
) -> str:
    from jinja2 import TemplateError

    try:
        text = tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            continue_final_message=goes_on,
            add_generation_prompt=not goes_on,
        )
    except TemplateError as error:
        if [message["role"] for message in messages[:2]] != ["system", "user"]:
            raise UserError(f"{tokenizer.name_or_path}: chat template: {error}") from None
    else:
        return str(text)
    system, user, *rest = messages
    merged = {"role": "user", "content": f"{system['content']}\n\n{user['content']}"}
    return _templated(tokenizer, [merged, *rest], goes_on)


@cache
def _warn_once(name: str) -> None:
    log.warning("%s has no chat template: messages are sent as plain paragraphs", name)


def misfit(request: Request, ids: list[int], context: int) -> Completion | None:
    """The failed completion of a prompt that is empty or too long; None if it fits."""
    new = request.sampling.max_tokens
    if ids and len(ids) + new <= context:
        return None
    trouble = f"prompt of {len(ids)} tokens and {new} new ones do not fit the context of {context}"
    return Completion(
        id=request.id, text="", finish_reason="error", error=trouble, n_prompt_tokens=len(ids)
    )
