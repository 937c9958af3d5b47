"""The metrics: formulas, judges, significance."""
