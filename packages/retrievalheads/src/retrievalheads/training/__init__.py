"""Attention-only tuning and longer contexts."""
