"""A reader answers a subquestion from passages."""
