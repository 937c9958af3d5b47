"""Retrieval heads: detection, scores, comparison."""
