"""A response as it is measured."""

FENCE = "```"


def ends_with_fence(text: str) -> bool:
    """Whether a response was closed: a base model ends its answer with the fence of its prompt.

    The end of a code block that the answer began itself closes no answer.
    """
    *before, last = text.rstrip().split("\n")
    if not last.endswith(FENCE):
        return False
    if _in_a_block(before):
        return False
    stands_alone = not last.strip().strip("`")
    # Of a line with words the fence may end code that began in it: ```ls```.
    return stands_alone or last.count(FENCE) % 2 == 1


def _in_a_block(lines: list[str]) -> bool:
    """Whether the lines end within a code block of theirs that has something in it."""
    inside = filled = False
    for line in lines:
        fence = line.strip()
        language = fence.lstrip("`")
        if fence.startswith(FENCE) and "`" not in language:
            inside, filled = bool(language) or not inside, False
        elif fence:
            filled = True
    return inside and filled


def clean(text: str, closing_fence: bool = True) -> str:
    """Strip a response, and the code fence with which a base model closes its answer.

    Parameters
    ----------
    closing_fence : whether a fence at the end goes; False leaves texts as the paper's own code
        reads them. A fence inside an answer always stays, the end of its last code block too.
    """
    text = text.strip()
    if closing_fence and ends_with_fence(text):
        text = text.removesuffix(FENCE).rstrip()
    return text
