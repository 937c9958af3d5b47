"""Texts as vectors: whole texts, their neighbours, and their tokens."""
