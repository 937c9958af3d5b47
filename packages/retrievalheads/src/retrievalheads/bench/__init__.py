"""The detectors that ours is measured against, written by us after the published procedures."""
