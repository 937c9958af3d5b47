"""A refiner without a model: it puts each critique's fix where its span stands."""

from collections.abc import Iterator, Sequence

from tenpapers.closing import Closing

from ..critique.written_form import replace_span
from ..records import Critique, Offsets
from .choose import rejection_of
from .refiner import RefineRequest, RefineResult, Told, in_order

NAME = "span-edit"
# Raised when the same critiques would give another text.
VERSION = 1


class SpanEdit(Closing):
    """Replaces spans by their fixes, and deletes those without one."""

    name = NAME
    identity: object = (NAME, VERSION)
    told: Sequence[Told] = ("feedback",)

    def stream(
        self, items: Sequence[RefineRequest], samples: int = 1, *, progress: str | None = None
    ) -> Iterator[tuple[RefineRequest, RefineResult]]:
        """Results in the order of the requests; there is one way to edit, so one sample."""
        for item in items:
            response = item.instance.response
            edited = edit_spans(response, item.critiques)
            rejection = rejection_of(edited, response)
            text = response if rejection else edited
            yield item, RefineResult(text, edited, [edited], rejection=rejection)

    def refine(self, items: Sequence[RefineRequest], samples: int = 1) -> list[RefineResult]:
        """Results in the order of the requests."""
        return in_order(items, self.stream(items, samples))

    def close(self) -> None:
        """Nothing is held."""


def edit_spans(response: str, critiques: Sequence[Critique]) -> str:
    """A response with the errors that critiques name mended; of spans that overlap the first."""
    found = [
        (one.span_offset, one.fix or "")
        for one in critiques
        if one.verdict == "error" and one.span_offset
    ]
    kept: list[tuple[Offsets, str]] = []
    for span, fix in sorted(found):
        if not kept or span[0] >= kept[-1][0][1]:
            kept.append((span, fix))
    text = response
    for span, fix in reversed(kept):  # from the end, so that places before stay
        text = replace_span(text, span, fix)
    return text
