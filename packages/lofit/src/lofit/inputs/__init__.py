"""The paper's tasks and a user's own rows, as records and as tokens."""
