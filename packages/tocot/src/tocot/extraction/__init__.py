"""The answer that a response commits to, read without the gold."""
