"""What a teacher's tokens cost."""

# USD for a million tokens in and out, as the paper's cost tables have them.
PRICES = {
    "llama-2-13b-chat": (0.75, 1.00),
    "claude-instant": (0.80, 2.40),
    "claude-v2": (8.00, 24.00),
    "gpt-3.5-turbo": (0.50, 1.50),
    "gpt-4": (30.00, 60.00),
}


def cost_usd(model: str, prompt_tokens: int, output_tokens: int) -> float | None:
    """Price of a run in USD; None for a model without a known price.

    Parameters
    ----------
    model : name or path; the longest known name in it counts.
    """
    known = [name for name in PRICES if name in model.lower()]
    if not known:
        return None
    price_in, price_out = PRICES[max(known, key=len)]
    return (prompt_tokens * price_in + output_tokens * price_out) / 1e6
