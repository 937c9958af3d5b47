"""Any critic by its spec."""

from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.models.spec import parse_spec

from .critic import Critic, CriticOptions
from .language_model import LanguageModel
from .model_critic import SHEPHERD, ULTRACM, Kind, ModelCritic
from .occlusion import NAME as OCCLUSION
from .occlusion import VERSION, Occlusion

if TYPE_CHECKING:
    from ..detect.detector import Detector

# Critics of whole responses, and the model that each is.
PUBLISHED: dict[str, tuple[Kind, str]] = {
    "shepherd": ("shepherd", f"hf:{SHEPHERD}"),
    "ultracm": ("ultracm", f"hf:{ULTRACM}"),
}
KNOWN = "occlusion, shepherd[:MODEL], ultracm[:MODEL], or a model: smollm2, hf:ID, vllm:ID, ..."


def open_critic(
    spec: str, options: CriticOptions | None = None, *, detector: "Detector | None" = None
) -> Critic:
    """Open a critic by its spec.

    Parameters
    ----------
    spec : a model spec or the folder of a LoRA adapter; `occlusion`; `shepherd` or `ultracm`, which
        may name where that model is: `shepherd:vllm:reciprocate/shepherd-13b`.
    detector : whose probabilities `occlusion` looks at; others need none.

    Raises
    ------
    UserError : no such critic; `occlusion` without a detector; see `LanguageModel.open`.
    """
    options = options or CriticOptions()
    if spec == OCCLUSION:
        if detector is None:
            raise UserError(f"critic {OCCLUSION}: looks at a detector's probabilities", "give one")
        return Occlusion(detector, options)
    kind, model = _kind_and_model(spec)
    return ModelCritic(LanguageModel.open(model, cache=options.cache), options, kind)


def critic_identity(spec: str, detector: object) -> object:
    """What the words of a critic depend on, for journals, without loading a model.

    Parameters
    ----------
    detector : identity of the detector, on which `occlusion` depends.
    """
    if spec == OCCLUSION:
        return [OCCLUSION, VERSION, detector]
    kind, model = _kind_and_model(spec)
    return [LanguageModel.identity_of(model), kind]


def needs_detector(spec: str) -> bool:
    """Whether a critic looks at a detector's probabilities."""
    return spec == OCCLUSION


def _kind_and_model(spec: str) -> tuple[Kind, str]:
    name, _, model = spec.partition(":")
    if name in PUBLISHED:
        kind, published = PUBLISHED[name]
        return kind, model or published
    try:
        parse_spec(spec)
    except UserError as error:
        if error.message.startswith("unknown model"):
            raise UserError(f"unknown critic {spec!r}", f"one of {KNOWN}") from None
        raise
    return "sentence", spec
