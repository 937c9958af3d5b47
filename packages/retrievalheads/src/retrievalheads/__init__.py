"""Retrieval heads."""
