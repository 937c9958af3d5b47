"""Contrastive fine-tuning of a bi-encoder."""
