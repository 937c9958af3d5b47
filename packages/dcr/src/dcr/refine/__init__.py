"""Refine: a response edited by its feedback, changed as little as possible; the recipes."""
