"""A model's answers: prompts, runs, label likelihoods, wordings, a judge."""
