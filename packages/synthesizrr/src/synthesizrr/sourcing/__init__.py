"""Content sourcing: documents retrieved for seeds."""
