"""From a request to token ids, the same way for every backend that runs in process."""

from typing import Any

from .types import Completion, Request


def encode(tokenizer: Any, request: Request) -> list[int]:
    """Give the token ids of a plain prompt, or of messages in the model's chat template."""
    if request.prompt is not None:
        return list(tokenizer(request.prompt)["input_ids"])
    messages = [message.model_dump() for message in request.messages]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def misfit(request: Request, ids: list[int], context: int) -> Completion | None:
    """The failed completion of a prompt that is empty or too long; None if it fits."""
    new = request.sampling.max_tokens
    if ids and len(ids) + new <= context:
        return None
    reason = f"error: prompt of {len(ids)} tokens and {new} new ones do not fit the context of "
    return Completion(
        id=request.id, text="", finish_reason=f"{reason}{context}", n_prompt_tokens=len(ids)
    )
