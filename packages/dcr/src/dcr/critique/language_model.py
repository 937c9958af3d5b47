"""A language model as critics, refiners and teachers hold it: any spec, or an adapter's folder."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tenpapers.closing import Closing
from tenpapers.errors import UserError, without_credentials
from tenpapers.generation import (
    Attempt,
    Completion,
    Generator,
    Request,
    ask_until_read,
    open_generator,
)
from tenpapers.models.identity import adapter_identity, identity_as_loaded, model_identity
from tenpapers.models.spec import ModelSpec, parse_spec
from tenpapers.records import read_json

ADAPTER_FILE = "adapter_config.json"


class LanguageModel(Closing):
    """A model that completes requests; with the LoRA adapter of its spec, where that names one.

    Parameters
    ----------
    name : as the user wrote it, but for credentials in an address; it stands in files.
    """

    def __init__(self, name: str, generator: Generator, adapter: str = "") -> None:
        self.name = without_credentials(name)
        self.generator, self.adapter = generator, adapter
        self.identity: object = [generator.backend.identity, adapter_identity(adapter)]

    @classmethod
    def open(cls, spec: str, *, cache: bool = True) -> "LanguageModel":
        """Open a model by its spec; the folder of an adapter opens its base with it.

        Raises
        ------
        UserError : no such model; see `tenpapers.generation.open_generator`.
        """
        base, adapter = base_and_adapter(spec)
        return cls(spec, open_generator(base, cache=cache), adapter)

    @staticmethod
    def identity_of(spec: str) -> object:
        """What the answers of a model depend on, without loading it."""
        base, adapter = base_and_adapter(spec)
        parsed = parse_spec(base)
        known = identity_as_loaded(parsed) if parsed.backend == "hf" else model_identity(parsed)
        return [known, adapter_identity(adapter)]

    def stream(
        self, requests: Sequence[Request], *, progress: str | None = None
    ) -> Iterator[Completion]:
        """Completions as they are done, in any order; none where nothing is asked."""
        if not requests:
            return
        yield from self.generator.stream(self._with_adapter(requests), progress=progress)

    def attempts(
        self,
        requests: Sequence[Request],
        readable: Callable[[Completion], bool],
        *,
        tries: int,
        progress: str | None = None,
    ) -> Iterator[Attempt]:
        """Completions, those that are not readable drawn again; see `ask_until_read`."""
        asked = self._with_adapter(requests)
        yield from ask_until_read(self.generator, asked, readable, tries=tries, progress=progress)

    def _with_adapter(self, requests: Sequence[Request]) -> list[Request]:
        return [request.model_copy(update={"adapter": self.adapter}) for request in requests]

    def close(self) -> None:
        """Free the model."""
        self.generator.close()


def base_and_adapter(spec: str) -> tuple[str, str]:
    """The spec of a base model, and the folder of the adapter that a spec names; "" for none.

    Raises
    ------
    UserError : no such backend; an adapter that does not say what it belongs to.
    """
    parsed = parse_spec(spec)
    file = Path(parsed.name, ADAPTER_FILE)
    if parsed.backend not in ("hf", "vllm") or not file.is_file():
        return spec, ""
    base = read_json(file).get("base_model_name_or_path")
    if not base:
        raise UserError(f"{file}: names no base model", "base_model_name_or_path is wanted")
    return str(ModelSpec(parsed.backend, str(base), parsed.options)), parsed.name
