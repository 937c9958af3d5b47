"""Retrieval, answers, verdicts: the formulas low, the models high."""
