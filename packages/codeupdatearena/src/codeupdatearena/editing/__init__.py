"""Knowledge editing: what a model is trained on, and the edits that come of it."""
