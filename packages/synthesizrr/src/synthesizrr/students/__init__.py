"""Small classifiers trained on generated rows."""
