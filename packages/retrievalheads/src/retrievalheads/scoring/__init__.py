"""The metrics: answers, and rank correlation."""
