"""Metrics of data sets: diversity, entities, closeness to human text, label preservation."""
