"""Log-probabilities of supervised tokens, and nothing that they do not need.

Only the hidden states in front of supervised tokens meet the vocabulary (1 to 8 of 40 to 110
tokens), and where no trained number lies below a layer, the states that enter it are kept from the
first pass over the data and later passes start there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tenpapers.models import AttentionLayout, UnsupportedModelError
from tenpapers.models.layout import base_model_of

from ..records import TokenSequence

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Int
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

# Below this share of layers the saving does not pay for the memory.
MIN_SHARE = 0.15
# Bytes of kept states, in main memory; what goes beyond is computed again in every epoch.
MAX_KEPT = 4 << 30


class SupervisedForward:
    """Runs a causal LM on right-padded batches.

    Parameters
    ----------
    model : transformers causal LM.
    first_layer : lowest layer with something trained; states entering it are kept when that pays
        and the architecture allows it. None keeps nothing.
    max_kept : bytes that the kept states may take.

    Raises
    ------
    UnsupportedModelError : the model makes its logits in a way that is not known here.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        first_layer: int | None = None,
        max_kept: int = MAX_KEPT,
    ) -> None:
        self.model = base_model_of(model)
        check_logits(self.model)
        self.first_layer = first_layer if _restartable(self.model, first_layer) else None
        self.room = max_kept
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

        hidden = self._hidden(batch)
        self.tokens += sum(len(sequence.ids) for sequence in batch)
        rows: list[int] = []
        positions: list[int] = []
        targets: list[int] = []
        for row, sequence in enumerate(batch):
            rows += [row] * sequence.supervised
            positions += range(sequence.start - 1, len(sequence.ids) - 1)
            targets += sequence.ids[sequence.start :]
        # The last layer of a model that is spread over devices lies on another than the first.
        row_index = torch.tensor(rows, device=hidden.device)
        chosen = hidden[row_index, torch.tensor(positions, device=hidden.device)]
        logits = vocabulary_logits(self.model, chosen)
        target = torch.tensor(targets, device=logits.device)
        return -torch.nn.functional.cross_entropy(logits, target, reduction="none"), row_index

    def sequence_logprobs(self, batch: Sequence[TokenSequence]) -> Float[Tensor, " batch"]:
        """Summed log-probability (nats) of each sequence's supervised tokens."""
        values, rows = self.token_logprobs(batch)
        return values.new_zeros(len(batch)).index_add(0, rows, values)

    def _hidden(self, batch: Sequence[TokenSequence]) -> Float[Tensor, "batch tokens hidden"]:
        """Last hidden states."""
        import torch

        width = max(len(sequence.ids) for sequence in batch)
        device = input_device(self.model)
        mask = torch.tensor(
            [[1] * len(s.ids) + [0] * (width - len(s.ids)) for s in batch], device=device
        )
        decoder = self.model.get_decoder()
        layer = self.first_layer
        if layer is not None and all(sequence.ids in self.states for sequence in batch):
            states = torch.nn.utils.rnn.pad_sequence(
                [self.states[sequence.ids] for sequence in batch], batch_first=True
            ).to(device)
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
        """Keep the states that enter the first trained layer, while there is room."""
        if self.first_layer is None:
            yield
            return

        def keep(module: Module, arguments: tuple[Tensor, ...]) -> None:
            for row, sequence in enumerate(batch):
                states = arguments[0][row, : len(sequence.ids)].detach()
                if sequence.ids in self.states or states.nbytes > self.room:
                    continue
                self.room -= states.nbytes
                self.states[sequence.ids] = states.to("cpu", copy=True)

        layer = self.model.get_decoder().get_submodule(f"layers.{self.first_layer}")
        handle = layer.register_forward_pre_hook(keep)
        try:
            yield
        finally:
            handle.remove()


def input_device(model: PreTrainedModel) -> torch.device:
    """Where a model takes its inputs; what is offloaded lies nowhere between two passes."""
    import torch

    return torch.device("cpu") if model.device.type == "meta" else model.device


def vocabulary_logits(
    model: PreTrainedModel, hidden: Float[Tensor, "*positions hidden"]
) -> Float[Tensor, "*positions vocabulary"]:
    """Logits (float32) of hidden states that have passed the final norm.

    Cohere multiplies them, Granite divides them, Gemma caps them.
    """
    import torch

    config = model.config.get_text_config()
    logits = model.get_output_embeddings()(hidden).float()
    if isinstance(factor := getattr(config, "logit_scale", None), float | int):
        logits = logits * factor
    if divisor := getattr(config, "logits_scaling", None):
        logits = logits / divisor
    cap = getattr(config, "final_logit_softcapping", None)
    return torch.tanh(logits / cap) * cap if cap else logits


# How far our logits may be from the model's own, as a share of the largest: bfloat16 has 8 bits.
_LOGITS_APART = 0.03


def check_logits(model: PreTrainedModel) -> None:
    """Compare `vocabulary_logits` with the model's own on three tokens.

    Raises
    ------
    UnsupportedModelError : they differ, so that every loss and score would be wrong.
    """
    import torch

    ids = torch.tensor([[1, 2, 3]], device=input_device(model))
    with torch.no_grad():
        hidden = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        ours = vocabulary_logits(model, hidden)
        theirs = model(input_ids=ids, use_cache=False).logits.to(ours)
    if float((ours - theirs).abs().max()) > _LOGITS_APART * float(theirs.abs().max()):
        raise UnsupportedModelError(
            f"{model.config.model_type}: makes its logits in a way that is not known here"
        )


def _restartable(model: PreTrainedModel, layer: int | None) -> bool:
    if layer is None or not AttentionLayout.from_model(model).family.restartable:
        return False
    config = model.config.get_text_config()
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
