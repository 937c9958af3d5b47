"""The metrics: pass@k, specificity, likelihood of the references."""
