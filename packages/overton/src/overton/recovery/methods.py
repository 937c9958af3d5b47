"""The ways to recover aligned behaviour: what each shows a base model, and where it stops."""

from dataclasses import dataclass
from typing import Literal

MethodName = Literal[
    "base",
    "icl",
    "icl-teacher",
    "icl-rand",
    "icl-knn-prompt",
    "icl-knn-response",
    "icl-knn-format",
    "icl-summary",
    "icl-summary-cot",
    "continue",
    "aligned",
    "aligned-from-summary",
]
# Whose answers stand in the examples: nobody's, ours, the teacher's to the same three queries, or
# the teacher's to other queries of the file.
Examples = Literal["none", "own", "teacher", "others"]
# What the model is to write next.
Opened = Literal["answer", "summary", "chat"]

# Closes an answer, and with it the generation.
FENCE = "```"
# A model that writes a summary first closes that one too: it stops where it makes up a query.
NEXT_QUERY = "\n# Query:"


@dataclass(frozen=True)
class Method:
    """What a way shows the model.

    Parameters
    ----------
    choice : how other queries are chosen as examples.
    with_summary : whether an example has a summary between query and answer.
    hint : whether a summary of the teacher's answer to this very query is given.
    is_oracle : whether it needs the teacher's answer to this very query.
    """

    examples: Examples
    opened: Opened = "answer"
    choice: Literal["", "random", "prompt", "response", "format"] = ""
    with_summary: bool = False
    hint: bool = False
    is_oracle: bool = False

    @property
    def stop(self) -> tuple[str, ...]:
        """Where the model stops, beside its own end token."""
        return {"answer": (FENCE,), "summary": (NEXT_QUERY,), "chat": ()}[self.opened]


METHODS: dict[MethodName, Method] = {
    "base": Method("none"),
    "icl": Method("own"),
    "icl-teacher": Method("teacher"),
    "icl-rand": Method("others", choice="random"),
    "icl-knn-prompt": Method("others", choice="prompt"),
    "icl-knn-response": Method("others", choice="response", is_oracle=True),
    "icl-knn-format": Method("others", choice="format", is_oracle=True),
    "icl-summary": Method("teacher", with_summary=True, hint=True, is_oracle=True),
    "icl-summary-cot": Method("teacher", "summary", with_summary=True),
    "continue": Method("own"),
    "aligned": Method("none", "chat"),
    "aligned-from-summary": Method("none", "chat", hint=True, is_oracle=True),
}
