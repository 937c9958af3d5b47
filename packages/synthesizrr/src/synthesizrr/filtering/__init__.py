"""Cartography and filters of generated rows."""
