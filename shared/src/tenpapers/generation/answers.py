"""What models and servers say, read in one place: how an answer ended, what was thought first."""

import re
from typing import Any, NamedTuple

from .types import Completion, FinishReason, Sampling

# Words of OpenAI, vLLM, SGLang, TGI, llama.cpp, Mistral, Anthropic, Gemini and routers to them.
_ENDINGS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
    "refused": "refused",
    "content_filter": "filtered",
    "filtered": "filtered",
    "safety": "filtered",
    "recitation": "filtered",
    "blocklist": "filtered",
    "prohibited_content": "filtered",
    "spii": "filtered",
    "guardrail_intervened": "filtered",
}


class Ending(NamedTuple):
    """How an answer ended; `error` keeps the words that we do not know."""

    reason: FinishReason
    error: str = ""


def read_ending(words: str | None) -> Ending:
    """Read how an answer ended; nothing said is `stop`, what we do not know is an error."""
    known = _ENDINGS.get((words or "stop").strip().lower())
    return Ending(known) if known else Ending("error", str(words))


class Thought(NamedTuple):
    """A text in two: what was thought, and the visible answer."""

    reasoning: str
    text: str


_OPENS, _CLOSES = r"<think>|\[THINK\]", r"</think>|\[/THINK\]"
_OPENING = re.compile(rf"\s*(?:{_OPENS})")
_CLOSING = re.compile(rf"(?:{_CLOSES})\s*")


def split_thought(text: str) -> Thought:
    """Split what a model thought off the head of a text.

    A thought that is not closed takes the whole text; one that the prompt has opened already ends
    at its closing tag.
    """
    reasoning: list[str] = []
    while (opening := _OPENING.match(text)) or (not reasoning and _closes_first(text)):
        start = opening.end() if opening else 0
        closing = _CLOSING.search(text, start)
        reasoning.append(text[start : closing.start() if closing else None].strip())
        text = text[closing.end() :] if closing else ""
    return Thought("\n\n".join(reasoning), text)


def open_thought(prompt: str) -> str:
    """The tag with which a prompt ends that has begun a thought; "" for none."""
    tag = re.search(rf"({_OPENS})\s*$", prompt)
    return tag[1] if tag else ""


def _closes_first(text: str) -> bool:
    tag = re.search(f"{_OPENS}|{_CLOSES}", text)
    return tag is not None and _CLOSING.match(tag[0]) is not None


def settle(completion: Completion, sampling: Sampling) -> Completion:
    """Make a backend's answer what is graded: without thoughts, cut at its stops."""
    reasoning, text = split_thought(completion.text)
    reason = completion.finish_reason
    cut = sampling.cut(text)
    if cut is not None and cut != text:
        text, reason = cut, "stop"
    if completion.failed:
        text = ""
    reasoning = "\n\n".join(part for part in (completion.reasoning, reasoning) if part)
    return completion.model_copy(
        update={"text": text, "reasoning": reasoning, "finish_reason": reason}
    )


def read_answer(name: str, answer: dict[str, Any]) -> Completion:
    """Read the JSON of a chat or text completion, as the servers of this world write it.

    Raises
    ------
    LookupError, TypeError, ValueError, AttributeError : it is none.
    """
    choice = answer["choices"][0]
    message = choice.get("message") or {}
    text, thought = _content(choice["text"] if "text" in choice else message.get("content"))
    said = message.get("reasoning_content") or message.get("reasoning")
    reasoning = "\n\n".join(part for part in (said, thought) if isinstance(part, str) and part)
    reason, error = read_ending(choice.get("finish_reason"))
    if message.get("refusal"):
        text, reason = str(message["refusal"]), "refused"
    elif isinstance(trouble := choice.get("error"), dict):
        reason, error = "error", str(trouble.get("message") or trouble)
    usage = answer.get("usage") or {}
    return Completion(
        id=name,
        text=text,
        finish_reason=reason,
        reasoning=reasoning,
        error=error,
        n_prompt_tokens=int(usage.get("prompt_tokens") or 0),
        n_output_tokens=int(usage.get("completion_tokens") or 0),
    )


def _content(content: object) -> tuple[str, str]:
    """Text and thought of a content, which may be a list of parts or nothing."""
    if content is None or isinstance(content, str):
        return content or "", ""
    if not isinstance(content, list):
        raise TypeError(f"content is a {type(content).__name__}")
    seen = {False: "", True: ""}
    for part in content:
        if isinstance(part, str):
            seen[False] += part
            continue
        thinks = part.get("type") in ("thinking", "reasoning")
        inner = part.get("thinking" if thinks else "text") or part.get("text")
        seen[thinks] += "".join(_content(inner))
    return seen[False], seen[True]
