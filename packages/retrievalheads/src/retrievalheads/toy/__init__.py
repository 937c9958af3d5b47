"""A word-level world small enough that a decoder of 130,000 weights learns it on a CPU."""
