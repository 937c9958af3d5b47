"""From a claim to a verdict: reader, judge, pipeline."""
