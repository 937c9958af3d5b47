"""Whether a text declines instead of answering."""

import re
import string
from functools import cache
from importlib.resources import files

import yaml

from ..inputs.task import Task

# "As an AI language model, I ...", in the languages that models say it in.
_AS_A_MODEL = re.compile(
    r"(?:as an? (?:ai|artificial intelligence|(?:large )?language model|virtual assistant)"
    r"(?: (?:language )?(?:model|assistant|chatbot))?\s*,"
    r"|(?:i'm|i am) (?:just |only )?an? (?:ai|(?:large )?language model)\b[^\n]{0,60}"
    r"(?:can't|cannot|unable|not able|don't|do not)"
    r"|als (?:ki|ai|ein)?[- ]?(?:taal|sprach)\w*"
    r"|en tant qu(?:e |')(?:ia|intelligence|modèle|assistant)"
    r"|como (?:una? )?(?:ia|inteligencia artificial|modelo de (?:lenguaje|linguagem)|"
    r"inteligência artificial)|come (?:un )?(?:ia|modello linguistico|intelligenza artificiale)"
    r"|как (?:ии|языковая модель|искусственный)|作为(?:一个|一名)?(?:ai|人工智能|语言模型)"
    r"|私はai|ai(?:言語モデル|アシスタント)として|저는 ai|인공지능으로서)",
    re.IGNORECASE,
)
# Between a refusal marker of a task and who says it.
_SAYS = r"(?:i|im|we|were|sorry)(?: (?:am|are|was|will|m|re|really|simply|just|currently|but|i))*"
_PUNCTUATION = str.maketrans("", "", string.punctuation + "’‘“”")


def refuses(text: str, task: Task) -> bool:
    """Whether a text is a refusal: by a marker of the task, or in a model's usual words.

    A marker counts where the model speaks of itself ("I am unable to summarize") or begins with
    it; what others cannot do ("workers cannot summarize their anger") is a text like any other.
    """
    return _has_marker(text, task) or declines(text)


def _has_marker(text: str, task: Task) -> bool:
    plain = " ".join(text.lower().translate(_PUNCTUATION).split())
    return any(
        re.search(rf"(?:^|\b{_SAYS} ){re.escape(marker)}\b", plain) for marker in task.refusals
    )


def declines(text: str) -> bool:
    """Whether a text begins as models decline, in any of the languages of `refusals.yaml`."""
    head = text.strip().lstrip("*_\"'“”‘ ").replace("’", "'")[:400]
    return bool(_AS_A_MODEL.match(head)) or any(rule.match(head) for rule in _rules())


@cache
def _rules() -> list[re.Pattern[str]]:
    content = files("synthesizrr").joinpath("data/refusals.yaml").read_text(encoding="utf-8")
    rules = []
    for language in yaml.safe_load(content).values():
        begins, does_not = (_one_line(language[part]) for part in ("begins", "declines"))
        rules.append(re.compile(rf"(?:{begins})\s*(?:{does_not})", re.IGNORECASE))
    return rules


def _one_line(folded: str) -> str:
    """A pattern that YAML has folded into lines: breaks behind a bar or a colon are none."""
    return re.sub(r"(?<=[|:]) +", "", folded)
