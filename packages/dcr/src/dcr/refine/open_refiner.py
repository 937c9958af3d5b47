"""Any refiner by its spec."""

from collections.abc import Sequence

from tenpapers.errors import UserError
from tenpapers.models.spec import parse_spec

from ..critique.language_model import LanguageModel
from .model_refiner import ModelRefiner
from .refiner import Refiner, RefinerOptions, Told
from .span_edit import NAME as SPAN_EDIT
from .span_edit import SpanEdit

KNOWN = f"{SPAN_EDIT}, or a model: smollm2, hf:ID, vllm:ID, openai:NAME@URL, an adapter's folder"


def open_refiner(spec: str, options: RefinerOptions | None = None) -> Refiner:
    """Open a refiner by its spec: a model spec, the folder of a LoRA adapter, or `span-edit`.

    Raises
    ------
    UserError : no such refiner; see `LanguageModel.open`.
    """
    options = options or RefinerOptions()
    if spec == SPAN_EDIT:
        return SpanEdit()
    _check(spec)
    return ModelRefiner(LanguageModel.open(spec, cache=options.cache), options)


def refiner_identity(spec: str) -> object:
    """What the edits of a refiner depend on, for journals, without loading a model.

    Raises
    ------
    UserError : no such refiner.
    """
    if spec == SPAN_EDIT:
        return SpanEdit.identity
    _check(spec)
    return LanguageModel.identity_of(spec)


def told_by(spec: str) -> Sequence[Told]:
    """What a refiner can be told, without opening it."""
    return SpanEdit.told if spec == SPAN_EDIT else ModelRefiner.told


def _check(spec: str) -> None:
    try:
        parse_spec(spec)
    except UserError as error:
        if error.message.startswith("unknown model"):
            raise UserError(f"unknown refiner {spec!r}", f"one of {KNOWN}") from None
        raise
