"""Synthetic contexts of three tasks."""
