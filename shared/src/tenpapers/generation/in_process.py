"""Backends that run the model themselves, here or on a worker of a cluster."""

from ..models.spec import ModelSpec
from .types import Backend

IN_PROCESS = ("hf", "vllm")


def open_in_process(spec: ModelSpec) -> Backend:
    """Open an `hf:` or `vllm:` model; heavy imports happen here."""
    if spec.backend == "hf":
        from .hf import HFBackend

        return HFBackend.load(spec)
    from .vllm import VLLMBackend

    return VLLMBackend(spec)
