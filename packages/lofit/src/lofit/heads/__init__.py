"""Step 1: which heads."""
