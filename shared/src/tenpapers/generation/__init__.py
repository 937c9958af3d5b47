"""Text from any model: one request, one completion, one sampling type; five backends; a cache."""

from .cache import CompletionCache
from .generator import Attempt, Generator, ask_until_read, open_generator
from .replay import RecordedAnswers, recorded_answers
from .types import Completion, Request, Sampling, Score

__all__ = [
    "Attempt",
    "Completion",
    "CompletionCache",
    "Generator",
    "RecordedAnswers",
    "Request",
    "Sampling",
    "Score",
    "ask_until_read",
    "open_generator",
    "recorded_answers",
]
