"""Training steps and multiple-choice scoring against their peers.

The loop peer does what the released code does, written anew: for every head of every layer a slice
that is cloned, scaled or shifted, and copied back. Repetitions are interleaved, medians printed.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tenpapers.models import AttentionLayout
from tenpapers.models.heads import Hooks

from ..heads.edits import OffsetHeads, ScaleHeads

if TYPE_CHECKING:
    from jaxtyping import Int
    from peft import PeftModel
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

    Ids = Int[Tensor, "batch tokens"]
    Arguments = tuple[Tensor, ...]

Step = Callable[[], None]


class Removable(Protocol):
    """Something that is on a model and comes off again."""

    def remove(self) -> None:
        """Leave the model as it was."""
        ...


Method = Callable[[], tuple[Removable, Step]]


class HeadLoop(Hooks):
    """The per-head loop: for each head its own parameters of scale and offset, edited in place."""

    def __init__(self, layout: AttentionLayout, *, trained: str) -> None:
        import torch

        super().__init__()
        shape = layout.geometry
        self.parameters = []
        for layer in range(shape.n_layers):
            scales = [torch.zeros(shape.head_dim) for _ in range(shape.n_heads)]
            offsets = [torch.zeros(shape.head_dim) for _ in range(shape.n_heads)]
            for value in scales if trained == "scale" else offsets:
                value.requires_grad_(True)
                self.parameters.append(value)
            module = layout.projection(layer).module
            self._handles.append(
                module.register_forward_pre_hook(_loop(scales, offsets, shape.head_dim))
            )


def _loop(
    scales: list[Tensor], offsets: list[Tensor], width: int
) -> Callable[[Module | None, Arguments], Arguments]:
    def edit(module: Module | None, arguments: Arguments) -> Arguments:
        z, *rest = arguments
        z = z.clone()
        for head, (scale, offset) in enumerate(zip(scales, offsets, strict=True)):
            part = slice(head * width, (head + 1) * width)
            piece = z[..., part].clone()
            piece = piece * (1 + scale) + offset
            z[..., part] = piece
        return (z, *rest)

    return edit


def tiny_llama(heads: int) -> PreTrainedModel:
    """Random Llama of 8 layers with heads of 32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    width = heads * 32
    config = LlamaConfig(
        vocab_size=1000,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=8,
        num_attention_heads=heads,
        num_key_value_heads=heads,
    )
    model = LlamaForCausalLM(config)
    model.eval().requires_grad_(False)
    return model


def _step(model: PreTrainedModel | PeftModel, ids: Ids) -> None:
    model(ids, labels=ids).loss.backward()


def methods(model: PreTrainedModel, ids: Ids) -> dict[str, Method]:
    """What is timed: each gives something to take off again, and one forward and backward."""
    import torch

    layout = AttentionLayout.from_model(model)
    shape = layout.geometry

    def plain_step() -> None:
        _step(model, ids)

    def scales() -> tuple[Removable, Step]:
        values = torch.zeros(shape.n_layers, shape.n_heads, shape.head_dim, requires_grad=True)
        return ScaleHeads(layout, values), plain_step

    def offsets() -> tuple[Removable, Step]:
        # 3 % of the heads, spread over the upper half of the layers.
        k = max(1, round(0.03 * shape.n_layers * shape.n_heads))
        upper = [h for h in layout.all_heads() if h.layer >= shape.n_layers // 2]
        heads = upper[:: max(1, len(upper) // k)][:k]
        values = torch.zeros(len(heads), shape.head_dim, requires_grad=True)
        return OffsetHeads(layout, heads, values), plain_step

    def everywhere() -> tuple[Removable, Step]:
        heads = [h for h in layout.all_heads() if h.head == 0]
        values = torch.zeros(len(heads), shape.head_dim, requires_grad=True)
        return OffsetHeads(layout, heads, values), plain_step

    def loop(trained: str) -> Method:
        return lambda: (HeadLoop(layout, trained=trained), plain_step)

    def released() -> tuple[Removable, Step]:
        def step() -> None:
            with torch.autograd.set_detect_anomaly(True):
                _step(model, ids)

        return HeadLoop(layout, trained="scale"), step

    def peft(kind: str) -> Method:
        def wrap() -> tuple[Removable, Step]:
            from peft import IA3Config, LoraConfig, PeftConfig, get_peft_model

            config: PeftConfig = LoraConfig(r=8, target_modules=["q_proj", "v_proj"])
            if kind == "ia3":
                config = IA3Config(
                    target_modules=["k_proj", "v_proj", "down_proj"],
                    feedforward_modules=["down_proj"],
                )
            wrapped = get_peft_model(model, config)
            return _Unload(wrapped), lambda: _step(wrapped, ids)

        return wrap

    def inputs() -> tuple[Removable, Step]:
        def step() -> None:
            embedded = model.get_input_embeddings()(ids).detach().requires_grad_(True)
            model(inputs_embeds=embedded, labels=ids).loss.backward()

        return Hooks(), step

    return {
        "step 1, ours (scales)": scales,
        "step 1, per-head loop": loop("scale"),
        "step 1, loop in anomaly mode, as released": released,
        "step 2, ours (3 % of heads, upper half)": offsets,
        "step 2, ours (a head in every layer)": everywhere,
        "step 2, per-head loop": loop("offset"),
        "peft LoRA r=8 q,v": peft("lora"),
        "peft IA3": peft("ia3"),
        "forward+backward to inputs": inputs,
    }


class _Unload:
    def __init__(self, wrapped: PeftModel) -> None:
        self._wrapped = wrapped

    def remove(self) -> None:
        self._wrapped.unload()


def saved_bytes(step: Step, ignored: set[int]) -> int:
    """Bytes of the distinct activations that autograd keeps for the backward pass of a step."""
    import torch

    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        address = tensor.untyped_storage().data_ptr()
        if address not in ignored:
            kept[address] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    return sum(kept.values())


def time_steps(model: PreTrainedModel, ids: Ids, repetitions: int) -> dict[str, tuple[float, int]]:
    """Median seconds and saved bytes of one forward and backward of each method."""
    found: dict[str, list[float]] = {}
    memory: dict[str, int] = {}
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    for repetition in range(repetitions + 1):  # the first warms up
        for name, make in methods(model, ids).items():
            handle, step = make()
            try:
                if repetition == 0:
                    memory[name] = saved_bytes(step, weights)
                else:
                    began = time.perf_counter()
                    step()
                    found.setdefault(name, []).append(time.perf_counter() - began)
            finally:
                handle.remove()
    return {name: (statistics.median(times), memory[name]) for name, times in found.items()}


def print_steps(title: str, measured: dict[str, tuple[float, int]]) -> None:
    """A table, and the ratios to the peers beside what we aim at."""
    print(f"\n{title}")
    for name, (seconds, size) in measured.items():
        print(f"  {name:42s} {1000 * seconds:8.1f} ms   {size / 2**20:8.1f} MiB saved for backward")
    loop, ours = measured["step 1, per-head loop"], measured["step 1, ours (scales)"]
    second, lora = (
        measured["step 2, ours (3 % of heads, upper half)"],
        measured["peft LoRA r=8 q,v"],
    )
    released = measured["step 1, loop in anomaly mode, as released"]
    print(
        f"  step 1 / loop as released: time {ours[0] / released[0]:.2f}x (target 0.5x at 32 "
        f"heads); without its anomaly mode: {ours[0] / loop[0]:.2f}x"
    )
    print(
        f"  step 2 / LoRA: time {second[0] / lora[0]:.2f}x (target 1x), "
        f"memory {second[1] / lora[1]:.2f}x (target 0.85x)"
    )


def bench_insertion(repetitions: int) -> None:
    """The edit of one layer alone, forward and backward: B=4, T=128, 32 heads of 128."""
    import torch

    shape = (4, 128, 32, 128)
    z = torch.randn(4, 128, 32 * 128, requires_grad=True)
    zeros = [torch.zeros(128, requires_grad=True) for _ in range(32)]
    flat = torch.zeros(32 * 128, requires_grad=True)
    loop = _loop(zeros, [torch.zeros(128)] * 32, 128)
    ways: dict[str, Callable[[], Tensor]] = {
        "per-head loop": lambda: loop(None, (z * 1,))[0],
        "scale, one operation": lambda: z * (1 + flat),
        "offset, one row": lambda: z + flat,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    upstream = torch.randn(shape).view(4, 128, -1)
    for repetition in range(repetitions + 1):  # the first warms up
        for name, way in ways.items():
            began = time.perf_counter()
            way().backward(upstream)
            if repetition:
                times[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print("\nthe edit of one layer alone, B=4, T=128, 32 heads of 128")
    for name, seconds in medians.items():
        ratio = medians["per-head loop"] / seconds
        print(f"  {name:42s} {1000 * seconds:8.1f} ms   the loop takes {ratio:.0f}x")


def bench_choices(questions: int) -> None:
    """The scorer that reuses prefixes against one forward an answer, on SmolLM2."""
    import torch
    from tenpapers.models import load_causal_lm

    from ..inputs import truthfulqa
    from ..inputs.load_task import data_folder
    from ..inputs.prompts import truthfulqa_context
    from ..scoring.multiple_choice import score_multiple_choice

    lm = load_causal_lm("smollm2")
    file = next(data_folder().glob("truthfulqa.jsonl*"))
    items = truthfulqa.read(file)[:questions]
    context = truthfulqa_context()
    runs = {}
    for reuse in (True, False):
        began = time.perf_counter()
        results, _ = score_multiple_choice(
            lm.model, lm.tokenizer, items, context=context, reuse=reuse
        )
        runs[reuse] = (time.perf_counter() - began, results)
    scores = [
        torch.tensor([s for r in results for s in (*r.scores_true, *r.scores_false)])
        for _, results in (runs[True], runs[False])
    ]
    largest = float((scores[0] - scores[1]).abs().max())
    print(
        f"\nmultiple choice, {questions} questions, {len(scores[0])} answers, "
        f"{torch.get_num_threads()} threads: ours {runs[True][0]:.1f} s, one forward an answer "
        f"{runs[False][0]:.1f} s, {runs[False][0] / runs[True][0]:.1f}x (target 5x), largest "
        f"difference of a score {largest:.1g}"
    )


def run_benchmarks(*, repetitions: int = 5, questions: int = 3, threads: int | None = None) -> None:
    """Print everything."""
    import torch
    from tenpapers.models import load_causal_lm

    if threads:
        torch.set_num_threads(threads)
    print(f"{torch.get_num_threads()} threads, medians of {repetitions} interleaved repetitions")
    bench_insertion(repetitions)
    draw = torch.Generator().manual_seed(0)
    for heads in (16, 32):
        ids = torch.randint(1000, (4, 128), generator=draw)
        measured = time_steps(tiny_llama(heads), ids, repetitions)
        print_steps(f"tiny Llama, 8 layers, {heads} heads of 32, B=4, T=128", measured)
    model = load_causal_lm("smollm2").model.requires_grad_(False)
    ids = torch.randint(1000, (8, 48), generator=draw)
    print_steps("SmolLM2-135M, B=8, T=48", time_steps(model, ids, min(3, repetitions)))
    bench_choices(questions)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak resident memory of this process: {peak:.2f} GiB")
