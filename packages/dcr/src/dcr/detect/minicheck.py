"""MiniCheck as a detector: the released models, or any T5 or classifier in a folder."""

from collections.abc import Sequence

from tenpapers.errors import UserError
from tenpapers.models.minicheck import MiniCheck

from .detector import BATCH_TOKENS, DetectorOutput


class MiniCheckScorer:
    """Loads its model when it is first asked.

    Parameters
    ----------
    name : of a released model, a folder or a hub id, with options behind a `?`.

    Raises
    ------
    UserError : the model cannot be had.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._model: MiniCheck | None = None
        try:
            self.identity: object = MiniCheck.identity_of(name)
        except UserError as error:
            raise _with_alternatives(error) from None

    def score(
        self, pairs: Sequence[tuple[str, str]], *, batch_tokens: int = BATCH_TOKENS
    ) -> DetectorOutput:
        """P(supported) of pairs of a document and a sentence."""
        if self._model is None:
            try:
                self._model = MiniCheck.load(self._name)
            except UserError as error:
                raise _with_alternatives(error) from None
        found = self._model.score(pairs, batch_tokens=batch_tokens)
        return DetectorOutput(found.probs, found.chunk_probs)

    def close(self) -> None:
        """Free the model, so that the critic has its memory."""
        if self._model is not None:
            self._model.close()
            self._model = None


def _with_alternatives(error: UserError) -> UserError:
    """What a machine without the hub can do instead."""
    return UserError(
        error.message, "without network: --detector lexical, path:FOLDER, or llm:MODEL"
    )
