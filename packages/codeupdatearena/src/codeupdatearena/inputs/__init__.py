"""The arena: published forms and the user's own files, as records."""
