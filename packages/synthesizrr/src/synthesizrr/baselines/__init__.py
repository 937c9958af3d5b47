"""Baselines without a corpus, and small forms of earlier methods (spec 6)."""
