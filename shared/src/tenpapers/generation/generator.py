"""A backend with a cache in front and a progress bar beside it; asking until it can be read."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..closing import Closing
from ..errors import UserError
from ..models.identity import adapter_identity
from ..models.spec import ModelSpec, parse_spec
from .answers import settle
from .cache import CompletionCache
from .pacing import patience as default_patience
from .types import Backend, Completion, Request, Score, by_adapter, content_key, score_key

# What is worth keeping; a refusal may be another answer next time.
_ANSWERS = ("stop", "length")
# Backends whose greedy answer is the same each time.
_SAME_AGAIN = ("hf", "vllm")


class Generator(Closing):
    """Completes requests through one backend.

    Parameters
    ----------
    backend : see `types.Backend`.
    cache : None asks the model every time.
    """

    def __init__(self, backend: Backend, cache: CompletionCache | None = None) -> None:
        self.backend = backend
        self.cache = cache
        self.calls = 0  # requests that reached the model

    def stream(
        self, requests: Sequence[Request], *, progress: str | None = None
    ) -> Iterator[Completion]:
        """Yield completions as they come: cached ones first, each request exactly once.

        Requests with the same content are asked once and answered each under its own id.

        Parameters
        ----------
        requests : ids must differ.
        progress : label of the progress bar on standard error, None for no bar.

        Raises
        ------
        UserError : two requests with one id.
        """
        from tqdm import tqdm

        by_id = {request.id: request for request in requests}
        if len(by_id) != len(requests):
            raise UserError("two requests have the same id")
        waiting: dict[str, list[Request]] = defaultdict(list)
        for folder, group in by_adapter(requests).items():
            adapter = adapter_identity(folder)
            for request in group:
                waiting[content_key(self.backend, request, adapter)].append(request)
        bar = tqdm(total=len(requests), desc=progress, disable=progress is None, unit="req")
        with bar:
            known = self.cache.find(list(waiting)) if self.cache else {}
            for key, completion in known.items():
                for request in waiting.pop(key):
                    bar.update()
                    yield completion.model_copy(update={"id": request.id})
            key_of = {same[0].id: key for key, same in waiting.items()}
            self.calls += len(key_of)
            asked = [by_id[name] for name in key_of]
            settled: dict[str, Completion] = {}

            def keep(response: Completion) -> None:
                completion = settle(response, by_id[response.id].sampling)
                settled[completion.id] = completion
                if self.cache and completion.finish_reason in _ANSWERS:
                    self.cache.store(key_of[completion.id], completion)

            for response in self.backend.stream(asked, keep) if asked else ():
                completion = settled.pop(response.id)
                for request in waiting[key_of[completion.id]]:
                    bar.update()
                    yield completion.model_copy(update={"id": request.id})

    def generate(
        self, requests: Sequence[Request], *, progress: str | None = None
    ) -> list[Completion]:
        """Complete requests and return the completions in the order of the requests."""
        done = {
            completion.id: completion for completion in self.stream(requests, progress=progress)
        }
        return [done[request.id] for request in requests]

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Give the log-probability of each continuation after the prompt (`hf` and `vllm`).

        What the cache has is not computed again.
        """
        key_of = {text: score_key(self.backend, prompt, text) for text in continuations}
        known = self.cache.find_scores(list(key_of.values())) if self.cache else {}
        left = [text for text, key in key_of.items() if key not in known]
        for text, score in zip(left, self.backend.score(prompt, left) if left else (), strict=True):
            known[key_of[text]] = score
            if self.cache:
                self.cache.store_score(key_of[text], score)
        return [known[key_of[text]] for text in continuations]

    def close(self) -> None:
        """Free the model and close the cache."""
        self.backend.close()
        if self.cache:
            self.cache.close()


def open_backend(spec: ModelSpec, seconds: float) -> Backend:
    """Open the backend that a spec names, with so much patience; heavy imports happen here."""
    if spec.backend == "hf":
        from .hf import HFBackend

        return HFBackend.load(spec)
    if spec.backend == "vllm":
        from .vllm import VLLMBackend

        return VLLMBackend(spec)
    if spec.backend == "openai":
        from .openai import OpenAIBackend

        return OpenAIBackend(spec, patience=seconds)
    if spec.backend == "ray":
        from .ray import RayBackend

        return RayBackend(spec, patience=seconds)
    from .replay import ReplayBackend

    return ReplayBackend(spec)


def open_generator(
    spec: str, *, cache: CompletionCache | bool = True, patience: float | None = None
) -> Generator:
    """Open any model by its spec.

    Parameters
    ----------
    spec : `smollm2`, `hf:ID`, `vllm:ID`, `openai:NAME@URL`, `ray:SPEC`, `replay:FILE`.
    cache : a cache, True for the user's, False for none.
    patience : seconds for which failures of a server or a cluster are retried; None for what
        `--patience` says.

    Raises
    ------
    UserError : the backend or the model is unknown, or a needed extra is not installed.
    """
    backend = open_backend(parse_spec(spec), default_patience() if patience is None else patience)
    store = CompletionCache() if cache is True else (cache or None)
    # Recordings are their own cache.
    return Generator(backend, None if backend.family == "replay" else store)


class Attempt(NamedTuple):
    """The answer that stands in the end, under the request's own id, and how often was asked."""

    completion: Completion
    tries: int


def ask_until_read(
    generator: Generator,
    requests: Sequence[Request],
    readable: Callable[[Completion], bool],
    *,
    tries: int,
    progress: str | None = None,
) -> Iterator[Attempt]:
    """Complete requests; one whose answer is not readable is asked again, up to `tries` times.

    A later attempt is the next sample of the same request, with the id `ID|try 2` and so on. A
    greedy model in this process is not asked for the same answer again. Where no attempt is
    readable the last one that is an answer stands; what failed, was refused or held back is not
    asked again here.
    """
    by_id = {request.id: request for request in requests}
    standing: dict[str, Completion] = {}
    waiting = {request.id: request.id for request in requests}
    for number in range(1, tries + 1):
        again: dict[str, str] = {}
        asked = [_attempt(by_id[own], name, number) for name, own in waiting.items()]
        for done in generator.stream(asked, progress=progress if number == 1 else None):
            own = waiting[done.id]
            answered = done.finish_reason in _ANSWERS
            if not answered and own in standing:  # the earlier answer says more than a failure
                yield Attempt(standing.pop(own), number)
                continue
            completion = done.model_copy(update={"id": own})
            last = number == tries or _says_the_same(generator, by_id[own])
            if not answered or readable(completion) or last:
                standing.pop(own, None)
                yield Attempt(completion, number)
            else:
                standing[own] = completion
                again[f"{own}|try {number + 1}"] = own
        waiting = again
        if not waiting:
            return


def _attempt(request: Request, name: str, number: int) -> Request:
    sampling = request.sampling
    later = sampling.model_copy(update={"sample": sampling.sample + number - 1})
    return request.model_copy(update={"id": name, "sampling": later})


def _says_the_same(generator: Generator, request: Request) -> bool:
    return generator.backend.family in _SAME_AGAIN and request.sampling.temperature == 0
