"""Ways to recover aligned behaviour from a base model: prompts alone, no training."""
