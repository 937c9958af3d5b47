"""Published data sets and corpora, seeds, tasks and the user's own files."""
