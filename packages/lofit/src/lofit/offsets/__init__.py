"""Step 2: what is added to the chosen heads, and how it becomes part of the weights."""
