"""The metrics of answers, rank correlation, and scores that survive a kill."""
