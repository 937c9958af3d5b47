"""Step 1: which sentences of a response the document does not support."""
