"""The two losses: cross-entropy of completions, and DPO (section 3.4 of the spec)."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Protocol

from ..records import TokenPair, TokenSequence
from .supervised_forward import SupervisedForward


class Objective(Protocol):
    """A loss over numbered examples."""

    forward: SupervisedForward

    @property
    def lengths(self) -> list[int]:
        """Tokens of each example."""
        ...

    @property
    def identity(self) -> str:
        """Hash of the data and of the loss."""
        ...

    def prepare(self) -> None:
        """Do what the untouched model is needed for; called once, before anything is attached."""
        ...

    def loss(self, places: Sequence[int]) -> Any:
        """Loss (nats) of a batch of examples, a scalar."""
        ...


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


class CompletionLoss:
    """Cross-entropy, mean over the supervised tokens of the batch."""

    def __init__(self, forward: SupervisedForward, sequences: Sequence[TokenSequence]) -> None:
        self.forward = forward
        self.sequences = sequences

    @property
    def lengths(self) -> list[int]:
        """Tokens of each sequence."""
        return [len(sequence.ids) for sequence in self.sequences]

    @property
    def identity(self) -> str:
        """Hash of the token ids."""
        return _digest([[s.ids, s.start] for s in self.sequences])

    def prepare(self) -> None:
        """Nothing."""

    def loss(self, places: Sequence[int]) -> Any:
        """Mean negative log-likelihood (nats a token)."""
        values, _ = self.forward.token_logprobs([self.sequences[i] for i in places])
        return -values.mean()


def dpo_loss(policy: Any, reference: Any, beta: float) -> Any:
    """DPO with the sigmoid loss, mean over pairs.

    Parameters
    ----------
    policy, reference : summed log-probabilities (nats), shape (B, 2): chosen, rejected.
    beta : inverse temperature.
    """
    import torch

    margin = (policy[:, 0] - reference[:, 0]) - (policy[:, 1] - reference[:, 1])
    return -torch.nn.functional.logsigmoid(beta * margin).mean()


class PreferenceLoss:
    """DPO against the model as it is; its log-probabilities are computed once, before training."""

    BATCH = 16

    def __init__(self, forward: SupervisedForward, pairs: Sequence[TokenPair], beta: float) -> None:
        self.forward = forward
        self.pairs = pairs
        self.beta = beta
        self.reference: Any = None

    @property
    def lengths(self) -> list[int]:
        """Tokens of the longer response of each pair, with its prompt."""
        return [max(len(p.chosen.ids), len(p.rejected.ids)) for p in self.pairs]

    @property
    def identity(self) -> str:
        """Hash of the token ids and of beta."""
        return _digest([self.beta, [[p.chosen.ids, p.rejected.ids] for p in self.pairs]])

    def prepare(self) -> None:
        """Reference log-probabilities, shape (N, 2)."""
        import torch

        parts = []
        with torch.no_grad():
            for start in range(0, len(self.pairs), self.BATCH):
                parts.append(self._logprobs(self.pairs[start : start + self.BATCH]))
        self.reference = torch.cat(parts)

    def _logprobs(self, pairs: Sequence[TokenPair]) -> Any:
        """Both responses in one padded batch; shape (B, 2)."""
        both = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
        return self.forward.sequence_logprobs(both).view(2, len(pairs)).T

    def loss(self, places: Sequence[int]) -> Any:
        """DPO loss of a batch."""
        policy = self._logprobs([self.pairs[i] for i in places])
        return dpo_loss(policy, self.reference[list(places)], self.beta)


def make_objective(
    forward: SupervisedForward, encoded: Sequence[TokenSequence] | Sequence[TokenPair], beta: float
) -> Objective:
    """The paper's loss for this kind of data."""
    if isinstance(encoded[0], TokenPair):
        return PreferenceLoss(forward, encoded, beta)  # type: ignore[arg-type]
    return CompletionLoss(forward, encoded)  # type: ignore[arg-type]
