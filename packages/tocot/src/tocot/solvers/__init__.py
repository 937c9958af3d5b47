"""Plans carried out by tools: Python, formulas, logic."""
