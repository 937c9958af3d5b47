"""Heads switched off and activations patched."""
