"""The loss of a batch: its tuples, what is a negative, gradients in chunks and across processes."""
