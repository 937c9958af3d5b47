"""Critique: where a sentence goes wrong, why, and what should stand there instead."""
