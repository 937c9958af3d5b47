"""Encoders and students as what they contain, for journals and for features that are kept."""

from typing import Any

from tenpapers.embedding import Encoder
from tenpapers.journal import known_by
from tenpapers.models.identity import identity_as_loaded, model_identity
from tenpapers.models.loading import resolve_name

from .classifiers import student_spec

Known = dict[str, Any]


def features_identity(name: str) -> str:
    """Hash of what the features of texts depend on: an encoder, or `lm:SPEC`.

    Raises
    ------
    UserError : a folder that is not there, a hub that is out of reach.
    """
    if name.startswith("lm:"):
        return identity_as_loaded(name.removeprefix("lm:"))
    return Encoder.identity_of(name)


def known_encoder(name: str) -> Known:
    """An encoder, or MAUVE's features, for the key of a journal.

    Raises
    ------
    UserError : see `features_identity`.
    """
    return known_by(name, features_identity(name))


def known_student(name: str) -> Known:
    """A student's recipe with the model that it starts from, for the key of a journal.

    Raises
    ------
    UserError : an unknown recipe, a model that cannot be found.
    """
    spec = student_spec(name)
    if spec.probe:
        return known_by(name, [repr(spec), Encoder.identity_of(spec.model)])
    return known_by(name, [repr(spec), model_identity(f"hf:{resolve_name(spec.model)}")])
