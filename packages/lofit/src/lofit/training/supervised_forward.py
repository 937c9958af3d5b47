"""Log-probabilities of supervised tokens, and nothing that they do not need.

Only the hidden states in front of supervised tokens meet the vocabulary (1 to 8 of 40 to 110
tokens), and where no trained number lies below a layer, the states that enter it are kept from the
first pass over the data and later passes start there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..records import TokenSequence

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

# Decoders that take `inputs_embeds` as they are: Gemma would scale them, GPT-2 add positions.
RESTARTABLE = ("llama", "mistral", "qwen2", "qwen3")
# Below this share of layers the saving does not pay for the memory.
MIN_SHARE = 0.15


class SupervisedForward:
    """Runs a causal LM on right-padded batches.

    Parameters
    ----------
    model : transformers causal LM.
    first_layer : lowest layer with something trained; states entering it are kept when that pays
        and the architecture allows it. None keeps nothing.
    """

    def __init__(self, model: PreTrainedModel, *, first_layer: int | None = None) -> None:
        self.model = model
        self.first_layer = first_layer if _restartable(model, first_layer) else None
        self.states: dict[tuple[int, ...], Float[Tensor, "tokens hidden"]] = {}
        self.tokens = 0

    def token_logprobs(
        self, batch: Sequence[TokenSequence]
    ) -> tuple[Float[Tensor, " supervised"], Int[Tensor, " supervised"]]:
        """Log-probabilities of all supervised tokens of a batch.

        Returns
        -------
        (log-probabilities in nats, float32; the row of the batch that each belongs to).
        """
        import torch

        device = self.model.device
        hidden = self._hidden(batch)
        self.tokens += sum(len(sequence.ids) for sequence in batch)
        rows: list[int] = []
        positions: list[int] = []
        targets: list[int] = []
        for row, sequence in enumerate(batch):
            rows += [row] * sequence.supervised
            positions += range(sequence.start - 1, len(sequence.ids) - 1)
            targets += sequence.ids[sequence.start :]
        row_index = torch.tensor(rows, device=device)
        chosen = hidden[row_index, torch.tensor(positions, device=device)]
        logits = vocabulary_logits(self.model, chosen)
        target = torch.tensor(targets, device=device)
        return -torch.nn.functional.cross_entropy(logits, target, reduction="none"), row_index

    def sequence_logprobs(self, batch: Sequence[TokenSequence]) -> Float[Tensor, " batch"]:
        """Summed log-probability (nats) of each sequence's supervised tokens."""
        values, rows = self.token_logprobs(batch)
        return values.new_zeros(len(batch)).index_add(0, rows, values)

    def _hidden(self, batch: Sequence[TokenSequence]) -> Float[Tensor, "batch tokens hidden"]:
        """Last hidden states."""
        import torch

        width = max(len(sequence.ids) for sequence in batch)
        device = self.model.device
        mask = torch.tensor(
            [[1] * len(s.ids) + [0] * (width - len(s.ids)) for s in batch], device=device
        )
        decoder = self.model.base_model
        layer = self.first_layer
        if layer is not None and all(sequence.ids in self.states for sequence in batch):
            states = torch.nn.utils.rnn.pad_sequence(
                [self.states[sequence.ids] for sequence in batch], batch_first=True
            )
            with _layers_from(decoder, layer):
                return decoder(
                    inputs_embeds=states, attention_mask=mask, use_cache=False
                ).last_hidden_state
        # 0 pads: the mask hides it, and right padding leaves the positions alone.
        ids = torch.tensor([list(s.ids) + [0] * (width - len(s.ids)) for s in batch], device=device)
        with self._keeping(batch):
            return decoder(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state

    @contextmanager
    def _keeping(self, batch: Sequence[TokenSequence]) -> Iterator[None]:
        """Keep the states that enter the first trained layer."""
        if self.first_layer is None:
            yield
            return

        def keep(module: Module, arguments: tuple[Tensor, ...]) -> None:
            for row, sequence in enumerate(batch):
                self.states[sequence.ids] = arguments[0][row, : len(sequence.ids)].detach().clone()

        layers = self.model.base_model.get_submodule("layers")
        handle = layers.get_submodule(str(self.first_layer)).register_forward_pre_hook(keep)
        try:
            yield
        finally:
            handle.remove()


def vocabulary_logits(
    model: PreTrainedModel, hidden: Float[Tensor, "*positions hidden"]
) -> Float[Tensor, "*positions vocabulary"]:
    """Logits (float32) of hidden states that have passed the final norm."""
    import torch

    logits = model.get_output_embeddings()(hidden).float()
    cap = getattr(model.config, "final_logit_softcapping", None)
    return torch.tanh(logits / cap) * cap if cap else logits


def _restartable(model: PreTrainedModel, layer: int | None) -> bool:
    config = model.config
    if layer is None or config.model_type not in RESTARTABLE:
        return False
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return layer / config.num_hidden_layers >= MIN_SHARE and len(kinds) == 1


@contextmanager
def _layers_from(decoder: Module, first: int) -> Iterator[None]:
    """Let the decoder run from layer `first` on, for the length of the block."""
    import torch

    whole = decoder.layers
    assert isinstance(whole, torch.nn.ModuleList)
    decoder.layers = torch.nn.ModuleList(whole[first:])
    try:
        yield
    finally:
        decoder.layers = whole
