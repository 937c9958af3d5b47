"""Whether an answer means what a right one means: LERC, and what stands in for it."""
