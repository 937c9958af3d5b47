"""The three training signals and their union."""
