"""Refiners that are language models."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tenpapers.closing import Closing
from tenpapers.generation import Completion, Request, Sampling
from tenpapers.generation.types import Message

from ..critique.fences import messages
from ..critique.language_model import LanguageModel
from ..critique.task import LongDocumentError, check_policy, source_of
from .choose import Sample, choose, rejection_of
from .clean_reply import clean_reply
from .refiner import RefineRequest, RefineResult, RefinerOptions, Told, in_order


class ModelRefiner(Closing):
    """A language model that edits responses."""

    told: Sequence[Told] = ("feedback", "direct", "detected")

    def __init__(self, model: LanguageModel, options: RefinerOptions | None = None) -> None:
        self._model, self._options = model, options or RefinerOptions()
        check_policy(self._options)
        self.name, self.identity = model.name, model.identity

    def stream(
        self, items: Sequence[RefineRequest], samples: int = 1, *, progress: str | None = None
    ) -> Iterator[tuple[RefineRequest, RefineResult]]:
        """Results as they are done.

        A response whose document is too long, or of which a sample got no answer, has an error.

        Parameters
        ----------
        samples : refinements that are drawn of each response.
        """
        of_request: dict[str, RefineRequest] = {}
        requests: list[Request] = []
        for item in items:
            try:
                drawn = self._requests(item, samples)
            except LongDocumentError as error:
                yield item, RefineResult(item.instance.response, "", (), error=str(error))
                continue
            requests += drawn
            of_request |= {request.id: item for request in drawn}
        done: defaultdict[str, list[Completion]] = defaultdict(list)
        for completion in self._model.stream(requests, progress=progress):
            item = of_request[completion.id]
            drawn_so_far = done[item.id]
            drawn_so_far.append(completion)
            if len(drawn_so_far) == samples:
                yield item, self._result(item, done.pop(item.id))

    def refine(self, items: Sequence[RefineRequest], samples: int = 1) -> list[RefineResult]:
        """Results in the order of the requests."""
        return in_order(items, self.stream(items, samples))

    def close(self) -> None:
        """Free the model."""
        self._model.close()

    def _requests(self, item: RefineRequest, samples: int) -> list[Request]:
        options = self._options
        asked = refine_messages(item, options)
        return [
            Request(
                id=f"{item.id}|{number}",
                messages=asked,
                sampling=Sampling(
                    max_tokens=options.max_new_tokens,
                    temperature=options.temperature,
                    top_p=options.top_p,
                    seed=options.seed,
                    sample=number,
                ),
            )
            for number in range(samples)
        ]

    def _result(self, item: RefineRequest, done: list[Completion]) -> RefineResult:
        response = item.instance.response
        done.sort(key=lambda one: int(one.id.rpartition("|")[2]))
        error = next((one.outcome for one in done if one.failed), "")
        if error:
            return RefineResult(response, "", (), error=error, calls=len(done))
        samples = [self._sample(one, response) for one in done]
        taken = choose(samples, response, has_feedback=bool(item.feedback))
        best = taken or samples[0]
        return RefineResult(
            text=taken.text if taken else response,
            raw=best.raw,
            samples=[sample.text for sample in samples],
            rejection="" if taken else best.rejection,
            cleaned=best.cleaned,
            calls=len(done),
        )

    def _sample(self, done: Completion, response: str) -> Sample:
        plain = done.text.strip()
        text, fired = clean_reply(plain, response) if self._options.clean else (plain, False)
        if text == response.strip():  # blanks around a text are no change of it
            text = response
        return Sample(done.text, text, fired, rejection_of(text, response, done.finish_reason))


def refine_messages(item: RefineRequest, options: RefinerOptions) -> tuple[Message, ...]:
    """What a refiner is asked.

    Raises
    ------
    UserError : see `source_of`.
    """
    return messages(
        "refine",
        options.prompts,
        section=item.told,
        source=source_of(item.instance, options),
        response=item.instance.response,
        feedback=item.feedback,
    )
