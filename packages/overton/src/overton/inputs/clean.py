"""A response as it is measured."""

FENCE = "```"


def ends_with_fence(text: str) -> bool:
    """Whether a response was closed: a base model ends its answer with a code fence."""
    return text.rstrip().endswith(FENCE)


def clean(text: str, closing_fence: bool = True) -> str:
    """Strip a response, and the code fence with which a base model closes its answer.

    Parameters
    ----------
    closing_fence : whether a fence at the end goes; False leaves texts as the paper's own code
        reads them. A fence inside an answer always stays.
    """
    text = text.strip()
    if closing_fence and text.endswith(FENCE):
        text = text.removesuffix(FENCE).rstrip()
    return text
