"""Teacher-forced proxy for models too small to solve anything: NLL of the reference."""

import ast
from dataclasses import dataclass

from tenpapers.models import CausalLM

from ..inputs.update_types import implemented_name, old_name, updated_path
from ..records import ProgSynExample
from ..sampling.prompts import answer_start, render


@dataclass(frozen=True)
class Nll:
    """Mean negative log-likelihood (nats) of the solution's tokens and of those inside calls."""

    per_token: float
    call_tokens: float
    n_tokens: int
    n_call_tokens: int


def normalised(example: ProgSynExample) -> ProgSynExample:
    """Drop comments and layout of the reference; one that is no Python stays as it is."""
    try:
        code = ast.unparse(ast.parse(example.ref_solution))
    except (SyntaxError, ValueError):
        return example
    return example.model_copy(update={"ref_solution": code})


def call_spans(code: str, example: ProgSynExample) -> list[tuple[int, int]]:
    """Find the characters of every call of the updated function, the call's name included.

    Code that is no Python has none.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return []
    lines = code.split("\n")
    line_starts = [0]
    for line in lines:
        line_starts.append(line_starts[-1] + len(line) + 1)

    def character(line: int, column: int) -> int:
        # ast counts columns in UTF-8 bytes
        return line_starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    update = example.update
    path = updated_path(update)
    names = {path, implemented_name(update)}
    # A method is called on an object, whose name says nothing: its own name decides.
    method = old_name(path) if path.count(".") > 1 else ""
    spans = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.startswith("np."):
                called = "numpy" + called[2:]
            if called in names or (method and called.endswith(f".{method}")):
                first = character(node.lineno, node.col_offset)
                spans.append((first, character(node.end_lineno or 0, node.end_col_offset or 0)))
    return spans


def measure(lm: CausalLM, example: ProgSynExample, *, part_u: bool, header: bool) -> Nll:
    """Score the reference solution after the prompt of an arm.

    Parameters
    ----------
    part_u : begin the prompt with the update's text.
    header : end it with the header line, as the PS arms do.
    """
    text = render(example, None, part_u, True, True, show_test=False)
    if not header:
        prompt = render(example, None, part_u, True, False, show_test=False)
        text = prompt + text[answer_start(text, example) :]
    begin = answer_start(text, example) + len("[PYTHON]\n")
    end = begin + len(example.ref_solution.strip())
    spans = [
        (begin + first, begin + last) for first, last in call_spans(example.ref_solution, example)
    ]
    solution, calls = [], []
    for loss, (first, last) in _token_losses(lm, text, begin, end):
        solution.append(loss)
        if any(last > opened and first < closed for opened, closed in spans):
            calls.append(loss)
    mean_call = sum(calls) / len(calls) if calls else float("nan")
    return Nll(sum(solution) / len(solution), mean_call, len(solution), len(calls))


def _token_losses(
    lm: CausalLM, text: str, begin: int, end: int
) -> list[tuple[float, tuple[int, int]]]:
    """Loss (nats) of every token between two characters, and the characters that it stands for.

    Logits are computed at those places alone; the first token of a text has no loss.
    """
    import torch

    encoded = lm.tokenizer(text, return_offsets_mapping=True)
    offsets = list(encoded["offset_mapping"])
    chosen = [
        place
        for place, (first, last) in enumerate(offsets)
        if place and last > begin and first < end
    ]
    ids = torch.tensor(encoded["input_ids"], device=lm.model.device)
    places = torch.tensor(chosen, device=lm.model.device)
    with torch.inference_mode():
        logits = lm.model(ids[None], use_cache=False, logits_to_keep=places - 1).logits[0]
    losses = torch.nn.functional.cross_entropy(logits.float(), ids[places], reduction="none")
    return list(zip(losses.tolist(), [offsets[place] for place in chosen], strict=True))
