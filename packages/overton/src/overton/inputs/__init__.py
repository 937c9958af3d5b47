"""Published files and the user's own files, as records."""
