"""A tuned model for others: generation, vLLM, one object."""
