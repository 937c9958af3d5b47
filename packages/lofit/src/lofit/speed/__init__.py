"""Timings against the peers."""
