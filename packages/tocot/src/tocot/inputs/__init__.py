"""Task items with gold answers: published files, the hub, a user's own rows."""
