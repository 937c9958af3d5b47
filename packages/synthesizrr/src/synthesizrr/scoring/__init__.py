"""The metrics: diversity, closeness, entities, faithfulness."""
