"""The two losses: cross-entropy of completions, and DPO on preference pairs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ..records import TokenPair, TokenSequence
from .supervised_forward import SupervisedForward

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


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

    def loss(self, indices: Sequence[int]) -> Float[Tensor, ""]:
        """Loss (nats) of a batch of examples."""
        ...

    def weight(self, indices: Sequence[int]) -> int:
        """What the loss of a batch is a mean over: so many tokens, or pairs."""
        ...


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


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
        return _digest([[sequence.ids, sequence.start] for sequence in self.sequences])

    def prepare(self) -> None:
        """Nothing."""

    def loss(self, indices: Sequence[int]) -> Float[Tensor, ""]:
        """Mean negative log-likelihood (nats a token)."""
        values, _ = self.forward.token_logprobs([self.sequences[i] for i in indices])
        return -values.mean()

    def weight(self, indices: Sequence[int]) -> int:
        """Supervised tokens."""
        return sum(self.sequences[i].supervised for i in indices)


def dpo_loss(
    policy: Float[Tensor, "batch 2"], reference: Float[Tensor, "batch 2"], beta: float
) -> Float[Tensor, ""]:
    """DPO with the sigmoid loss, mean over pairs.

    Parameters
    ----------
    policy, reference : summed log-probabilities (nats) of the chosen and the rejected responses.
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
        self.reference: Float[Tensor, "pairs 2"] | None = None

    @property
    def lengths(self) -> list[int]:
        """Tokens of the longer response of each pair, with its prompt."""
        return [max(len(pair.chosen.ids), len(pair.rejected.ids)) for pair in self.pairs]

    @property
    def identity(self) -> str:
        """Hash of the token ids and of beta."""
        return _digest([self.beta, [[pair.chosen.ids, pair.rejected.ids] for pair in self.pairs]])

    def prepare(self) -> None:
        """Log-probabilities of the frozen base model, the reference."""
        import torch

        parts = []
        with torch.no_grad():
            for start in range(0, len(self.pairs), self.BATCH):
                parts.append(self._logprobs(self.pairs[start : start + self.BATCH]))
        self.reference = torch.cat(parts)

    def _logprobs(self, pairs: Sequence[TokenPair]) -> Float[Tensor, "batch 2"]:
        """Both responses in one padded batch."""
        both = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
        return self.forward.sequence_logprobs(both).view(2, len(pairs)).T

    def loss(self, indices: Sequence[int]) -> Float[Tensor, ""]:
        """DPO loss of a batch."""
        assert self.reference is not None, "prepare() comes first"
        policy = self._logprobs([self.pairs[i] for i in indices])
        return dpo_loss(policy, self.reference[list(indices)], self.beta)

    def weight(self, indices: Sequence[int]) -> int:
        """Pairs."""
        return len(indices)


def mean_loss(objective: Objective, batch_size: int = 16) -> float:
    """Loss (nats) of all examples of an objective, without gradients."""
    import torch

    total, count = 0.0, len(objective.lengths)
    weight = objective.weight(range(count))
    with torch.no_grad():
        for start in range(0, count, batch_size):
            part = range(start, min(start + batch_size, count))
            total += float(objective.loss(part)) * objective.weight(part)
    return total / weight


def make_objective(
    forward: SupervisedForward, encoded: Sequence[TokenSequence] | Sequence[TokenPair], beta: float
) -> Objective:
    """The paper's loss for this kind of data."""
    pairs = [example for example in encoded if isinstance(example, TokenPair)]
    if pairs:
        return PreferenceLoss(forward, pairs, beta)
    sequences = [example for example in encoded if isinstance(example, TokenSequence)]
    return CompletionLoss(forward, sequences)
