"""The paper's experiment, from the stages."""
