"""The synthetic inference set: a seeded world in which the right window never says the word."""
