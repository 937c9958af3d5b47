"""Programs made of solutions and tests, run in the sandbox."""
