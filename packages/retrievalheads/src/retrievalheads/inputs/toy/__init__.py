"""A world small enough to pretrain a model on."""
