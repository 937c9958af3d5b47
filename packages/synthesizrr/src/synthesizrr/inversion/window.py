"""How long a prompt may be: the model's window, less what the answer needs."""

from tenpapers.errors import UserError
from tenpapers.models.loading import not_loaded, resolve_name
from tenpapers.models.spec import parse_spec


def context_window(spec: str) -> int | None:
    """Longest sequence of a model in tokens; None for a server or a recording, which know alone.

    Raises
    ------
    UserError : a model spec that cannot be read, a model that cannot be found.
    """
    parsed = parse_spec(spec)
    if parsed.backend == "ray":
        return context_window(parsed.name)
    if parsed.backend in ("openai", "replay"):
        return None
    if given := parsed.options.get("max_model_len"):
        return int(given)
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(
            resolve_name(parsed.name), revision=parsed.options.get("revision")
        )
    except (OSError, ValueError) as error:
        raise not_loaded(spec, error) from None
    longest = getattr(config.get_text_config(), "max_position_embeddings", None)
    return int(longest) if longest else None


def prompt_limit(window: int | None, wanted: int, new_tokens: int) -> int:
    """Tokens of the longest prompt: what is wanted, or what the window leaves beside an answer.

    Raises
    ------
    UserError : the window has no room for an answer of so many tokens.
    """
    if window is None:
        return wanted
    if window <= new_tokens:
        raise UserError(
            f"the model's window of {window} tokens has no room for answers of {new_tokens}",
            "lower --max-new-tokens",
        )
    return min(wanted, window - new_tokens)
