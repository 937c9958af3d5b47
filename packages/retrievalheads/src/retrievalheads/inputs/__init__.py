"""Long-context examples: published files, synthetic contexts, prompts and their tokens."""
