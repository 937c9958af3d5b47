"""Prompts, and solutions sampled for them."""
