"""Generating new updates and problems with any model (section 3.4), one module a step."""
