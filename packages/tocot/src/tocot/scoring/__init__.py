"""The metrics: grading, pairs, paired tests, the share of the equals sign."""
